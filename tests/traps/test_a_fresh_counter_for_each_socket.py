"""TRAP (protocol §3): a fresh counter for each socket never reaches five tries.

They are counted over sockets, and a failed connect counts too.
"""

from __future__ import annotations

import http
import json

import pytest

from conversations.genesys.protocols.transcript import TranscriptProtocol
from conversations.genesys.protocols.verdicts import End, GaveUp, GiveUp
from conversations.genesys.session import Patience, Session
from tests.conversations.genesys.sockets import Watched, socket_server

FRAME = json.dumps({"event": "news", "timestamp": "2024-06-15T10:30:00.000Z"})
FIVE = [1.0, 2.0, 4.0, 8.0]  # between five tries


class Followed(Watched):
    """Its session is one of a transcript."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.session = Session(
            name="transcript",
            protocol=TranscriptProtocol("conv-1"),
            url=lambda _token: self.url,
            headers=lambda _token: {},
            tokens=self.tokens,
            on_event=self._event,
            on_state=self.states.append,
            on_open=self._open,
            random=lambda: 0.0,
            sleep=self._sleep,
            timing=self.timing,
            patience=Patience(tries=5, waits_refused=False),
            capped_jitter=True,
        )


async def test_five_sockets_that_close_at_once_are_enough() -> None:
    async def handler(peer) -> None:
        await peer.close(1011)

    async with socket_server(handler) as url:
        followed = Followed(url)
        end = await followed.session.run()

    assert isinstance(end, GaveUp)
    assert (followed.opens, followed.waits) == (5, FIVE)
    assert followed.states[-1].state == "stopped"
    assert "given up after 5 tries" in followed.states[-1].reason


async def test_five_failed_connects_are_enough() -> None:
    async with socket_server(lambda peer: peer.close()) as url:
        pass  # nobody listens there any more
    followed = Followed(url)

    end = await followed.session.run()

    assert isinstance(end, GaveUp)
    assert (followed.opens, followed.waits) == (0, FIVE)


async def test_failed_connects_and_closed_sockets_count_together_and_a_frame_starts_afresh() -> (
    None
):
    tries = iter(["close", "refuse", "frame", "close", "refuse", "close", "refuse", "close"])
    turns: list[str] = []

    def process(connection, _request):
        turns.append(next(tries))
        if turns[-1] == "refuse":
            return connection.respond(http.HTTPStatus.BAD_GATEWAY, "no\n")
        return None

    async def handler(peer) -> None:
        if turns[-1] == "frame":
            await peer.send(FRAME)
        await peer.close(1011)

    async with socket_server(handler, process_request=process) as url:
        followed = Followed(url)
        end = await followed.session.run()

    assert isinstance(end, GaveUp)
    assert len(turns) == 8  # two, a sound one, and then five in a row
    assert followed.waits == [1, 2, 1, 2, 4, 8, 16]


@pytest.mark.parametrize("code", [1008, 1002])
async def test_a_refusal_ends_it_after_one_renewed_token(code) -> None:
    async def handler(peer) -> None:
        await peer.close(code)

    async with socket_server(handler) as url:
        followed = Followed(url)
        end = await followed.session.run()

    assert isinstance(end, GiveUp)
    assert (followed.opens, followed.states[-1].state) == (2, "refused")
    assert "with a renewed token as well" in followed.states[-1].reason


async def test_the_end_of_the_conversation_is_closed_by_us_with_its_reason() -> None:
    closes = []

    async def handler(peer) -> None:
        await peer.send('{"event": "conversationClosed", "timestamp": "2024-06-15T10:30:00Z"}')
        await peer.wait_closed()
        closes.append((peer.close_code, peer.close_reason))

    async with socket_server(handler) as url:
        followed = Followed(url)
        end = await followed.session.run()

    assert end == End("the conversation is closed")
    assert closes == [(1000, "Conversation closed")]
