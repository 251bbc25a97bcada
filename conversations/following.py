"""Follows one conversation's transcript on a terminal: its own socket, its own session.

Data goes to `out`, talk to `err`. How it ended is the exit code.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from django.utils import timezone

from conversations.crossing import Crossing
from conversations.gateway.transcripts import PATIENCE, transcript_url
from conversations.genesys.config import GenesysConfig
from conversations.genesys.events import (
    ConversationClosed,
    ConversationUpdated,
    Event,
    Ignored,
    Malformed,
    MessageCopied,
)
from conversations.genesys.oauth import bearer
from conversations.genesys.protocols.transcript import TranscriptProtocol
from conversations.genesys.protocols.verdicts import End, GaveUp, GiveUp
from conversations.genesys.session import Session, StateChange
from conversations.keys import echo_key
from conversations.models import Delivery, MessageText
from conversations.net.http import HttpClient
from conversations.terminal import Lines
from conversations.tokens import DatabaseTokens

if TYPE_CHECKING:
    from django.db.models import QuerySet

Write = Callable[[str], None]

LOOK_S = 0.5
LAST_LOOK_S = 2.0  # what was said last is being translated when the end comes
_SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Exit(IntEnum):
    ENDED = 0
    GAVE_UP = 1
    REFUSED = 3
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Wish:
    conversation_id: str
    translated: bool = False
    verbose: bool = False


class Follower:
    def __init__(
        self, wish: Wish, *, config: GenesysConfig, lines: Lines, out: Write, err: Write
    ) -> None:
        self._wish = wish
        self._config = config
        self._lines = lines
        self._out = out
        self._err = err
        self._exit: int | None = None
        self._is_all_said = False
        self._counts = {"messages": 0, "malformed": 0, "unknown": 0}

    async def run(self) -> int:
        database: Crossing[None] = Crossing(lambda items: list(items), name="transcript")
        http = HttpClient()
        self._translations = Translations(self._wish.conversation_id, database)
        self._session = self._new_session(DatabaseTokens(self._config, http, database.call))
        loop = asyncio.get_running_loop()
        for number, code in _SIGNALS.items():
            loop.add_signal_handler(number, self._end, code)
        telling = asyncio.create_task(self._tell_translations(), name="translations")
        try:
            end = await self._session.run()
            if end is not None and self._exit is None:
                await self._say_the_rest()
            return self._verdict(end)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await http.aclose()
            await database.close()

    def _new_session(self, tokens: DatabaseTokens) -> Session:
        name = self._wish.conversation_id
        return Session(
            name=f"transcript {name}",
            protocol=TranscriptProtocol(name),
            url=lambda _token: transcript_url(self._config.transcript_socket_url, name),
            headers=bearer,
            tokens=tokens,
            on_event=self._on_event,
            on_state=self._on_state,
            patience=PATIENCE,
            capped_jitter=True,
        )

    def _end(self, code: int) -> None:
        self._exit = code if self._exit is None else self._exit
        self._session.stop()

    def _verdict(self, end: End | GaveUp | GiveUp | None) -> int:
        counts = ", ".join(f"{count} {what}" for what, count in self._counts.items())
        self._err(f"{counts} frames.")
        if self._exit is not None:
            return self._exit
        if isinstance(end, GiveUp):
            self._err(f"Refused: {end.reason}")
            return Exit.REFUSED
        if isinstance(end, GaveUp):
            self._err(f"{end.reason[:1].upper()}{end.reason[1:]}")
            return Exit.GAVE_UP
        return Exit.ENDED

    def _on_state(self, change: StateChange) -> None:
        if change.state == "live":
            self._err(f"Following {self._wish.conversation_id}.")
        elif change.state == "waiting":
            self._err(f"Try {change.attempts} of {PATIENCE.tries}: {change.reason}. Trying again.")
        elif change.state == "stopped" and self._wish.verbose:
            self._err(f"Ended: {change.reason}.")

    async def _on_event(self, event: Event) -> None:
        match event:
            case MessageCopied():
                await self._on_message(event)
            case ConversationUpdated():
                self._print(self._lines.update(event))
            case ConversationClosed():
                await self._say_the_rest()
                self._print(self._lines.closed())
            case Malformed():
                self._counts["malformed"] += 1
                self._note(f"Left out a frame: {event.reason}.")
            case Ignored():
                self._counts["unknown"] += 1
                self._note(f"Left out an event of type {event.type!r}.")

    async def _on_message(self, event: MessageCopied) -> None:
        if event.notice and not self._wish.verbose:
            return
        self._counts["messages"] += not event.notice
        if self._wish.translated and await self._translations.is_delivery(event):
            return  # it stands there as the translation of its original
        self._print(self._lines.message(event))

    async def _tell_translations(self) -> None:
        while self._wish.translated:
            await asyncio.sleep(LOOK_S)
            await self._print_translations()

    async def _say_the_rest(self) -> None:
        if self._wish.translated and not self._is_all_said:
            self._is_all_said = True
            await asyncio.sleep(LAST_LOOK_S)
            await self._print_translations()

    async def _print_translations(self) -> None:
        for text in await self._translations.fresh():
            message = text.message
            self._print(
                self._lines.translation(
                    message.sent_at, message.origin, message.sender_name, text.language, text.text
                )
            )

    def _print(self, line: str) -> None:
        try:
            self._out(line)
        except BrokenPipeError:
            self._end(Exit.PIPE_CLOSED)

    def _note(self, words: str) -> None:
        if self._wish.verbose:
            self._err(words)


class Translations:
    """Those of one conversation that come while it is followed, each once."""

    def __init__(self, conversation_id: str, database: Crossing[None]) -> None:
        self._conversation_id = conversation_id
        self._database = database
        self._since = timezone.now()
        self._told: set[int] = set()

    async def fresh(self) -> list[MessageText]:
        found = await self._database.call(lambda: list(self._rows()))
        new = [text for text in found if text.pk not in self._told]
        self._told.update(text.pk for text in new)
        return new

    async def is_delivery(self, event: MessageCopied) -> bool:
        """Whether we posted it, so that it is no line of the guest's own."""
        return await self._database.call(self._is_delivery, event.text, event.sent_at)

    def _rows(self) -> QuerySet[MessageText]:
        return (
            MessageText.objects.filter(
                role=MessageText.Role.TRANSLATED,
                message__conversation__external_id=self._conversation_id,
                message__received_at__gte=self._since,
            )
            .select_related("message")
            .order_by("message__seq")
        )

    def _is_delivery(self, text: str, sent_at: datetime) -> bool:
        return Delivery.objects.filter(
            conversation__external_id=self._conversation_id,
            echo_key=echo_key(text),
            sending_at__range=(sent_at - timedelta(seconds=60), sent_at + timedelta(seconds=5)),
        ).exists()
