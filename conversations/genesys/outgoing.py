"""What a guest has written, from the queue to the platform's word that it is there. Pure.

The guest socket has no acknowledgement of a message but its own appearance. So after a connection
broke, what was sent on it is looked for in what the platform tells of the conversation: what is
there is confirmed, what is not is sent again. Where the platform tells nothing it stays
`unconfirmed`, and a person decides: never guessed, never sent twice by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from conversations.genesys.events import ChatMessage
from conversations.genesys.exceptions import QueueFull

MAX_WAITING = 1_000
MAX_SENT = 200  # awaiting their appearance; older ones are taken as they are
_TRY_AGAIN = "rate.limit"

State = Literal["queued", "sent", "confirmed", "unconfirmed", "refused"]


@dataclass(slots=True, eq=False)
class OutgoingMessage:
    """`ref` is the writer's own name for it, handed back with every change of state."""

    ref: str
    text: str = field(repr=False)
    attachments: tuple[Mapping[str, Any], ...] = ()
    state: State = "queued"
    sequence_id: str | None = None
    reason: str = ""


class Outgoing:
    """First in, first out; `waiting` has not left, `sent` has not been seen."""

    def __init__(self, *, limit: int = MAX_WAITING) -> None:
        self._limit = limit
        self.waiting: deque[OutgoingMessage] = deque()
        self.sent: deque[OutgoingMessage] = deque()

    def put(self, message: OutgoingMessage) -> None:
        if len(self.waiting) >= self._limit:
            raise QueueFull(len(self.waiting))
        message.state, message.reason = "queued", ""
        self.waiting.append(message)

    def take(self) -> OutgoingMessage | None:
        """The next one to go: from now on it counts as sent, whatever becomes of its frame."""
        if not self.waiting:
            return None
        message = self.waiting.popleft()
        message.state = "sent"
        self.sent.append(message)
        if len(self.sent) > MAX_SENT:
            self.sent.popleft()
        return message

    def appeared(self, shown: ChatMessage) -> OutgoingMessage | None:
        """The message of ours that this is; None: somebody else's, or posted in our name."""
        for message in self.sent:
            if shown.sender == "guest" and _is_same(message, shown):
                self.sent.remove(message)
                message.state, message.sequence_id = "confirmed", shown.sequence_id
                return message
        return None

    def reconnected(self, unseen: Sequence[ChatMessage] | None) -> list[OutgoingMessage]:
        """After an acknowledgement; `unseen`: what its history has that was not seen before.

        Returns those whose state has changed. The history's rows themselves are not used up:
        they come by `appeared` like any other.
        """
        if unseen is None:
            changed = list(self.sent)
            self.sent.clear()
            for message in changed:
                message.state = "unconfirmed"
                message.reason = "the connection broke, and the platform does not say what arrived"
            return changed
        left = [shown for shown in unseen if shown.sender == "guest"]
        lost = []
        for message in self.sent:
            found = next((shown for shown in left if _is_same(message, shown)), None)
            if found is None:
                lost.append(message)
            else:
                left.remove(found)
        self._again(lost)
        return lost

    def refused(self, code: str, reason: str) -> OutgoingMessage | None:
        """The platform's error is about the oldest that has not been seen: it reads in order."""
        if not self.sent or not code.startswith(("message.", "attachment.", "rate.")):
            return None
        message = self.sent[0]
        if code == _TRY_AGAIN:
            self._again([message])
            return message
        self.sent.popleft()
        message.state, message.reason = "refused", reason
        return message

    def _again(self, messages: Sequence[OutgoingMessage]) -> None:
        """Before what has not been sent yet, in their old order."""
        for message in reversed(messages):
            self.sent.remove(message)
            message.state = "queued"
            self.waiting.appendleft(message)


def _is_same(message: OutgoingMessage, shown: ChatMessage) -> bool:
    ids = [attachment.id for attachment in shown.attachments]
    return message.text == shown.text and [one.get("id", "") for one in message.attachments] == ids
