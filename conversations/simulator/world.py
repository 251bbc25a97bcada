"""The platform's state: conversations, tokens, what was said, and the ledger of the truth.

Knows nothing of HTTP; sockets hand it a way to send. Runs on one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from conversations.simulator.config import SimulatorConfig
from conversations.simulator.faults import FaultBook, Rule
from conversations.simulator.ledger import Ledger
from conversations.simulator.messages import Event, SimulatedConversation, frame, iso
from conversations.simulator.phrases import Phrases, base
from conversations.simulator.token_store import Tokens

logger = logging.getLogger(__name__)

Send = Callable[[str | bytes], None]


class World:
    """Everything that is true of the simulated platform."""

    def __init__(
        self,
        config: SimulatorConfig,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.config = config
        self.monotonic = monotonic
        self.now = now
        self.ledger = Ledger(limit=config.ledger_limit, monotonic=monotonic)
        self.faults = FaultBook()
        for rule in config.faults:
            self.faults.add(rule)
        self.phrases = Phrases()
        self.conversations: OrderedDict[str, SimulatedConversation] = OrderedDict()
        self.sockets: dict[int, Send] = {}
        self.socket_opened = asyncio.Event()
        self.on_socket_fault: Callable[[Rule], None] = lambda rule: None
        self.on_event: Callable[[Event, str], None] = lambda event, role: None
        self.on_closed: Callable[[SimulatedConversation], None] = lambda conversation: None
        self.on_message: list[Callable[[SimulatedConversation, Event], None]] = []
        self.on_signal: list[Callable[[SimulatedConversation, Event], None]] = []
        self.stopping = False
        self.tokens = Tokens(life_s=config.token_life_s, monotonic=monotonic)
        self._run = secrets.token_hex(3)  # ids differ between runs: a client may keep its data
        self._number = 0
        self._later: set[asyncio.Task[None]] = set()

    # Conversations

    def open_conversation(
        self,
        *,
        id: str | None = None,  # noqa: A002  the wire's word
        guest: str = "Anonymous",
        agent: str = "Agent",
        agent_id: str | None = None,
        language: str | None = None,
        scenario: str | None = None,
    ) -> SimulatedConversation:
        key = id or self._new_id("conv")
        slug = "".join(c for c in agent.lower() if c.isascii() and c.isalnum()) or "desk"
        conversation = SimulatedConversation(
            id=key,
            guest={"id": f"guest-{key.removeprefix('conv-')}", "type": "guest", "name": guest},
            agent={"id": agent_id or f"agent-{slug}", "type": "agent", "name": agent},
            language=language,
            scenario=scenario,
        )
        self.conversations[key] = conversation
        if len(self.conversations) > self.config.conversation_limit:
            self.conversations.popitem(last=False)
        return conversation

    def conversation(self, key: str | None, **opening: Any) -> SimulatedConversation:
        """The one of that id, opened if there is none yet."""
        found = self.conversations.get(key) if key else None
        return found if found is not None else self.open_conversation(id=key, **opening)

    def close_conversation(self, conversation: SimulatedConversation) -> None:
        """Told on its transcript alone: the org socket knows no end (protocol §1)."""
        conversation.closed = True
        conversation.closed_at = self.now()
        self.ledger.add("closed", conversationId=conversation.id)
        self.on_closed(conversation)

    # What is said

    def say_as_guest(
        self,
        conversation: SimulatedConversation,
        text: str | None,
        *,
        language: str | None = None,
        translation: str | None = None,
        with_id: bool | None = None,
        attachments: list[dict[str, Any]] | None = None,
    ) -> Event:
        """The guest writes; the ledger notes which translation ought to be delivered."""
        known = self.phrases.lookup(text) if text else None
        found = language or (known[0] if known else None)
        if text and found is None:
            found = conversation.language or self.phrases.detect(text)
        expected = translation or (known[1] if known else None)
        if text and found and expected:
            self.phrases.learn(text, language=found, english=expected)
        event = self._message(conversation, "guest", text, with_id=with_id)
        if attachments:
            event["attachments"] = attachments
        self._tell(self.on_message, conversation, event)
        needed = bool(text and text.strip()) and base(found) != base(self.config.target_language)
        self.send(
            event,
            role="guest",
            text=text,
            language=found,
            translation=expected if needed else None,
            needs_translation=needed,
        )
        return event

    def say_as_agent(
        self, conversation: SimulatedConversation, text: str, *, with_id: bool | None = None
    ) -> Event:
        event = self._message(conversation, "agent", text, with_id=with_id)
        self._tell(self.on_message, conversation, event)
        self.send(event, role="agent", text=text)
        return event

    def type_(
        self, conversation: SimulatedConversation, kind: str, state: str, *, sender_id: str = ""
    ) -> None:
        sender = conversation.participant(kind)
        if sender_id:
            sender = {**sender, "id": sender_id}
        event = {"type": "typing", "conversationId": conversation.id, "from": sender,
                 "state": state}  # fmt: skip
        self._tell(self.on_signal, conversation, event)
        self.send(event, role="typing")

    def set_context(self, conversation: SimulatedConversation) -> None:
        """D: the org socket tells what the guest's page has set."""
        event = {"type": "context", "conversationId": conversation.id, "from": conversation.guest,
                 "context": conversation.context, "timestamp": iso(self.now())}  # fmt: skip
        self.send(event, role="context")

    def read(self, conversation: SimulatedConversation, kind: str) -> None:
        """`kind` has read the other side's last message that has an id."""
        sender = conversation.participant(kind)
        for message in reversed(conversation.messages):
            if message["from"]["type"] != kind and "id" in message:
                event = {"type": "readReceipt", "conversationId": conversation.id, "from": sender,
                         "messageId": message["id"], "timestamp": iso(self.now())}  # fmt: skip
                self._tell(self.on_signal, conversation, event)
                self.send(event, role="read")
                return

    def apply_post(
        self,
        entry: dict[str, Any],
        conversation: SimulatedConversation,
        body: Mapping[str, Any],
        echo: Rule | None,
    ) -> str:
        """A message was posted: it is there from now on, and comes back on the org socket."""
        kind = body["from"]["type"]
        event = self._message(conversation, kind, body["text"], with_id=None)
        event["from"] = {**event["from"], "id": body["from"]["id"]}
        self._tell(self.on_message, conversation, event)
        self.ledger.counts["applied"] += 1
        entry.update(
            applied=True,
            applied_at=self.monotonic(),
            applied_index=self.ledger.counts["applied"],
            messageId=event.get("id"),
        )
        self._echo(event, echo)
        return event.get("id") or self._new_id("msg")

    def apply_attributes(
        self,
        entry: dict[str, Any],
        conversation: SimulatedConversation,
        attributes: Mapping[str, Any],
    ) -> None:
        conversation.attributes = dict(attributes)  # TRAP: a PUT replaces (protocol §1)
        entry["applied"] = True
        self.ledger.counts["attributes"] += 1

    def repeat(self, conversation: SimulatedConversation, count: int) -> int:
        """Send the last events once more, as after a reconnect (TRAP, protocol §1)."""
        events = conversation.messages[-count:]
        for event in events:
            self.send(event, role="repeat", text=event.get("text"))
        return len(events)

    # Sending

    def send(self, event: Event, *, role: str, data: str | None = None, **noted: Any) -> None:
        """Onto every open org socket, onto its transcript, and into the ledger."""
        self.on_event(event, role)
        rule = self.faults.pick(
            "socket", conversation=event.get("conversationId"), text=event.get("text")
        )
        text = frame(event) if data is None else data
        sent = self._send_faulty(text, rule) if rule else self.send_raw(text)
        entry = self.ledger.add(
            "event",
            role=role,
            conversationId=event.get("conversationId"),
            messageId=event.get("id"),
            sockets=sent,
            event=event,
            **noted,
        )
        self.ledger.counts[role] += 1
        if noted.get("needs_translation"):
            self.ledger.counts["expected"] += 1
        if rule is not None:
            entry["fault"] = rule.kind

    def send_raw(self, data: str | bytes) -> int:
        for send in tuple(self.sockets.values()):
            send(data)
        return len(self.sockets)

    def _send_faulty(self, text: str, rule: Rule) -> int:
        sent = 0
        if rule.kind == "malformed":
            self.send_raw(rule.parameters.get("data", text[: len(text) // 2]))
            return self.send_raw(text) if rule.parameters.get("also_sent", True) else 0
        if rule.kind == "delay":
            self.later(rule.number("ms", 500) / 1000, self._sending(text))
            return len(self.sockets)
        if rule.kind != "lost" and not rule.parameters.get("before", False):
            sent = self.send_raw(text)
        if rule.kind == "duplicate":
            for _ in range(int(rule.number("copies", 1))):
                self.send_raw(text)
        if rule.kind in {"close", "drop"}:
            self.on_socket_fault(rule)
        return sent

    def _sending(self, text: str) -> Callable[[], Awaitable[None]]:
        async def send() -> None:
            self.send_raw(text)

        return send

    # Time

    def later(self, delay_s: float, action: Callable[[], Awaitable[Any]]) -> None:
        """Owned by the world: what is still waiting at the end is cancelled."""

        async def wait() -> None:
            await asyncio.sleep(delay_s)
            try:
                await action()
            except Exception:
                logger.exception("a late action failed")

        task = asyncio.get_running_loop().create_task(wait(), name="simulator-later")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def stop(self) -> None:
        self.stopping = True
        waiting = list(self._later)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    # Small things

    def _tell(
        self,
        listeners: list[Callable[[SimulatedConversation, Event], None]],
        conversation: SimulatedConversation,
        event: Event,
    ) -> None:
        for listener in listeners:
            listener(conversation, event)

    def _message(
        self,
        conversation: SimulatedConversation,
        kind: str,
        text: str | None,
        *,
        with_id: bool | None,
    ) -> Event:
        moment = self.now()
        conversation.closed, conversation.closed_at = False, None
        other = "agent" if kind == "guest" else "guest"
        event: Event = {"type": "message", "conversationId": conversation.id}
        if self.config.ids_in_events if with_id is None else with_id:
            event["id"] = self._new_id("msg")
        event["from"] = conversation.participant(kind)
        event["to"] = {key: conversation.participant(other)[key] for key in ("id", "type")}
        if text is not None:
            event["text"] = text
        event["timestamp"] = iso(moment)
        while "id" not in event and event in conversation.messages[-5:]:
            # Nobody says the same twice in a millisecond, and without ids nobody could tell.
            moment += timedelta(milliseconds=1)
            event["timestamp"] = iso(moment)
        conversation.messages.append(event)
        conversation.last_message_at = moment
        return event

    def _echo(self, event: Event, rule: Rule | None) -> None:
        shown = dict(event)
        kind = rule.kind if rule else ""
        if kind == "lost_echo":
            return
        if kind == "echo_without_id":
            shown.pop("id", None)
            if not rule or rule.parameters.get("history", "keep") == "strip":
                event.pop("id", None)
        delay_ms = self.config.echo_ms
        if rule is not None and kind == "late_echo":
            delay_ms = rule.number("ms", 2000)
        copies = 2 if kind == "duplicate_echo" else 1
        if kind == "early_echo" or delay_ms <= 0:
            self._send_echo(shown, copies)
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(delay_ms / 1000, self._send_echo, shown, copies)

    def _send_echo(self, event: Event, copies: int) -> None:
        if self.stopping:
            return
        for _ in range(copies):
            self.send(event, role="echo", text=event.get("text"))

    def _new_id(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}-{self._run}-{self._number:05d}"
