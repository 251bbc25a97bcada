"""A stream's life over real sockets: when it connects again, and when it stops asking."""

from __future__ import annotations

import asyncio
import http
import logging
import socket

import pytest

from conversations.genesys.events import Event, Malformed, TypingChanged
from conversations.genesys.exceptions import CredentialsRefused, TokenUnavailable
from tests.conversations.genesys.fakes import FakeTokens
from tests.conversations.genesys.sockets import TYPING, Watched, socket_server


def closing(code: int, *frames: str):
    async def handler(peer) -> None:
        for frame in frames:
            await peer.send(frame)
        await peer.close(code)

    return handler


def answering(status: int, **headers: str):
    def process(connection, _request):
        response = connection.respond(http.HTTPStatus(status), "no\n")
        for key, value in headers.items():
            response.headers[key.replace("_", "-")] = value
        return response

    return process


async def never(peer) -> None:
    await peer.wait_closed()


async def test_frames_become_events_and_a_bad_one_ends_nothing() -> None:
    async with socket_server(closing(1000, TYPING, "<html>", TYPING)) as url:
        watched = Watched(url, max_waits=1)
        await watched.run()

    assert [type(event) for event in watched.events] == [TypingChanged, Malformed, TypingChanged]
    assert [change.state for change in watched.states] == [
        "connecting",
        "live",
        "waiting",
        "stopped",
    ]
    assert watched.opens == 1


async def test_the_token_is_sent_in_query_and_header() -> None:
    seen = []

    async def handler(peer) -> None:
        seen.append((peer.request.path, peer.request.headers["Authorization"]))

    async with socket_server(handler) as url:
        await Watched(url, max_waits=1).run()

    assert seen == [("/socket?access_token=token-0-value", "Bearer token-0-value")]


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1011, 3000, 4000, 4999])
async def test_any_close_is_followed_by_the_usual_delay(code: int) -> None:
    async with socket_server(closing(code)) as url:
        watched = Watched(url, max_waits=3)
        await watched.run()

    assert watched.waits == [1, 2, 4]
    assert watched.tokens.calls == 0


@pytest.mark.parametrize("code", [1012, 1013])
async def test_a_server_that_asks_for_time_gets_five_seconds(code: int) -> None:
    async with socket_server(closing(code)) as url:
        watched = Watched(url, max_waits=4)
        await watched.run()

    assert watched.waits == [5, 5, 5, 8]


async def test_a_failed_connect_counts_as_an_attempt() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    watched = Watched(f"ws://127.0.0.1:{port}/", max_waits=6)

    await watched.run()

    assert watched.waits == [1, 2, 4, 8, 16, 30]
    assert watched.states[-1].attempts == 6


@pytest.mark.parametrize("code", [1008, 4401])
async def test_a_refused_token_is_renewed_once_and_then_asked_for_every_five_minutes(
    code: int,
) -> None:
    async with socket_server(closing(code)) as url:
        watched = Watched(url, max_waits=5)
        await watched.run()

    assert watched.waits == [1, 300, 300, 300, 300]
    assert [change.state for change in watched.states if change.state == "refused"]
    assert watched.tokens.calls == 4  # one for the second connection, one each five minutes


async def test_a_401_in_the_handshake_renews_the_token_and_a_good_one_is_used() -> None:
    def process(connection, request):
        if "token-1" in request.path:
            return None
        return answering(401)(connection, request)

    async with socket_server(closing(1000, TYPING), process_request=process) as url:
        watched = Watched(url, max_waits=3)
        await watched.run()

    assert watched.tokens.calls == 1
    assert len(watched.events) == 2
    assert watched.waits == [1, 1, 1]


async def test_refusals_that_are_not_in_a_row_are_not_a_refusal() -> None:
    async with socket_server(closing(1008, TYPING)) as url:
        watched = Watched(url, max_waits=4)
        await watched.run()

    assert watched.waits == [1, 1, 1, 1]


@pytest.mark.parametrize("frame", ['{"type": "error"}', "<html>"])
async def test_a_frame_that_says_why_does_not_end_the_row_of_refusals(frame: str) -> None:
    async with socket_server(closing(1008, frame)) as url:
        watched = Watched(url, max_waits=4)
        await watched.run()

    assert watched.waits == [1, 300, 300, 300]


