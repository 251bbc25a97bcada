"""What the operations page and the metrics read: a fixed number of queries, each on an index.

Every viewer's page asks every 2 s, so nothing here reads a table from end to end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum

from conversations.contributions import ProviderLine, RoundLine, Tone, providers, round_lines
from conversations.models import (
    Conversation,
    DeadLetter,
    Delivery,
    Message,
    MessageText,
    StreamState,
    VerificationRun,
)
from conversations.services.review import token_of

INCIDENTS_FOR = timedelta(days=7)  # how long the page tells of a delivery that stands twice
LINES = 50  # of each list; of reviews and dead letters it is said how many more there are
# Of these there is one: a line of its own says how it is.
_SINGLE = (StreamState.Kind.MESSAGING, StreamState.Kind.TYPING)
SLOW_S, STUCK_S = 5.0, 60.0  # a row that waits longer than this is worth a look, or is an alarm
_STREAM_TONES: dict[str, Tone] = {
    StreamState.State.LIVE: "ok",
    StreamState.State.CONNECTING: "waiting",
    StreamState.State.WAITING: "ambiguous",
    StreamState.State.STOPPED: "failed",
    StreamState.State.REFUSED: "failed",
}


@dataclass(frozen=True, slots=True)
class Queue:
    """Rows that wait for somebody: how many, and since when the oldest of them."""

    name: str
    label: str
    depth: int
    oldest_at: datetime | None
    for_person: bool = False

    def age_s(self, now: datetime) -> float:
        return max(0.0, (now - self.oldest_at).total_seconds()) if self.oldest_at else 0.0

    def tone(self, now: datetime) -> Tone:
        if not self.depth:
            return "quiet"
        if self.for_person:
            return "review"
        age_s = self.age_s(now)
        return "failed" if age_s > STUCK_S else "ambiguous" if age_s > SLOW_S else "ok"


@dataclass(frozen=True, slots=True)
class StreamLine:
    """A stream; what it says of itself counts only while a gateway holds its lease, or while it
    rests after it ended by itself."""

    stream: StreamState
    is_held: bool
    is_resting: bool = False

    @property
    def word(self) -> str:
        return self.stream.get_state_display() if self._speaks else "not held"

    @property
    def tone(self) -> Tone:
        return _STREAM_TONES[self.stream.state] if self._speaks else "failed"

    @property
    def _speaks(self) -> bool:
        is_waiting = self.stream.state == StreamState.State.WAITING
        return self.is_held or self.is_resting or is_waiting


@dataclass(frozen=True, slots=True)
class StreamGroup:
    """All streams of a kind of which there may be hundreds, on one line."""

    kind: str
    label: str
    live: int
    coming: int  # held, and not live (yet)
    refused: int
    room: int  # wanted, and no gateway holds them
    gateways: int
    frames: int
    malformed: int
    last_frame_at: datetime | None

    @property
    def tone(self) -> Tone:
        if self.refused or self.room:
            return "ambiguous"
        return "ok" if self.live else "quiet"


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as its leases show it."""

    name: str
    conversations: int
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """A delivery under review, with what was said."""

    delivery: Delivery
    original: MessageText | None
    translated: MessageText | None

    @property
    def token(self) -> str:
        return token_of(self.delivery)


@dataclass(frozen=True, slots=True)
class Board:
    """One look at the whole system."""

    now: datetime
    queues: Sequence[Queue]
    states: dict[str, int]  # of deliveries that are not at their end
    streams: Sequence[StreamLine]
    groups: Sequence[StreamGroup]
    workers: Sequence[Worker]
    providers: Sequence[ProviderLine]
    rounds: Sequence[RoundLine]
    reviews: Sequence[Review]
    letters: Sequence[DeadLetter]
    duplicates: Sequence[Delivery]
    verified: VerificationRun | None

    @property
    def review_depth(self) -> int:
        return self._depth("review")

    @property
    def letters_depth(self) -> int:
        return self._depth("dead_letter")

    @property
    def reviews_hidden(self) -> int:
        return max(0, self.review_depth - len(self.reviews))

    @property
    def letters_hidden(self) -> int:
        return max(0, self.letters_depth - len(self.letters))

    def _depth(self, name: str) -> int:
        return next(queue.depth for queue in self.queues if queue.name == name)


def board(now: datetime) -> Board:
    return Board(
        now=now,
        queues=queues(),
        states=open_deliveries(),
        streams=_streams(now),
        groups=_groups(now),
        workers=workers(now),
        providers=[line for each in providers() for line in each.lines()],
        rounds=round_lines(now),
        reviews=_reviews(),
        letters=_letters(),
        duplicates=_duplicates(now),
        verified=VerificationRun.objects.order_by("-finished_at").first(),
    )


def queues() -> list[Queue]:
    waiting = Conversation.objects.filter(work_at__isnull=False)
    pending = Message.objects.awaiting_translation()
    unfinished = Delivery.objects.unfinished()
    attributes = Delivery.objects.awaiting_attributes()
    review = Delivery.objects.under_review()
    letters = DeadLetter.objects.awaiting_decision()
    return [
        _queue("conversation", "conversations with work", waiting, "work_at"),
        _queue("translation", "messages to translate", pending, "received_at"),
        _queue("delivery", "deliveries on their way", unfinished, "created_at"),
        _queue("attributes", "attributes to write", attributes, "confirmed_at"),
        _queue("review", "deliveries under review", review, "created_at", for_person=True),
        _queue("dead_letter", "dead letters", letters, "created_at", for_person=True),
    ]


