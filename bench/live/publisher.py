"""Where messages come from, in a process of its own: `python -m bench.live.publisher WAY [PORT]`.

WAY parley stores them as the gateway does and rings the doorbell; layer sends rows to groups as
stock Channels does; bare hands rows to the bare broadcast server. The moment that counts is when
the commit, or the call that sends, has returned or begun: see `published`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

_TEXT = "Hola, necesito ayuda con mi pedido, por favor (mark={:08d})"
_USER = "bench-viewer"


def row_frame(mark: int) -> str:
    """As large as one of Parley's for the same message."""
    now = datetime.now(UTC).isoformat()
    row = {
        "id": mark,
        "seq": mark,
        "origin": "guest",
        "sender_name": "Anonymous",
        "sent_at": now,
        "received_at": now,
        "backfilled": False,
        "read_at": None,
        "has_text": True,
        "original": {"text": _TEXT.format(mark), "language": ""},
        "translated": None,
        "translation_state": "pending",
        "translation_reason": "",
        "provider": None,
        "source_language": None,
        "target_language": None,
        "latency_ms": None,
        "from_memory": None,
        "delivery": None,
        "attributes": None,
    }
    return json.dumps({"type": "row", "row": row, "after": mark - 1, "seq": mark})


class Parley:
    """Blocking: stores a batch in one transaction."""

    def prepare(self, names: list[str]) -> dict[str, Any]:
        from django.conf import settings
        from django.contrib.auth import get_user_model
        from django.contrib.auth.models import Group
        from django.test import Client
        from django.utils import timezone

        from conversations.models import Conversation

        now = timezone.now()
        Conversation.objects.bulk_create(
            Conversation(external_id=name, created_at=now, last_event_at=now) for name in names
        )
        user, is_new = get_user_model().objects.get_or_create(username=_USER)
        if is_new:
            user.groups.add(Group.objects.get_or_create(name="supervisor")[0])
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        return {"cookie": f"{name}={client.cookies[name].value}"}

    def send(self, messages: list[tuple[str, int]]) -> float:
        from conversations.genesys.events import MessageReceived, Participant
        from conversations.live import doorbell
        from conversations.services.recording import record_events

        events = [
            MessageReceived(
                conversation_id=name,
                external_id=f"{name}-{mark}",
                sender=Participant(f"guest-{name}", "guest", "Anonymous"),
                recipient=None,
                text=_TEXT.format(mark),
                sent_at=datetime.now(UTC),
                raw={},
            )
            for name, mark in messages
        ]
        recorded = record_events(events, stream="bench")
        committed = time.monotonic()
        doorbell.ring(recorded.moved)
        return committed


class Layer:
    """`group_send` to the group of each conversation, one message a call."""

    def __init__(self) -> None:
        from channels.layers import get_channel_layer

        from bench.live import stock  # noqa: F401 - its settings

        self._runner = asyncio.Runner()
        self._layer = get_channel_layer()

    def prepare(self, names: list[str]) -> dict[str, Any]:
        return {"cookie": ""}

    def send(self, messages: list[tuple[str, int]]) -> float:
        began = time.monotonic()
        self._runner.run(self._send(messages))
        return began

    async def _send(self, messages: list[tuple[str, int]]) -> None:
        for name, mark in messages:
            await self._layer.group_send(name, {"type": "live.row", "text": row_frame(mark)})


class Bare:
    """One socket to the broadcast server, which knows who watches what."""

    def __init__(self, port: int) -> None:
        self._stack = ExitStack()
        from websockets.sync.client import connect

        opened = connect(f"ws://127.0.0.1:{port}/publish", proxy=None)
        self._socket = self._stack.enter_context(opened)

    def prepare(self, names: list[str]) -> dict[str, Any]:
        return {"cookie": ""}

    def send(self, messages: list[tuple[str, int]]) -> float:
        began = time.monotonic()
        for name, mark in messages:
            self._socket.send(f"{name}\n{row_frame(mark)}")
        return began


def steady(way: Any, names: list[str], *, rate: float, messages: int, first: int) -> list[Any]:
    """One message after the other at their times, to the conversations in turn."""
    published = []
    start = time.monotonic()
    for number in range(messages):
        wait = start + number / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        mark = first + number
        published.append((mark, way.send([(names[number % len(names)], mark)])))
    return published


def burst(way: Any, names: list[str], *, messages: int, first: int) -> list[Any]:
    marks = range(first, first + messages)
    at = way.send([(names[mark % len(names)], mark) for mark in marks])
    return [(mark, at) for mark in marks]


def main(way_name: str, port: str = "0") -> None:
    way: Any
    if way_name == "parley":
        import django

        django.setup()
        way = Parley()
    else:
        way = Bare(int(port)) if way_name == "bare" else Layer()
    does: dict[str, Callable[..., dict[str, Any]]] = {
        "prepare": lambda names: way.prepare(names),
        "steady": lambda names, **how: {"published": steady(way, names, **how)},
        "burst": lambda names, **how: {"published": burst(way, names, **how)},
    }
    for line in sys.stdin:
        command = json.loads(line)
        answer = does[command.pop("do")](**command)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
