"""Every call that can meet a 403 can say what is missing."""

from __future__ import annotations

from conversations.genesys.scopes import SCOPES_BY_CALL


def test_each_call_names_at_least_one_scope() -> None:
    assert {"inject", "attributes", "org socket", "history"} <= SCOPES_BY_CALL.keys()
    assert all(SCOPES_BY_CALL.values())
