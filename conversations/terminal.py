"""A transcript's lines for a terminal (protocol §3), and texts that can do nothing to it.

What a guest writes may hold escape sequences, line feeds that forge a line, or marks that turn the
direction of all that follows. Each such character is shown in place of being obeyed; a message is
always one line.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from conversations.genesys.attachments import Attachment
from conversations.genesys.events import ConversationUpdated, MessageCopied

CLOSED_LINE = "[CLOSED] Transcript stream ended. Conversation terminated."
_WHO = {"guest": "Customer", "agent": "Agent", "system": "SYSTEM"}
_DIRECTION = {"guest": "Customer", "agent": "Agent", "system": "System"}
_COLOURS = {"guest": "36", "agent": "32", "system": "33"}
_BREAKS = re.compile("\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
# C0 and C1 controls; embeddings, overrides and isolates of direction; invisible tag characters.
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# More marks on one letter than any script has: they draw over the lines around it.
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STORM = re.compile(f"({_MARK}{{4}}){_MARK}+")


def harmless(text: str) -> str:
    """One line, in which no character moves the cursor, the colours or the direction."""
    text = _BREAKS.sub(" \u23ce ", text).replace("\t", " ")
    return _STORM.sub("\\1\u2026", _OBEYED.sub(_shown, text))


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def with_files(text: str, attachments: Iterable[Attachment]) -> str:
    """A message's text and the names of its files, in brackets."""
    files = [f"[{one.name or one.content_type or 'file'}]" for one in attachments]
    return " ".join([text, *files] if text else files)


def use_zone(zone: str) -> None:
    """Have this process show times in `zone`, or else in the machine's own."""
    if zone:
        os.environ.update(TZ=zone)
    else:
        os.environ.pop("TZ", None)
    time.tzset()


class Lines:
    def __init__(self, *, in_utc: bool = False, in_colour: bool = False) -> None:
        self._in_utc = in_utc
        self._in_colour = in_colour

    def clock(self, at: datetime) -> str:
        return (at.astimezone(UTC) if self._in_utc else at.astimezone()).strftime("%H:%M:%S")

    def message(self, event: MessageCopied) -> str:
        """The name falls back to the id, then to the direction."""
        name = event.sender_name.strip() or event.sender_id or _DIRECTION[event.origin]
        text = with_files(event.text, event.attachments)
        return self._line(event.sent_at, event.origin, harmless(name), text)

    def translation(self, at: datetime, origin: str, name: str, language: str, text: str) -> str:
        """A translation beside its original: the same time and name, and the language."""
        shown = f"{harmless(name) or _DIRECTION[origin]} ({harmless(language)})"
        return self._line(at, origin, shown, text)

    def update(self, event: ConversationUpdated) -> str:
        return self._painted(
            f"[UPDATE] Conversation status changed at {self.clock(event.at)}", "33"
        )

    def closed(self) -> str:
        return self._painted(CLOSED_LINE, "1")

    def _line(self, at: datetime, origin: str, name: str, text: str) -> str:
        who = self._painted(f"[{_WHO[origin]}]", _COLOURS[origin])
        return f"{self.clock(at)} {who} {name}: {harmless(text)}"

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._in_colour else text
