"""Each fault at each stage, on real sockets: was nothing sent, or is the answer unknown?"""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
import zlib
from collections.abc import AsyncIterator, Callable

import pytest

from conversations.net.exceptions import AnswerUnknown, InvalidBody, NotSent, TooLate
from conversations.net.http import AuthFlow, HttpClient
from tests.conversations.net.raw_server import (
    Peer,
    RawServer,
    answer,
    answering,
    read_request,
    reset,
    serving,
)


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(connect_timeout_s=5, total_timeout_s=20, max_body_bytes=10_000)
    yield client
    await client.aclose()


@pytest.fixture
async def impatient() -> AsyncIterator[HttpClient]:
    """For whoever waits for a limit."""
    client = HttpClient(connect_timeout_s=0.3, total_timeout_s=0.7, max_body_bytes=10_000)
    yield client
    await client.aclose()


def doing(act: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]) -> object:
    """A peer that does one thing with the connection, which may be a coroutine."""

    def behave(state: RawServer) -> Peer:
        async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            result = act(reader, writer)
            if asyncio.iscoroutine(result):
                await result

        return peer

    return behave


# Before the first byte.


async def test_a_refused_connection_was_not_sent(client: HttpClient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(NotSent):
        await client.request("POST", f"http://127.0.0.1:{port}/", json={})


async def test_an_unknown_host_was_not_sent(client: HttpClient) -> None:
    with pytest.raises(NotSent):
        await client.request("POST", "http://nowhere.invalid/", json={})


@pytest.mark.parametrize("url", ["", "nothing", "ftp://host/x", "http://", "http://[/", "/path"])
async def test_an_address_that_is_none_was_not_sent(client: HttpClient, url: str) -> None:
    with pytest.raises(NotSent):
        await client.request("POST", url, json={})


async def test_a_connect_timeout_was_not_sent(client: HttpClient, impatient: HttpClient) -> None:
    with socket.socket() as full:  # a full backlog: the kernel answers no further SYN
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        await asyncio.sleep(0.05)

        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        with pytest.raises(NotSent):
            await impatient.request("POST", url, json={})
        began = time.monotonic()
        with pytest.raises(NotSent):
            await client.request("POST", url, json={}, leaves_within_s=lambda: 0.05)
        assert time.monotonic() - began < 4  # it may connect for 5 s

        for one in waiting:
            one.close()


async def test_what_cannot_leave_in_time_is_not_sent(client: HttpClient) -> None:
    async with serving(answering(answer(b"{}"))) as server:
        with pytest.raises(TooLate):
            await client.request("POST", server.url, json={}, leaves_within_s=lambda: 0.0)

        assert server.connections == 0


async def test_a_failed_tls_handshake_was_not_sent(client: HttpClient) -> None:
    async with serving(doing(lambda r, w: w.write(b"not TLS at all\r\n\r\n"))) as server:
        with pytest.raises(NotSent):
            await client.request("POST", server.url.replace("http", "https"), json={})


async def test_a_silent_tls_handshake_was_not_sent(client: HttpClient) -> None:
    async with serving(doing(lambda r, w: asyncio.sleep(1))) as server:
        with pytest.raises(NotSent):
            await client.request("POST", server.url.replace("http", "https"), json={})


async def test_waiting_for_one_of_our_own_connections_was_not_sent() -> None:
    client = HttpClient(connect_timeout_s=0.2, total_timeout_s=0.6, max_connections=1)
    async with serving(doing(lambda r, w: asyncio.sleep(1))) as server:
        first, second = await asyncio.gather(
            client.request("POST", server.url, json={}),
            client.request("POST", server.url, json={}),
            return_exceptions=True,
        )
    await client.aclose()

    assert {type(first), type(second)} == {AnswerUnknown, NotSent}


# After it.


@pytest.mark.parametrize(
    "act",
    [
        lambda r, w: w.close(),
        lambda r, w: reset(w),
        lambda r, w: asyncio.sleep(2),
    ],
    ids=["close", "reset", "silence"],
)
async def test_a_server_that_takes_the_connection_and_goes_leaves_it_unknown(
    client: HttpClient, act: object
) -> None:
    async with serving(doing(act)) as server:  # type: ignore[arg-type]
        with pytest.raises(AnswerUnknown):
            await client.request("POST", server.url, json={"text": "x" * 1000})

        assert server.connections == 1


async def test_a_reset_after_the_request_leaves_it_unknown(client: HttpClient) -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        reset(writer)

    async with serving(doing(act)) as server:
        with pytest.raises(AnswerUnknown):
            await client.request("POST", server.url, json={})

        assert server.connections == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"<html>not HTTP</html>",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=["truncated body", "truncated chunk", "truncated head", "not HTTP", "huge head"],
)
async def test_a_broken_answer_leaves_it_unknown(client: HttpClient, raw: bytes) -> None:
    async with serving(answering(raw)) as server:
        with pytest.raises(AnswerUnknown):
            await client.request("POST", server.url, json={})

        assert len(server.requests) == 1


async def test_an_answer_of_a_byte_a_second_ends_at_the_total_limit(impatient: HttpClient) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for byte in answer("200 OK", b"{}"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.1)

    async with serving(doing(drip)) as server:
        started = time.monotonic()

        with pytest.raises(AnswerUnknown):
            await impatient.request("POST", server.url, json={})

        assert 0.6 < time.monotonic() - started < 4  # all of it takes 5.9 s


