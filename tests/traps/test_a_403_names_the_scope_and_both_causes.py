"""A 403 may be a missing scope or a missing right to web messaging: both are said."""

from __future__ import annotations

import pytest
from aiohttp import web

from conversations.genesys.exceptions import ScopeMissing
from conversations.genesys.protocols.messaging import MessagingProtocol
from conversations.genesys.protocols.verdicts import Close, GiveUp
from tests.conversations.genesys.fakes import NOW, rest_to


def assert_says_both(text: str, *scopes: str) -> None:
    assert all(scope in text for scope in scopes)
    assert "no access to web messaging in this organisation" in text


async def test_a_403_of_a_call_stops_it_at_once_and_says_why() -> None:
    async with rest_to(lambda _: web.Response(status=403, text="{}")) as (rest, platform):
        with pytest.raises(ScopeMissing) as posted:
            await rest.post_message("c", sender_id="g", sender_type="guest", text="Hi")
        with pytest.raises(ScopeMissing) as put:
            await rest.put_attributes("c", {})
        with pytest.raises(ScopeMissing) as read:
            await rest.active_conversations(NOW)

        assert len(platform.requests) == 3
    assert_says_both(str(posted.value), "webchat:send", "conversation:write")
    assert_says_both(str(put.value), "webchat:send", "conversation:write")
    assert_says_both(str(read.value), "webchat:read")


def test_a_403_in_the_handshake_says_the_same() -> None:
    verdict = MessagingProtocol().verdict(Close(None, http_status=403))

    assert isinstance(verdict, GiveUp)
    assert_says_both(verdict.reason, "webchat:read")