def _queue(name: str, label: str, rows: QuerySet, since: str, *, for_person: bool = False) -> Queue:
    found = rows.order_by().aggregate(depth=Count("pk"), oldest_at=Min(since))
    return Queue(name, label, found["depth"], found["oldest_at"], for_person)


def open_deliveries() -> dict[str, int]:
    """Deliveries that are not at their end, by state; two queries, so that each has its index."""
    counted = dict.fromkeys((*Delivery.UNFINISHED, Delivery.State.REVIEW), 0)
    for rows in (Delivery.objects.unfinished(), Delivery.objects.under_review()):
        for state, count in rows.order_by().values_list("state").annotate(Count("pk")):
            counted[Delivery.State(state)] = count
    return {state.value: count for state, count in counted.items()}


def open_letters() -> dict[str, int]:
    """Dead letters that nobody has decided about, by kind."""
    rows = DeadLetter.objects.awaiting_decision().order_by().values_list("kind")
    return dict.fromkeys(DeadLetter.Kind.values, 0) | dict(rows.annotate(Count("pk")))


def stream_totals(now: datetime) -> list[dict[str, Any]]:
    """For each kind: streams held live, worst attempts, last frame, frames by outcome."""
    held = Q(state=StreamState.State.LIVE, lease_until__gt=now)
    rows = StreamState.objects.order_by().values("kind")
    return list(
        rows.annotate(
            live=Count("pk", filter=held),
            worst_attempts=Max("attempts"),
            last_at=Max("last_frame_at"),
            received_frames=Sum("frames"),
            malformed_frames=Sum("malformed"),
            ignored_frames=Sum("ignored"),
        )
    )


def workers(now: datetime) -> list[Worker]:
    """Who holds conversations. One that is held has work, by whose index they are found."""
    held = Conversation.objects.filter(work_at__isnull=False, lease_until__gt=now)
    rows = held.order_by().values("lease_owner").annotate(n=Count("pk"), until=Max("lease_until"))
    found = [Worker(row["lease_owner"], row["n"], row["until"]) for row in rows]
    return sorted(found, key=lambda worker: worker.name)


def _streams(now: datetime) -> list[StreamLine]:
    """The single ones, and of the others those that are not as they should be."""
    state = StreamState.State
    is_well = Q(state=state.LIVE, lease_until__gt=now)
    has_ended = Q(state=state.STOPPED) & ~Q(attempts__gt=0, resume_at__gt=now)
    rows = StreamState.objects.streams().filter(Q(kind__in=_SINGLE) | ~is_well & ~has_ended)
    return [
        StreamLine(
            row,
            is_held=row.lease_until is not None and row.lease_until > now,
            is_resting=row.resume_at is not None and row.resume_at > now,
        )
        for row in rows.order_by("kind", "state", "key")[:LINES]
    ]


def _groups(now: datetime) -> list[StreamGroup]:
    held, state = Q(lease_until__gt=now), StreamState.State
    rows = StreamState.objects.exclude(kind__in=_SINGLE).order_by().values("kind")
    found = rows.annotate(
        live=Count("pk", filter=held & Q(state=state.LIVE)),
        coming=Count("pk", filter=held & ~Q(state=state.LIVE)),
        refused=Count("pk", filter=~held & Q(state=state.REFUSED)),
        room=Count("pk", filter=~held & Q(state=state.WAITING)),
        gateways=Count("owner", filter=held, distinct=True),
        frames=Sum("frames"),
        malformed=Sum("malformed"),
        last_frame_at=Max("last_frame_at"),
    )
    labels = dict(StreamState.Kind.choices)
    return [
        StreamGroup(label=str(labels.get(row["kind"], row["kind"])), **row)
        for row in found.order_by("kind")
    ]


def _reviews() -> list[Review]:
    rows = Delivery.objects.under_review().select_related("conversation", "message")
    deliveries = list(rows.order_by("created_at")[:LINES])
    texts = {
        (text.message_id, text.role): text
        for text in MessageText.objects.filter(
            message_id__in=[delivery.source_id for delivery in deliveries]
        ).defer("salt")
    }
    role = MessageText.Role
    return [
        Review(
            delivery,
            texts.get((delivery.source_id, role.ORIGINAL))
            or texts.get((delivery.source_id, role.TYPED)),
            texts.get((delivery.source_id, role.DELIVERED))
            or texts.get((delivery.source_id, role.TRANSLATED)),
        )
        for delivery in deliveries
    ]


def _letters() -> list[DeadLetter]:
    rows = DeadLetter.objects.awaiting_decision().select_related("conversation", "message")
    return list(rows.order_by("created_at")[:LINES])


def _duplicates(now: datetime) -> list[Delivery]:
    rows = Delivery.objects.duplicated().filter(confirmed_at__gte=now - INCIDENTS_FOR)
    named = ("conversation", "message", "part_of__message")
    found = rows.select_related(*named).annotate(times=F("duplicates") + 1)
    return list(found.order_by("-confirmed_at")[:LINES])
