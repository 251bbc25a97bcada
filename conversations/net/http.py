"""The only module that knows an HTTP library. It tells *not sent* from *answer unknown*.

An `httpx.AsyncClient` on our own transport over aiohttp (bare httpx costs several times the CPU):
no redirects, cookies, proxies or retries of its own. One client belongs to one event loop.
It must not judge a status: that is net/retry.py.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import logging
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlencode

import aiohttp
import httpx
import yarl

from conversations.net.exceptions import AnswerUnknown, InvalidBody, NotSent, TooLate
from conversations.net.strict_json import InvalidJson, load_json

# Its INFO line has every URL, and a presigned upload URL is a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)

# TRAP: a POST on a kept connection that the server has just closed is ambiguous although the
# server never saw it. Servers commonly keep connections for 20 to 75 s, so ours are given up
# earlier; a close that has already arrived is noticed before the connection is used again.
KEEP_ALIVE_S = 15.0

_HEADERS = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "parley"}
_NOT_SENT = (
    aiohttp.ClientConnectorError,  # refused, DNS, TLS: the connector had no connection yet
    aiohttp.ConnectionTimeoutError,  # connecting, or waiting for one of our own connections
    aiohttp.ClientSSLError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)
AuthFlow = AsyncGenerator[Mapping[str, str], "Answer"]


class Auth(Protocol):
    """Yields the headers to send; is given each answer; yields again to have it repeated."""

    def flow(self) -> AuthFlow: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Not `complete`: the body was too large or could not be unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    complete: bool = True

    def json(self) -> object:
        if not self.complete:
            raise InvalidBody("too large or not decodable", kept=self.body)
        try:
            return load_json(self.body)
        except InvalidJson as defect:
            raise InvalidBody(str(defect), kept=self.body) from None


class HttpClient:
    """`request` returns an `Answer` of any status, or raises `NotSent` or `AnswerUnknown`."""

    def __init__(
        self,
        *,
        connect_timeout_s: float = 2.0,
        total_timeout_s: float = 7.0,
        max_connections: int = 100,
        max_body_bytes: int = 1 << 20,
    ) -> None:
        if connect_timeout_s >= total_timeout_s:
            # The total limit always reads as "unknown"; it must not fire while connecting.
            raise ValueError("the connect timeout must be shorter than the total timeout")
        self._connect_timeout_s = connect_timeout_s
        self._total_timeout_s = total_timeout_s
        self._max_body_bytes = max_body_bytes
        self._client = _Client(
            transport=_AiohttpTransport(max_connections=max_connections),
            trust_env=False,
            follow_redirects=False,
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        content: bytes | AsyncIterable[bytes] | None = None,
        auth: Auth | None = None,
        max_body_bytes: int | None = None,
        total_timeout_s: float | None = None,
        leaves_within_s: Callable[[], float] | None = None,
    ) -> Answer:
        """The total limit holds for each sending; `auth` may cause a second one.

        `leaves_within_s` is asked before each sending: how long its first byte may take to leave;
        after that it raises `TooLate` and nothing was sent. `content` in parts is for one sending:
        not with `auth`, and with its Content-Length.
        """
        sent = _Sending(
            method,
            url,
            _HEADERS | _body_type(json, form) | dict(headers or {}),
            leaves_within_s,
        )
        body = _body(json, form) if content is None else content
        limit = max_body_bytes or self._max_body_bytes
        if auth is None:
            return await self._send(sent, body, limit, total_timeout_s)
        flow = auth.flow()
        try:
            extra = await anext(flow)
            while True:
                answer = await self._send(sent.with_headers(extra), body, limit, total_timeout_s)
                extra = await flow.asend(answer)
        except StopAsyncIteration:
            return answer
        finally:
            await flow.aclose()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _send(
        self,
        sending: _Sending,
        body: bytes | AsyncIterable[bytes] | None,
        limit: int,
        total_timeout_s: float | None,
    ) -> Answer:
        request = sending.request(body, limit, connect_s=self._connect_timeout_s)
        if self._client.is_closed:  # shutting down: what comes now goes back to its queue
            raise NotSent("this client is closed")
        try:
            async with asyncio.timeout(total_timeout_s or self._total_timeout_s):
                response = await self._client.send(request)
        except TimeoutError:
            raise AnswerUnknown("no complete answer within the time limit") from None
        answer: Answer = response.extensions["answer"]
        return answer


@dataclass(frozen=True, slots=True)
class _Sending:
    method: str
    url: str
    headers: dict[str, str]
    leaves_within_s: Callable[[], float] | None

    def with_headers(self, extra: Mapping[str, str]) -> _Sending:
        headers = {**self.headers, **extra}
        return _Sending(self.method, self.url, headers, self.leaves_within_s)

    def request(
        self, body: bytes | AsyncIterable[bytes] | None, limit: int, *, connect_s: float
    ) -> httpx.Request:
        """The transport gets our own URL, headers and body beside httpx's request.

        Having httpx parse each URL and copy the rest costs as much CPU as sending it.
        """
        try:
            url = yarl.URL(self.url)
            origin = _origin(str(url.origin()))
        except (httpx.InvalidURL, ValueError) as error:
            raise NotSent(f"not an HTTP address ({type(error).__name__})") from None
        if self.leaves_within_s is not None:
            # Once it is connected its first byte leaves at once.
            connect_s = min(connect_s, self.leaves_within_s())
            if connect_s <= 0:
                raise TooLate("it could no longer leave in time")
        extensions = {
            "limit": limit,
            "headers": self.headers,
            "url": url,
            "body": body,
            "timeout": aiohttp.ClientTimeout(total=None, connect=connect_s),
        }
        return httpx.Request(self.method, origin, extensions=extensions)


@lru_cache(maxsize=64)
def _origin(text: str) -> httpx.URL:
    return httpx.URL(text)


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep none: the jar would read every answer for nothing."""


