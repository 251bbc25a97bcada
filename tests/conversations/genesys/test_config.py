"""The client's configuration is plain data that does not show its secret."""

from __future__ import annotations

from tests.conversations.genesys.fakes import config_for


def test_the_secret_is_not_shown() -> None:
    assert "CANARY" not in repr(config_for("https://api.example.org"))
