"""What the assist page starts from, and what has changed past a cursor: made by the same functions.

A late line is kept and marked, and its text is not sent to the page (protocol §4). Reads only;
synchronous: called in the threads of `live.database`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from assist.figures import figures_of
from assist.models import Chunk, Suggestion
from conversations.live.frames import Event, batched, encode
from conversations.live.rows import iso
from conversations.live.snapshots import Changes, Start, header, in_parts
from conversations.models import Conversation, JournalEntry, MessageText, StreamState

LINES = 400  # the newest
MAX_ENTRIES = 1000  # journal entries in one read
MAX_RESUMED = 200
_SILENT = timedelta(minutes=6)
_KIND = StreamState.Kind.TRANSCRIPTION.value

Row = dict[str, Any]


def snapshot(conversation_pk: int) -> Row:
    """The head is read first: what comes later is only newer, never missing."""
    conversation = Conversation.objects.get(pk=conversation_pk)
    chunks = Chunk.objects.filter(conversation_id=conversation_pk)
    newest = list(chunks.order_by("-pk").values_list("pk", flat=True)[:LINES])
    return {
        "type": "snapshot",
        "conversation": header(conversation),
        "rows": list(lines_for(newest).values()),
        "older": max(0, chunks.count() - len(newest)) if len(newest) == LINES else 0,
        "figures": figures_of(conversation_pk),
        "stream": stream_of(conversation.external_id),
        "seq": conversation.seq,
    }


def start(conversation_pk: int, after: int | None) -> Start:
    resumed = _resumed(conversation_pk, after) if after is not None else None
    if resumed is not None:
        return resumed
    payload = snapshot(conversation_pk)
    return Start(seq=payload["seq"], frames=tuple(in_parts(payload)))


def lines_for(chunk_ids: Collection[int]) -> dict[int, Row]:
    """By chunk, in the order of the call; three queries whatever their number."""
    ids = list(chunk_ids)
    chunks = Chunk.objects.filter(pk__in=ids).select_related("message").order_by("message__seq")
    texts = dict(
        MessageText.objects.filter(message_id__in=ids, role=MessageText.Role.ORIGINAL).values_list(
            "message_id", "text"
        )
    )
    suggestions = _suggestions(ids)
    return {
        chunk.pk: {
            "id": chunk.pk,
            "seq": chunk.message.seq,
            "media_at": iso(chunk.media_at),
            "received_at": iso(chunk.received_at),
            "text": None if chunk.is_late else texts.get(chunk.pk),
            "is_late": chunk.is_late,
            "is_withheld": chunk.is_withheld,
            "latency_ms": chunk.latency_ms,
            "confidence": chunk.confidence,
            "redactions": chunk.redactions(),
            "suggestions": suggestions[chunk.pk],
        }
        for chunk in chunks
    }


def _suggestions(ids: list[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for one in Suggestion.objects.filter(chunk_id__in=ids).order_by("chunk_id", "place"):
        found[one.chunk_id].append(
            {
                "title": one.title,
                "snippet": one.snippet,
                "url": one.url,
                "score": one.score,
                "is_late": one.is_late,
                "found_at": iso(one.found_at),
            }
        )
    return found


def events_past(cursors: Mapping[int, int]) -> dict[int, Changes]:
    """By conversation, what the journal has past its cursor; at most MAX_ENTRIES of each."""
    found = {pk: _changes(pk, after) for pk, after in cursors.items()}
    return {pk: changes for pk, changes in found.items() if changes is not None}


def _changes(pk: int, after: int) -> Changes | None:
    entries = list(
        JournalEntry.objects.filter(conversation_id=pk, seq__gt=after)
        .order_by("seq")
        .values_list("seq", "message_id")[:MAX_ENTRIES]
    )
    if not entries:
        return None
    seqs = {message: seq for seq, message in entries if message}
    lines = lines_for(list(seqs))
    events = []
    for message, seq in sorted(seqs.items(), key=lambda item: item[1]):
        if message in lines:
            payload = {"type": "row", "row": lines[message], "after": after, "seq": seq}
            events.append(Event(seq, encode(payload)))
            after = seq
    end = entries[-1][0]
    return Changes(seq=end, events=(*events, _figures(pk, after, end)), has_header=True)


def _figures(pk: int, after: int, seq: int) -> Event:
    """The last frame always: it tells a page that it has everything up to `seq`."""
    conversation = Conversation.objects.get(pk=pk)
    payload = {
        "type": "figures",
        "figures": figures_of(pk),
        "conversation": header(conversation),
        "after": after,
        "seq": seq,
    }
    return Event(seq, encode(payload))


def _resumed(pk: int, after: int) -> Start | None:
    seq = Conversation.objects.values_list("seq", flat=True).get(pk=pk)
    if not seq - MAX_RESUMED <= after <= seq:
        return None
    changes = _changes(pk, after)
    if changes is None:
        changes = Changes(seq=after, events=(_figures(pk, after, after),))
    return Start(seq=changes.seq, frames=tuple(event.frame for event in batched(changes.events)))


def stream_of(external_id: str) -> Row:
    return streams_of([external_id])[external_id]


def streams_of(external_ids: Collection[str]) -> dict[str, Row]:
    """How each call's stream is, in the words of the console."""
    now = timezone.now()
    rows = StreamState.objects.filter(kind=_KIND, key__in=list(external_ids))
    found = {row.key: row for row in rows}
    result: dict[str, Row] = {}
    for name in external_ids:
        row = found.get(name)
        is_held = row is not None and row.lease_until is not None and row.lease_until > now
        if row is None:
            result[name] = {"state": "waiting", "reason": "no gateway has taken it yet"}
        elif not is_held and row.state in ("live", "connecting"):
            result[name] = {"state": "waiting", "reason": "its gateway is gone, another takes it"}
        else:
            silent = row.last_frame_at is not None and now - row.last_frame_at > timedelta(
                minutes=6
            )
            reason = "silent for more than 6 minutes" if silent and not row.reason else row.reason
            result[name] = {"state": row.state, "reason": reason}
    return result


def _silence(row: StreamState, now: datetime) -> str:
    """A call that says nothing for so long has probably ended unheard (reliability J2)."""
    is_silent = row.last_frame_at is not None and now - row.last_frame_at > _SILENT
    return "silent for more than 6 minutes" if is_silent else ""
