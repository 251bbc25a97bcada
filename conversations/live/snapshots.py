"""What a page of one conversation starts from, and what has changed past a cursor.

A snapshot and the events after it are made by the same functions, so a page that applied all
events equals a fresh page. Reads only; synchronous: called in the threads of `live.database`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import Q

from conversations.live.frames import BATCH_BYTES, Event, Frame, batched, encode
from conversations.live.rows import iso, rows_for
from conversations.models import Conversation, JournalEntry, Message

SNAPSHOT_ROWS = 1000  # the newest; how many older ones there are is said
MAX_ENTRIES = 1000  # journal entries in one read
MAX_RESUME_EVENTS = 200  # a page that lags further gets a snapshot: fewer frames than its credit
# The head of a page shows names, languages and state; these entries can change them.
# A message that comes again and an echo name the agent as well.
_HEADER_KINDS = frozenset(
    {
        *("received", "matched", "translated", "passed_through", "closed"),
        *("confirmed", "part_confirmed", "echoed", "duplicate"),
    }
)
# SQLite refuses an expression of 1,000 levels, and each conversation is one OR.
_CONVERSATIONS_A_QUERY = 200


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened in one conversation; every event up to `seq` is in `events`."""

    seq: int
    events: tuple[Event, ...]
    has_header: bool = False  # as the last of the events
    # Events will not do: one entry stands for many messages that were erased.
    needs_snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """The frames a page begins with, which stand for the journal up to `seq`."""

    seq: int
    frames: tuple[Frame, ...]


def snapshot(conversation_pk: int) -> dict[str, Any]:
    """The whole page. The head is read first: what comes later is only newer, never missing."""
    conversation = Conversation.objects.get(pk=conversation_pk)
    spoken = Message.objects.spoken().filter(conversation_id=conversation_pk)
    newest = list(spoken.order_by("-seq").values_list("pk", flat=True)[: SNAPSHOT_ROWS + 1])
    shown = newest[:SNAPSHOT_ROWS]
    older = spoken.count() - len(shown) if len(newest) > SNAPSHOT_ROWS else 0
    return {
        "type": "snapshot",
        "conversation": header(conversation),
        "rows": list(rows_for(shown).values()),
        "older": older,
        "seq": conversation.seq,
    }


def start(conversation_pk: int, after: int | None = None) -> Start:
    """A snapshot, or what happened past `after` where that is known and not too much."""
    resumed = _resumed(conversation_pk, after) if after is not None else None
    if resumed is not None:
        return resumed
    payload = snapshot(conversation_pk)
    return Start(seq=payload["seq"], frames=tuple(in_parts(payload)))


def in_parts(payload: dict[str, Any]) -> Iterator[Frame]:
    """A large snapshot is several messages: a page that does not read holds up the rest of them."""
    rows = payload.pop("rows")
    parts = list(_parts_of([encode(row) for row in rows])) or [[]]
    if len(parts) > 1:
        payload["parts"] = len(parts)
    for part in parts:
        yield _with_rows(payload, part)
        payload = {"type": "rows"}


def _parts_of(rows: list[Frame]) -> Iterator[list[Frame]]:
    part: list[Frame] = []
    size = 0
    for row in rows:
        if part and size + row.size > BATCH_BYTES:
            yield part
            part, size = [], 0
        part.append(row)
        size += row.size
    if part:
        yield part


def _with_rows(payload: dict[str, Any], rows: list[Frame]) -> Frame:
    """Each row is encoded once, for the size of its part too."""
    head = encode(payload)
    text = ",".join(row.text for row in rows)
    size = head.size + len(',"rows":[]') + sum(row.size + 1 for row in rows)
    return Frame(text=f'{head.text[:-1]},"rows":[{text}]}}', size=size)


def header(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.external_id,
        "channel": conversation.channel,
        "state": conversation.state,
        "guest_name": conversation.guest_name,
        "guest_language": conversation.guest_language,
        "language_basis": conversation.language_basis,
        "language_count": conversation.language_count,
        "agent_name": conversation.agent_name,
        "agent_language": settings.TARGET_LANGUAGE,
        "created_at": iso(conversation.created_at),
        "closed_at": iso(conversation.closed_at),
    }


