"""HTTP/1.1 and WebSocket on one port, hand-made, so that the stub costs little CPU.

Just enough of both for the contenders' clients; it is no server for anything else.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import struct
from dataclasses import dataclass
from typing import Any, Protocol, cast

_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_REASONS = {200: "OK", 201: "Created", 404: "Not Found", 411: "Length Required"}
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    body: bytes


class Site(Protocol):
    """What stands behind the port."""

    def asked(self, request: Request, connection: Connection) -> None: ...
    def connected(self) -> None: ...
    def disconnected(self) -> None: ...
    def socket_opened(self, connection: Connection) -> None: ...
    def socket_closed(self, connection: Connection) -> None: ...


def frame(opcode: int, payload: bytes) -> bytes:
    """One unmasked, unfragmented frame, as servers send them."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x80 | opcode, size) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def unmask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


class Connection(asyncio.Protocol):
    """One client: requests until it upgrades, frames after that."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._buffer = b""
        self._transport: asyncio.Transport
        self._is_socket = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._site.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        self._site.disconnected()
        if self._is_socket:
            self._site.socket_closed(self)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer:
            if not (self._take_frame() if self._is_socket else self._take_request()):
                return

    def answer(self, status: int, body: Any) -> None:
        if self._transport.is_closing():
            return
        payload = json.dumps(body).encode()
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        )
        self._transport.write(head.encode() + payload)

    def send_text(self, payload: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(frame(_TEXT, payload))

    def _take_request(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._buffer[:end].decode("latin-1")
        line, _, fields = head.partition("\r\n")
        method, path, _ = line.split(" ", 2)
        headers = _headers(fields)
        length = int(headers.get("content-length", 0))
        stop = end + 4 + length
        if len(self._buffer) < stop:
            return False
        body = self._buffer[end + 4 : stop]
        self._buffer = self._buffer[stop:]
        if headers.get("upgrade", "").lower() == "websocket":
            self._upgrade(headers["sec-websocket-key"])
        elif "transfer-encoding" in headers:
            self.answer(411, {"error": "the stub wants a Content-Length"})
            self._transport.close()
        else:
            self._site.asked(Request(method, path, body), self)
        return True

    def _upgrade(self, key: str) -> None:
        digest = hashlib.sha1(key.encode() + _WEBSOCKET_GUID, usedforsecurity=False).digest()
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )
        self._is_socket = True
        self._site.socket_opened(self)

    def _take_frame(self) -> bool:
        """Clients' frames are masked; only pings and closes matter to us."""
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        size, start = buffer[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return False
            size = int.from_bytes(buffer[2:start], "big")
        stop = start + 4 + size
        if len(buffer) < stop:
            return False
        opcode = buffer[0] & 0x0F
        if opcode in (_PING, _CLOSE):
            payload = unmask(buffer[start + 4 : stop], buffer[start : start + 4])
            self._transport.write(frame(_PONG if opcode == _PING else _CLOSE, payload))
        if opcode == _CLOSE:
            self._transport.close()
        self._buffer = buffer[stop:]
        return True


def _headers(fields: str) -> dict[str, str]:
    pairs = (field.partition(":") for field in fields.split("\r\n"))
    return {name.lower(): value.strip() for name, _, value in pairs}
