"""Handshakes written by hand: what no library of ours would send to the web process."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Sequence

WITHIN_S = 30.0


def status_of(port: int, lines: Sequence[bytes], *, path: bytes = b"/ws/live/") -> int:
    """The status that answers a WebSocket handshake with these header lines added."""
    with socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S) as connection:
        connection.sendall(_request(port, lines, path))
        return _status(connection)


def _request(port: int, lines: Sequence[bytes], path: bytes) -> bytes:
    version = b"Sec-WebSocket-Version"
    own = [] if any(line.startswith(version) for line in lines) else [version + b": 13"]
    head = [
        b"GET " + path + b" HTTP/1.1",
        b"Host: 127.0.0.1:%d" % port,
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)),
        *own,
        *lines,
    ]
    return b"\r\n".join(head) + b"\r\n\r\n"


def _status(connection: socket.socket) -> int:
    received = b""
    while b"\r\n" not in received:
        part = connection.recv(4096)
        if not part:
            return 0  # closed without a word
        received += part
    return int(received.split(b" ", 2)[1])