def heads(conversation_pks: Iterable[int]) -> dict[int, int]:
    """Where the journals of these conversations stand."""
    rows = Conversation.objects.filter(pk__in=list(conversation_pks)).values_list("pk", "seq")
    return dict(rows)


def events_past(cursors: Mapping[int, int]) -> dict[int, Changes]:
    """By conversation, what the journal has past its cursor; at most MAX_ENTRIES at a time.

    An event carries its message as it stands now and the seq of its last entry, and events go
    in the order of that seq: whoever has seen seq n lacks nothing up to n.
    """
    changed: dict[int, dict[int, int]] = {}
    ends: dict[int, int] = {}
    headers: set[int] = set()
    erased: set[int] = set()
    for conversation, seq, kind, message in entries_past(cursors):
        ends[conversation] = seq
        if kind == JournalEntry.Kind.ERASED and message is None:
            erased.add(conversation)
        if message is None or kind in _HEADER_KINDS:
            headers.add(conversation)
        if message is not None:
            changed.setdefault(conversation, {})[message] = seq
    rows = rows_for({message for messages in changed.values() for message in messages})
    for conversation, end in ends.items():
        shown = (seq for message, seq in changed.get(conversation, {}).items() if message in rows)
        if max(shown, default=0) < end:  # an entry about nothing that is shown moves the page too
            headers.add(conversation)
    conversations = Conversation.objects.in_bulk(headers)
    return {
        pk: Changes(
            seq=end,
            events=tuple(_events(pk, changed.get(pk, {}), rows, conversations, cursors[pk], end)),
            has_header=pk in conversations,
            needs_snapshot=pk in erased,
        )
        for pk, end in ends.items()
    }


def _events(
    pk: int,
    seqs: Mapping[int, int],
    rows: Mapping[int, dict[str, Any]],
    conversations: Mapping[int, Conversation],
    after: int,
    end: int,
) -> Iterator[Event]:
    """Each names the seq of the one before, so that a page sees that it lacks one."""
    for message, seq in sorted(seqs.items(), key=lambda item: item[1]):
        if message in rows:
            payload = {"type": "row", "row": rows[message], "after": after, "seq": seq}
            yield Event(seq, encode(payload))
            after = seq
    if pk in conversations:
        yield _header_event(conversations[pk], after, end)


def _header_event(conversation: Conversation, after: int, seq: int) -> Event:
    payload = {"type": "conversation", "conversation": header(conversation)}
    return Event(seq, encode(payload | {"after": after, "seq": seq}))


def _resumed(conversation_pk: int, after: int) -> Start | None:
    conversation = Conversation.objects.get(pk=conversation_pk)
    if not conversation.seq - MAX_ENTRIES <= after <= conversation.seq:
        return None  # too far back, or a seq that this journal has never had
    changes = events_past({conversation_pk: after}).get(conversation_pk)
    if changes and changes.needs_snapshot:
        return None
    events = changes.events if changes else ()
    if len(events) > MAX_RESUME_EVENTS or (changes and changes.seq < conversation.seq):
        return None
    end = changes.seq if changes else after
    if changes is None or not changes.has_header:
        # The last frame always: it tells the page that it is live again.
        events = (*events, _header_event(conversation, end, end))
    return Start(seq=end, frames=tuple(event.frame for event in batched(events)))


def _parts(cursors: Mapping[int, int]) -> Iterator[list[tuple[int, int]]]:
    items = iter(cursors.items())
    while part := list(islice(items, _CONVERSATIONS_A_QUERY)):
        yield part


def entries_past(cursors: Mapping[int, int]) -> Iterator[tuple[int, int, str, int | None]]:
    """Conversation, seq, kind, and the message that is changed: an entry about an echo changes
    the message that was delivered; the echo is not a row."""
    for part in _parts(cursors):
        past = reduce(or_, (Q(conversation_id=pk, seq__gt=seq) for pk, seq in part))
        rows = (
            JournalEntry.objects.filter(past)
            .order_by("conversation_id", "seq")
            .values_list(
                "conversation_id",
                "seq",
                "kind",
                "message_id",
                "message__echo_of__message_id",
                "message__echo_of__part_of__message_id",
            )
        )
        for conversation, seq, kind, message, source, whole in rows[:MAX_ENTRIES]:
            yield conversation, seq, kind, source or whole or message