class _Client(httpx.AsyncClient):
    @property  # type: ignore[misc]  # read-only on purpose
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES


_NO_COOKIES = _NoCookies()


class _AiohttpTransport(httpx.AsyncBaseTransport):
    """Moves one request and its whole, bounded body; decides by aiohttp's own exceptions."""

    def __init__(self, *, max_connections: int) -> None:
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        session = self._session or self._open()
        known = request.extensions
        try:
            async with session.request(
                request.method,
                known["url"],
                headers=known["headers"],
                data=known["body"],
                timeout=known["timeout"],
                allow_redirects=False,
            ) as response:
                body, complete = await _read(response, limit=known["limit"])
                if not complete:
                    response.close()  # the rest is not wanted: never back to the pool
        except _NOT_SENT as error:
            raise NotSent(type(error).__name__) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
                raise
            raise AnswerUnknown(type(error).__name__) from error
        answer = Answer(response.status, response.headers, body, complete)
        # httpx sees the status alone: nothing to decode, no cookie, no redirect to look into.
        return httpx.Response(response.status, content=b"", extensions={"answer": answer})

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """At the first request: a connector belongs to the loop that runs."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._max_connections, keepalive_timeout=KEEP_ALIVE_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # unpacked here, with a limit
            trust_env=False,
        )
        return self._session


async def _read(response: aiohttp.ClientResponse, *, limit: int) -> tuple[bytes, bool]:
    """The body up to `limit` bytes, counted unpacked, and whether that is all of it."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    unpack = None if encoding == "identity" else zlib.decompressobj(wbits=47)  # gzip or zlib
    parts: list[bytes] = []
    room = limit
    async for chunk in response.content.iter_any():
        try:
            part = unpack.decompress(chunk, room + 1) if unpack else chunk
        except zlib.error:  # also every encoding that we did not ask for
            return b"".join(parts), False
        parts.append(part[:room])
        if len(part) > room:
            return b"".join(parts), False
        room -= len(part)
    return b"".join(parts), unpack is None or unpack.eof or not parts


def _body(json: object, form: Mapping[str, str] | None) -> bytes | None:
    if json is not None:
        text = jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8", "replace")
    return urlencode(form).encode() if form is not None else None


def _body_type(json: object, form: Mapping[str, str] | None) -> dict[str, str]:
    if json is not None:
        return {"content-type": "application/json"}
    return {"content-type": "application/x-www-form-urlencoded"} if form is not None else {}
