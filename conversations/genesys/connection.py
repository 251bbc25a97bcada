"""One socket from open to close, for any protocol: moves frames, keeps alive, reports the close.

It never reconnects and judges nothing; no exception of the websockets package leaves it.
The URL carries a token: neither it nor an exception that quotes it is ever logged here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from conversations.genesys.events import ConversationClosed, Event, Ignored, Malformed
from conversations.genesys.exceptions import NotConnected
from conversations.genesys.protocols.stream import StreamProtocol, SubscribingProtocol
from conversations.genesys.protocols.verdicts import Close
from conversations.net.retry import retry_after_s

# The package logs request lines (with the token) and frames (with texts): not through us.
_SILENT = logging.getLogger(f"{__name__}.wire")
_SILENT.setLevel(logging.CRITICAL + 1)

_MAX_REASON = 123  # what a close frame can carry
_OVER = Close(1000, "Conversation closed")


@dataclass(frozen=True, slots=True)
class Timing:
    """A peer is dead when a pong is missing for `ping_timeout_s`: found in 20 s + interval.

    While `on_event` holds the reading back for so long, pongs are not read either, and the
    connection is given up: deliberately, what was missed is backfilled (reliability A20).
    """

    open_s: float = 10.0
    close_s: float = 5.0
    ping_interval_s: float = 10.0
    ping_timeout_s: float = 20.0
    keep_alive_s: float | None = None  # None: as the protocol says
    max_frame_bytes: int = 2 << 20
    max_queued_frames: int = 64


@dataclass(slots=True)
class Life:
    """What the session must know of a connection afterwards to judge whether it was sound."""

    frames: int = 0
    understood: int = 0  # of these
    opened_at: float | None = None


class Link:
    """What the owner of an open connection can do with it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, frame: str) -> None:
        """Raises NotConnected; whether the frame has left is then unknown."""
        try:
            await self._socket.send(frame)
        except ConnectionClosed:
            raise NotConnected from None

    async def close(self, code: int, reason: str = "") -> None:
        await self._socket.close(code, reason)


def nobody(_link: Link | None) -> None:
    """For sockets that only listen."""


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc  # a redirect would carry the token in our query to wherever it points


async def hold_connection(
    url: str,
    *,
    name: str,
    headers: Mapping[str, str],
    protocol: StreamProtocol,
    on_open: Callable[[], Awaitable[None]],
    on_event: Callable[[Event], Awaitable[None]],
    life: Life,
    timing: Timing,
    on_link: Callable[[Link | None], None] = nobody,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Close:
    """Open, hand on every frame in order, return how it ended."""
    try:
        socket = await _Connect(
            url,
            additional_headers=dict(headers),
            compression=None,
            proxy=None,
            logger=_SILENT,
            open_timeout=timing.open_s,
            close_timeout=timing.close_s,
            ping_interval=timing.ping_interval_s,
            ping_timeout=timing.ping_timeout_s,
            max_size=timing.max_frame_bytes,
            max_queue=timing.max_queued_frames,
        )
    except InvalidStatus as error:
        return _refused_handshake(error, now=now())
    except (InvalidHandshake, InvalidURI, OSError, EOFError) as error:
        return Close(None, type(error).__name__)  # its text would quote the URL
    try:
        return await _exchange(
            socket,
            name=name,
            protocol=protocol,
            on_open=on_open,
            on_event=on_event,
            life=life,
            on_link=on_link,
            keep_alive_s=timing.keep_alive_s or protocol.KEEP_ALIVE_S,
        )
    finally:
        on_link(None)
        await socket.close()


async def _exchange(
    socket: ClientConnection,
    *,
    name: str,
    protocol: StreamProtocol,
    on_open: Callable[[], Awaitable[None]],
    on_event: Callable[[Event], Awaitable[None]],
    life: Life,
    on_link: Callable[[Link | None], None],
    keep_alive_s: float,
) -> Close:
    keeper = asyncio.create_task(
        _keep_alive(socket, protocol, every_s=keep_alive_s), name=f"keep-alive:{name}"
    )
    try:
        for frame in protocol.first_frames():
            await socket.send(frame)
        subscribing = protocol if isinstance(protocol, SubscribingProtocol) else None
        if subscribing is not None:
            refused = await _accepted(socket, subscribing, on_event=on_event)
            if refused is not None:
                return refused
        on_link(Link(socket))
        await on_open()
        while True:
            # No task between: while on_event waits, nothing is read, and the peer feels it.
            event = protocol.frame_received(await socket.recv())
            await on_event(event)
            if subscribing is not None and subscribing.ended is not None:
                return subscribing.ended
            life.frames += 1
            life.understood += not isinstance(event, Ignored | Malformed)
            if type(event) is ConversationClosed:
                # What the socket was about is over: we close it (protocol §3).
                await socket.close(_OVER.code or 1000, _OVER.reason)
                return _OVER
    except ConnectionClosed as closed:
        return _close_of(closed)
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _accepted(
    socket: ClientConnection,
    protocol: SubscribingProtocol,
    *,
    on_event: Callable[[Event], Awaitable[None]],
) -> Close | None:
    """Until the platform has accepted; a refusal does not count as a frame that was delivered."""
    try:
        async with asyncio.timeout(protocol.ACCEPTED_WITHIN_S):
            while not protocol.is_accepted:
                data = await socket.recv()
                await on_event(protocol.frame_received(data))
                if protocol.ended is not None:
                    return protocol.ended
    except TimeoutError:
        return Close(None, "no answer to the subscription")
    return None


async def _keep_alive(
    socket: ClientConnection, protocol: StreamProtocol, *, every_s: float
) -> None:
    try:
        while True:
            await asyncio.sleep(every_s)
            await socket.send(protocol.keep_alive())
    except ConnectionClosed:
        return  # the reader reports it


def _close_of(closed: ConnectionClosed) -> Close:
    """The peer's code; else ours, when it was we who gave up (1009, 1011); else 1006."""
    frame = closed.rcvd
    if closed.sent is not None and not (closed.rcvd and closed.rcvd_then_sent):
        frame = closed.sent
    if frame is None:
        return Close(1006)
    return Close(frame.code, frame.reason[:_MAX_REASON])


def _refused_handshake(error: InvalidStatus, *, now: datetime) -> Close:
    response = error.response
    wait_s = retry_after_s(response.headers.get("Retry-After"), now=now)
    return Close(None, http_status=response.status_code, retry_after_s=wait_s)
