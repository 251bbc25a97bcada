"""The stub platform and provider behind the port: tokens, org socket, inject, attributes, DeepL.

It echoes what is injected, with the id that the POST returned, as the platform does (protocol §1).
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter as clock  # uvloop's own time has whole milliseconds only
from typing import Any
from urllib.parse import parse_qs

from bench.records import MARK, Records
from bench.wire import Connection, Request

_TRANSLATE = "/v2/translate"
_TOKEN = "/oauth/token"
_MESSAGING = "/api/v2/conversations/messaging"
_GUEST_NAME = "Anonymous"


class StubSite:
    """Answers every contender alike; `records` is exchanged for each load."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.records = Records()
        self.sockets: list[Connection] = []
        self.provider_s = 0.0
        self.jitter_s = 0.0
        self.platform_s = 0.0
        self.on_posted: Callable[[], None] = lambda: None
        self._ids = 0
        self.connections = self.most_connections = 0

    def connected(self) -> None:
        self.connections += 1
        self.most_connections = max(self.most_connections, self.connections)

    def disconnected(self) -> None:
        self.connections -= 1

    def socket_opened(self, connection: Connection) -> None:
        self.sockets.append(connection)

    def socket_closed(self, connection: Connection) -> None:
        self.sockets.remove(connection)

    def emit(self, text: str, *, conversation: int) -> None:
        """A guest writes: the frame leaves now."""
        self.records.note_sent(text, conversation=conversation, now=clock())
        self._broadcast(f"bench-{conversation:04d}", f"guest-{conversation:04d}", text)

    def asked(self, request: Request, connection: Connection) -> None:
        path, _, _ = request.path.partition("?")
        if path == _TRANSLATE:
            self._translate(request.body, connection)
        elif request.method == "POST" and path.startswith(_MESSAGING):
            self._inject(path, request.body, connection)
        elif request.method == "PUT" and path.startswith(_MESSAGING):
            self.records.note_put(now=clock())
            self._answer(connection, 200, {})
        elif path.endswith(_TOKEN):
            token = {"access_token": "bench-token", "token_type": "bearer", "expires_in": 86400}
            connection.answer(200, token)
        elif path == _MESSAGING:
            connection.answer(200, {"conversations": []})
        elif path.startswith(_MESSAGING):
            self.records.history_reads += 1
            connection.answer(200, {"messages": []})
        else:
            connection.answer(404, {"message": "the stub has no such path"})

    def _inject(self, path: str, body: bytes, connection: Connection) -> None:
        now = clock()
        message = json.loads(body)
        self._ids += 1
        external_id = f"stub-{self._ids}"
        is_first = self.records.note_post(message["text"], now=now)
        self._answer(connection, 201, {"id": external_id})
        conversation_id = path.removeprefix(_MESSAGING + "/").partition("/")[0]
        self._broadcast(conversation_id, message["from"]["id"], message["text"], external_id)
        if is_first:
            self.on_posted()

    def _answer(self, connection: Connection, status: int, body: dict[str, Any]) -> None:
        if self.platform_s > 0:
            self._loop.call_later(self.platform_s, connection.answer, status, body)
        else:
            connection.answer(status, body)

    def _translate(self, body: bytes, connection: Connection) -> None:
        texts = _texts(body)
        asked_at = clock()
        delay = self.provider_s + random.random() * self.jitter_s
        if delay > 0:
            self._loop.call_later(delay, self._translated, texts, asked_at, connection)
        else:
            self._translated(texts, asked_at, connection)

    def _translated(self, texts: list[str], asked_at: float, connection: Connection) -> None:
        self.records.note_provider(texts, asked_at=asked_at, held_s=clock() - asked_at)
        answers = [{"detected_source_language": "ES", "text": MARK + text} for text in texts]
        connection.answer(200, {"translations": answers})

    def _broadcast(
        self, conversation_id: str, guest_id: str, text: str, external_id: str | None = None
    ) -> None:
        event: dict[str, Any] = {"type": "message", "conversationId": conversation_id}
        # Every message has an id, as with most organisations; the echo has the POST's.
        if external_id is None:
            self._ids += 1
            external_id = f"stub-{self._ids}"
        event["id"] = external_id
        event["from"] = {"id": guest_id, "type": "guest", "name": _GUEST_NAME}
        event["to"] = {"id": "agent-bench", "type": "agent"}
        event["text"] = text
        sent_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        event["timestamp"] = sent_at.replace("+00:00", "Z")
        payload = json.dumps(event).encode()
        for socket in self.sockets:
            socket.send_text(payload)


def _texts(body: bytes) -> list[str]:
    """DeepL takes JSON and forms; `text` may be one or many."""
    if body[:1] != b"{":
        return parse_qs(body.decode()).get("text", [])
    text = json.loads(body)["text"]
    return [text] if isinstance(text, str) else text