async def test_a_403_in_the_handshake_is_asked_again_slowly_with_a_new_token() -> None:
    async with socket_server(never, process_request=answering(403)) as url:
        watched = Watched(url, max_waits=3)
        await watched.run()

    refused = [change for change in watched.states if change.state == "refused"]
    assert watched.waits == [300, 300, 300]
    assert "webchat:read" in refused[0].reason
    assert watched.tokens.calls == 2


async def test_a_429_in_the_handshake_waits_as_asked() -> None:
    async with socket_server(never, process_request=answering(429, Retry_After="17")) as url:
        watched = Watched(url, max_waits=1)
        await watched.run()

    assert watched.waits == [17]


async def test_a_redirect_does_not_carry_the_token_away() -> None:
    asked = []

    async def thief(peer) -> None:
        asked.append(peer.request.path)

    async with socket_server(thief) as other:
        process = answering(302, Location=other)
        async with socket_server(never, process_request=process) as url:
            await Watched(url, max_waits=2).run()

    assert asked == []


async def test_without_credentials_nobody_is_asked_but_every_five_minutes() -> None:
    tokens = FakeTokens(failing=CredentialsRefused("wrong client secret"))
    watched = Watched("ws://127.0.0.1:1/", max_waits=2, tokens=tokens)

    await watched.run()

    assert watched.waits == [300, 300]
    assert watched.states[1].reason == "wrong client secret"


async def test_a_busy_token_endpoint_is_given_its_time() -> None:
    tokens = FakeTokens(failing=TokenUnavailable("429", retry_after_s=120))
    watched = Watched("ws://127.0.0.1:1/", max_waits=1, tokens=tokens)

    await watched.run()

    assert watched.waits == [120]


async def test_an_event_handler_that_fails_does_not_end_the_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def failing(_event: Event) -> None:
        raise LookupError("no such row")

    async with socket_server(closing(1000, TYPING)) as url:
        watched = Watched(url, max_waits=2, on_event=failing)
        await watched.run()

    assert watched.waits == [1, 2]
    assert "unexpected failure" in caplog.text
    assert "token-0" not in caplog.text


async def test_a_refused_stream_is_tried_at_once_on_somebodys_word_and_then_waits_again() -> None:
    async with socket_server(never, process_request=answering(403)) as url:
        watched = Watched(url)
        released = asyncio.Event()

        async def waits(seconds: float) -> None:
            watched.waits.append(seconds)
            await released.wait()

        watched.session._sleep = waits
        watched.session.retry_now()  # nobody waits: it is not kept for later
        running = asyncio.create_task(watched.run())
        async with asyncio.timeout(5):
            for count in (1, 2, 3):
                while len(watched.waits) < count:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.05)
                assert len(watched.waits) == count
                watched.session.retry_now()
        watched.session.stop()
        await running

    refused = [change.state for change in watched.states if change.state == "refused"]
    assert len(refused) in {3, 4}
    assert set(watched.waits) == {300}


async def test_a_cancelled_session_is_cancelled_and_says_stopped() -> None:
    async with socket_server(never) as url:
        watched = Watched(url)
        running = asyncio.create_task(watched.session.run())
        await watched.opened.wait()
        running.cancel()

        with pytest.raises(asyncio.CancelledError):
            await running

    assert watched.states[-1].state == "stopped"
    assert not [task for task in asyncio.all_tasks() if "org" in task.get_name()]


async def test_a_stopped_session_closes_its_socket_and_returns() -> None:
    closed = asyncio.Event()

    async def handler(peer) -> None:
        await peer.wait_closed()
        closed.set()

    async with socket_server(handler) as url:
        watched = Watched(url)
        running = asyncio.create_task(watched.run())
        await watched.opened.wait()
        watched.session.stop()
        await running
        await asyncio.wait_for(closed.wait(), 1)


async def test_no_log_line_has_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with socket_server(closing(1011, TYPING)) as url:
        await Watched(url, max_waits=2).run()
    await Watched("ws://[bad", max_waits=1).run()

    ours = [r for r in caplog.records if not r.name.startswith("websockets.server")]
    assert ours
    assert not [r for r in ours if "token-0-value" in r.getMessage()]
