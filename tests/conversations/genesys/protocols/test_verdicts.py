"""Verdicts are data: equal by value, and they cannot be changed on the way."""

from __future__ import annotations

import dataclasses

import pytest

from conversations.genesys.protocols.verdicts import Close, End, GiveUp, Reconnect, RenewToken


def test_a_verdict_cannot_be_changed() -> None:
    for verdict in (Reconnect("a"), RenewToken("a"), End("a"), GiveUp("a")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            verdict.reason = "b"  # type: ignore[misc]


def test_a_close_without_anything_is_a_failed_connect() -> None:
    assert Close(None) == Close(None, "", None, None)
