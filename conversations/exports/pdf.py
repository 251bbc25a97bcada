"""One conversation as a PDF, both languages, whatever their scripts; for people to read.

Set by Typst with Noto's fonts, both from pinned packages: nothing of the machine's own is used, so
that the same conversation looks the same everywhere. The evidence is the JSON lines.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from conversations.exports.base import Row, Scope, Source
from conversations.hidden import hidden_in
from conversations.models import Conversation, ExportHead
from conversations.normal_form import without_storms

MESSAGES_AT_MOST = 5_000  # about 600 pages, 3 s and 300 MB
_TEMPLATE = Path(__file__).with_name("transcript.typ")
# What no line can break in would run out of the page; nothing is lost by a break that has no width.
_UNBROKEN = re.compile(r"[^\s\u200b\u2e80-\uffef]{40,}")
_BREAK_EVERY = 20
_JOINERS = {"\u200d", "\ufe0f", "\ufe0e"}
_TRADITIONAL = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")


class TooLong(Exception):
    def __init__(self) -> None:
        super().__init__(
            f"A PDF holds {MESSAGES_AT_MOST:,} messages at most. Narrow the period, or choose JSON "
            "lines or CSV."
        )


def document(source: Source, scope: Scope, *, at: datetime | None) -> tuple[bytes, int]:
    """The PDF and the number of messages in it."""
    # Worker only, at first need: 60 MB.
    import manimgx_fonts
    import manimgx_fonts_cjk
    import typst

    rows = [row for page in source.pages(scope) for row in page.rows]
    if len(rows) > MESSAGES_AT_MOST:
        raise TooLong
    heads = ExportHead.objects.filter(export=scope.export).select_related("conversation")
    head = heads.first()
    data = _data(rows, head.conversation if head else None, head)
    made = typst.compile(
        str(_TEMPLATE),
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        font_paths=[manimgx_fonts.__path__[0], manimgx_fonts_cjk.__path__[0]],
        ignore_system_fonts=True,
        timestamp=at.replace(microsecond=0) if at else None,
    )
    return bytes(made), len(rows)


def _data(
    rows: Sequence[Row], conversation: Conversation | None, head: ExportHead | None
) -> dict[str, Any]:
    name = conversation.external_id if conversation else "–"
    facts: list[tuple[str, str]] = []
    if conversation is not None:
        facts = [
            ("Guest", _named(conversation.guest_name or conversation.guest_id or "–")),
            ("Agent", _named(conversation.agent_name or conversation.agent_id or "–")),
            ("Messages", str(len(rows))),
            ("First, last", f"{_clock(rows[0])} – {_clock(rows[-1])} UTC" if rows else "–"),
        ]
    if head is not None:
        facts.append(("Journal", f"{head.seq} entries, head {head.head[:16]}"))
    return {
        "title": f"Conversation {name}",
        "heading": f"Conversation {_breakable(name)}",
        "footer": f"Conversation {name[:60]}",
        "facts": facts,
        "messages": [_message(row) for row in rows],
    }


def _message(row: Row) -> dict[str, Any]:
    return {
        "side": "agent" if row["sender_type"] == "agent" else "guest",
        "script": _script(row["original_language"]),
        "who": _named(row["sender_name"]) if row["sender_name"] else "",
        "role": row["sender_type"],
        "at": f"{_clock(row, 'sent_at')} UTC",
        "original": _said(row["original_text"], row["original_language"]),
        "translated": _said(row["translated_text"], row["target_language"]),
        "absent": f"Text erased {row['erased_at'][:10]}" if row["erased_at"] else "No text",
        "attachments": [_named(one["name"] or "file") for one in row["attachments"]],
        "facts": " · ".join(_facts(row)),
    }


def _facts(row: Row) -> list[str]:
    found = [f"entry {row['seq']}"]
    if row["original_language"] and row["target_language"]:
        found.append(f"{row['original_language']} → {row['target_language']}")
    if row["provider"]:
        took = row["provider_latency_ms"]
        found.append(row["provider"] + (f" {took} ms" if took is not None else ""))
    if row["delivery_state"]:
        found.append(row["delivery_state"])
    if row["attributes_written_at"]:
        found.append("attributes written")
    if row["journal_digest"]:
        found.append(f"digest {row['journal_digest'][:16]}")
    return found


def _said(text: str | None, language: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    base = (language or "").lower().split("-")[0]
    return {
        "text": _breakable(without_storms(text)),  # Typst needs hours for one, or gives up
        "lang": base if re.fullmatch("[a-z]{2,3}", base) else "en",
        "script": _script(language),
        "rtl": _is_right_to_left(text),
        "hidden": hidden_in(text),
    }


def _named(name: str) -> str:
    """A name that turns round nothing but itself, and says what in it nobody sees."""
    hidden = hidden_in(name)
    shown = f"\u2068{_breakable(name)}\u2069"
    return f"{shown} (hidden {hidden})" if hidden else shown


def _script(language: str | None) -> str:
    """Which font has the shapes that its readers expect."""
    tag = (language or "").lower()
    return "zh-hant" if tag.startswith(_TRADITIONAL) else tag.split("-")[0]


def _is_right_to_left(text: str) -> bool:
    """As its first letter is, the way browsers decide (dir=auto)."""
    strong = (unicodedata.bidirectional(character) for character in text)
    first = next(islice((kind for kind in strong if kind in ("L", "R", "AL")), 1), "L")
    return first != "L"


def _breakable(text: str) -> str:
    return _UNBROKEN.sub(lambda found: _with_breaks(found[0]), text)


def _with_breaks(run: str) -> str:
    made: list[str] = []
    width = 0
    for character in run:
        joins = unicodedata.combining(character) or character in _JOINERS
        after_joiner = made and made[-1] in _JOINERS
        # Letters that are joined keep their shape: no word of theirs is so long.
        is_joined = unicodedata.bidirectional(character) == "AL"
        if width >= _BREAK_EVERY and not joins and not after_joiner and not is_joined:
            made.append("\u200b")
            width = 0
        made.append(character)
        width += 1
    return "".join(made)


def _clock(row: Row, name: str = "received_at") -> str:
    return str(row[name])[:19].replace("T", " ")
