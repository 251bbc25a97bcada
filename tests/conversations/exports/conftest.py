"""A folder for the files of exports, and a key that signs their manifests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.EXPORT_FOLDER = str(tmp_path / "exports")
    settings.JOURNAL_SIGNING_KEY = "0123456789abcdef" * 4
    return Path(settings.EXPORT_FOLDER)