async def test_a_cancelled_request_stays_cancelled(client: HttpClient) -> None:
    async with serving(doing(lambda r, w: asyncio.sleep(2))) as server:
        request = asyncio.create_task(client.request("POST", server.url, json={}))
        await asyncio.sleep(0.05)
        request.cancel()

        with pytest.raises(asyncio.CancelledError):
            await request


# Answers.


async def test_an_answer_has_status_headers_and_body(client: HttpClient) -> None:
    async with serving(answering(answer("429 Slow", b'{"a":1}', "Retry-After: 7"))) as server:
        got = await client.request("POST", server.url, json={"text": "más"}, headers={"x-a": "b"})

        assert (got.status, got.json(), got.headers.get("RETRY-AFTER")) == (429, {"a": 1}, "7")
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert body == '{"text":"más"}'.encode()
        assert b"x-a: b" in head
        assert b"content-type: application/json" in head.lower()


async def test_a_form_is_encoded_as_a_form(client: HttpClient) -> None:
    async with serving(answering(answer("200 OK", b"{}"))) as server:
        await client.request("POST", server.url, form={"scope": "a b&c"})

        assert server.requests[0].endswith(b"scope=a+b%26c")
        assert b"application/x-www-form-urlencoded" in server.requests[0]


async def test_a_redirect_is_not_followed_and_a_cookie_not_kept(client: HttpClient) -> None:
    raw = answer("302 Found", b"", "Location: http://127.0.0.1:1/", "Set-Cookie: a=b")
    async with serving(answering(raw)) as server:
        first = await client.request("GET", server.url)
        await client.request("GET", server.url)

        assert first.status == 302
        assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_an_invalid_redirect_is_an_answer_like_any_other(client: HttpClient) -> None:
    async with serving(answering(answer("301 X", b"", "Location: http://[/"))) as server:
        assert (await client.request("GET", server.url)).status == 301


async def test_a_packed_body_is_unpacked(client: HttpClient) -> None:
    for packed, coding in ((gzip.compress(b"{}"), "gzip"), (zlib.compress(b"{}"), "deflate")):
        raw = answer("200 OK", packed, f"Content-Encoding: {coding}")
        async with serving(answering(raw)) as server:
            assert (await client.request("GET", server.url)).json() == {}


@pytest.mark.parametrize("body", [b"x" * 20_000, gzip.compress(b"0" * 50_000_000)])
async def test_a_body_over_the_limit_is_cut_and_no_json(client: HttpClient, body: bytes) -> None:
    coding = "gzip" if body[:1] == b"\x1f" else "identity"
    async with serving(answering(answer("200 OK", body, f"Content-Encoding: {coding}"))) as server:
        got = await client.request("GET", server.url)

        assert (len(got.body), got.complete) == (10_000, False)
        with pytest.raises(InvalidBody) as caught:
            got.json()
        assert len(caught.value.kept) == 2000


@pytest.mark.parametrize(
    ("body", "coding"),
    [(b"no gzip", "gzip"), (gzip.compress(b"{}")[:-9], "gzip"), (b"{}", "br"), (b"{}", "zstd")],
    ids=["none", "cut", "br", "zstd"],
)
async def test_a_body_that_cannot_be_unpacked_is_no_json(
    client: HttpClient, body: bytes, coding: str
) -> None:
    async with serving(answering(answer("200 OK", body, f"Content-Encoding: {coding}"))) as server:
        got = await client.request("GET", server.url)

        with pytest.raises(InvalidBody):
            got.json()


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"a": NaN}', b"[" * 9000, b"\xff"])
async def test_a_body_that_is_no_json_says_so_and_keeps_it(client: HttpClient, body: bytes) -> None:
    async with serving(answering(answer("200 OK", body))) as server:
        got = await client.request("GET", server.url)

        with pytest.raises(InvalidBody) as caught:
            got.json()
        assert caught.value.kept == body[:2000]


async def test_a_connection_is_kept_and_one_that_was_closed_meanwhile_is_not_used(
    client: HttpClient,
) -> None:
    def behave(state: RawServer) -> Peer:
        async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(2):
                state.requests.append(await read_request(reader))
                writer.write(answer("200 OK", b"{}", keep=True))

        return peer

    async with serving(behave) as server:
        for _ in range(2):
            await client.request("POST", server.url, json={})
        assert server.connections == 1
        await asyncio.sleep(0.05)  # the server's close arrives

        got = await client.request("POST", server.url, json={})

        assert (got.status, server.connections) == (200, 2)


# Authentication as a generator.


class Passwords:
    async def flow(self) -> AuthFlow:
        got = yield {"authorization": "one"}
        if got.status == 401:
            yield {"authorization": "two"}


@pytest.mark.parametrize(("status", "sent"), [("200 OK", 1), ("401 No", 2), ("403 No", 1)])
async def test_an_auth_flow_may_have_the_request_repeated(
    client: HttpClient, status: str, sent: int
) -> None:
    async with serving(answering(answer(status))) as server:
        got = await client.request("POST", server.url, json={"a": 1}, auth=Passwords())

        assert got.status == int(status[:3])
        assert len(server.requests) == sent
        assert all(request.endswith(b'{"a":1}') for request in server.requests)


def test_a_total_limit_within_the_connect_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        HttpClient(connect_timeout_s=7, total_timeout_s=7)
