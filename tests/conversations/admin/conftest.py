"""The test client speaks plain HTTP."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def plain_http(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False
