"""What the assist page starts from, and what has changed past a cursor: made by the same functions.

A late line is kept and marked, and its text is not sent to the page (protocol §4). Reads only;
synchronous: called in the threads of `live.database`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from assist.figures import figures_by_call, figures_of
from assist.models import Chunk, Suggestion
from conversations.live.frames import Event, batched, encode
from conversations.live.rows import iso
from conversations.live.snapshots import Changes, Start, entries_past, header, in_parts
from conversations.models import Conversation, MessageText, StreamState

LINES = 400  # the newest
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
    """By conversation, what the journal has past its cursor; a few queries, however many calls."""
    changed: dict[int, dict[int, int]] = {}
    ends: dict[int, int] = {}
    for conversation, seq, _, message in entries_past(cursors):
        ends[conversation] = seq
        if message is not None:
            changed.setdefault(conversation, {})[message] = seq
    if not ends:
        return {}
    lines = lines_for([message for messages in changed.values() for message in messages])
    conversations = Conversation.objects.in_bulk(ends)
    figures = figures_by_call(ends)
    return {
        pk: Changes(
            seq=end,
            events=tuple(
                _events(
                    changed.get(pk, {}), lines, conversations[pk], figures[pk], cursors[pk], end
                )
            ),
            has_header=True,
        )
        for pk, end in ends.items()
    }


def _events(
    seqs: Mapping[int, int],
    lines: Mapping[int, Row],
    conversation: Conversation,
    figures: Row,
    after: int,
    end: int,
) -> Iterator[Event]:
    """Each names the seq of the one before, so that a page sees that it lacks one."""
    for message, seq in sorted(seqs.items(), key=lambda item: item[1]):
        if message in lines:
            payload = {"type": "row", "row": lines[message], "after": after, "seq": seq}
            yield Event(seq, encode(payload))
            after = seq
    yield _figures(conversation, figures, after=after, seq=end)


def _figures(conversation: Conversation, figures: Row, *, after: int, seq: int) -> Event:
    """The last frame always: it tells a page that it has everything up to `seq`."""
    payload = {
        "type": "figures",
        "figures": figures,
        "conversation": header(conversation),
        "after": after,
        "seq": seq,
    }
    return Event(seq, encode(payload))


def _resumed(pk: int, after: int) -> Start | None:
    conversation = Conversation.objects.get(pk=pk)
    if not conversation.seq - MAX_RESUMED <= after <= conversation.seq:
        return None
    changes = events_past({pk: after}).get(pk)
    if changes is None:
        end = _figures(conversation, figures_of(pk), after=after, seq=after)
        changes = Changes(seq=after, events=(end,))
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
            result[name] = {"state": row.state, "reason": row.reason or _silence(row, now)}
    return result


def _silence(row: StreamState, now: datetime) -> str:
    """A call that says nothing for so long has probably ended unheard (reliability J2)."""
    is_silent = row.last_frame_at is not None and now - row.last_frame_at > _SILENT
    return "silent for more than 6 minutes" if is_silent else ""
