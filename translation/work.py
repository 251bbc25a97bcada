"""Finds the conversations that have work and takes their leases: the rows are the queue.

Plain functions for the database thread; the drain calls them between two commits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from django.db.models import Q
from django.utils import timezone

from conversations.models import Conversation, Delivery, Message, MessageText
from conversations.models.bulk import among, ask_rows, select_rows, update_rows
from conversations.models.trip import Answer, Trip
from conversations.services.leases import claim, stored
from translation.models import Translation
from translation.turns import in_turn

_MOST_AT_ONCE = 400
# Gateways' clocks differ; what this misses is found when the conversation is given back.
_NEWS_MARGIN = timedelta(seconds=5)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SUSPECT_DEATHS = 2  # after so many, what was in hand each time is translated alone
_SAID = "role IN ('original', 'typed')"
_UNFINISHED = "state IN ('queued', 'sending', 'ambiguous')"


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A message with what is still to be done for it.

    `target_language`: of an agent's reply the guest's; "" the agents'.
    """

    message_id: int
    seq: int
    sender_id: str
    text: str
    delivery_state: str  # "" while it awaits its translation
    translated: str = ""
    source_language: str = ""
    external_id: str = ""
    attempts: int = 0  # of its delivery; of its translation while it awaits that
    sending_at: datetime | None = None
    is_reply: bool = False  # an agent's, for the guest
    target_language: str = ""
    sent_at: datetime = _LONG_AGO  # by the platform's clock
    backfilled: bool = False

    @property
    def is_begun(self) -> bool:
        return self.delivery_state not in ("", Delivery.State.QUEUED)


@dataclass(frozen=True, slots=True)
class AttributesItem:
    """A confirmed delivery whose attributes are due."""

    message_id: int
    text: str
    source_language: str
    confirmed_at: datetime
    seq: int = 0
    sent_at: datetime = _LONG_AGO
    backfilled: bool = False
    is_begun: ClassVar[bool] = False


@dataclass(slots=True)
class ConversationWork:
    conversation_id: int
    external_id: str
    guest_id: str
    guest_language: str
    work_at: datetime | None
    items: list[WorkItem] = field(default_factory=list)
    attributes: list[AttributesItem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """One look at the queue: conversations claimed now, and news in those held already.

    `is_all`: there was a place for everything that could be claimed.
    """

    claimed: list[ConversationWork]
    news: list[ConversationWork]
    is_all: bool = True


def look_for_work(
    *,
    owner: str,
    held: Mapping[int, datetime | None],
    capacity: int,
    patience: timedelta = timedelta(0),
) -> Found:
    """Claim up to `capacity` conversations; report held ones whose work is newer than known.

    What is due for less than `patience` is left to others.
    """
    now = timezone.now()
    rows = select_rows(
        Conversation,
        "work_at <= %s AND (lease_until IS NULL OR lease_until < %s"
        " OR (lease_owner = %s AND work_at > %s))",
        [stored(now), stored(now), owner, stored(_newest(held) - _NEWS_MARGIN)],
        order="work_at",
        limit=_MOST_AT_ONCE,
    )
    due = [row for row in rows if row.pk not in held]
    claimable = [row.pk for row in due if row.work_at and row.work_at <= now - patience]
    news = [row for row in rows if row.pk in held and held[row.pk] != row.work_at]
    wanted = claimable[:capacity] if capacity > 0 else []
    trip = Trip()
    taken = claim(trip, wanted, owner=owner, now=now) if wanted else None
    found = _ask_unfinished(trip, [*wanted, *[row.pk for row in news]])
    trip.go()
    claimed = taken.value if taken else []
    orphaned = {row.pk for row in rows if row.lease_owner not in ("", owner)}
    _count_deaths({row.pk for row in claimed}, orphaned, found.pending.value)
    loaded = _works([*claimed, *news], found)
    return Found(
        claimed=loaded[: len(claimed)],
        news=loaded[len(claimed) :],
        is_all=len(claimable) <= max(capacity, 0),
    )


def _count_deaths(
    claimed: Collection[int], orphaned: Collection[int], pending: Iterable[Message]
) -> None:
    """The first message of each conversation whose worker died with the lease is a suspect
    (reliability B12): whoever has been one SUSPECT_DEATHS times is translated alone, and that is
    counted when it begins, so that it is not taken for the murderer of a crowd it stood in.

    Committed before the work begins, so that a message that kills its worker is not tried for ever.
    """
    firsts: dict[int, Message] = {}
    for message in pending:
        if message.conversation_id in claimed:
            firsts.setdefault(message.conversation_id, message)
    changed = []
    for pk, message in firsts.items():
        if pk in orphaned and message.translation_attempts < SUSPECT_DEATHS:
            message.translation_attempts += 1
        elif pk not in orphaned and message.translation_attempts > SUSPECT_DEATHS:
            message.translation_attempts = SUSPECT_DEATHS  # it was put back, and nobody died
        else:
            continue
        changed.append(message)
    update_rows(changed, fields=("translation_attempts",))


def look_at(conversation_ids: Collection[int], *, owner: str) -> Found:
    """The news of conversations that `owner` was told of; those it does not hold are left out."""
    trip = Trip()
    in_these, keys = among("id", conversation_ids)
    mine = f"{in_these} AND lease_owner = %s AND work_at IS NOT NULL"
    rows = ask_rows(trip, Conversation, mine, [*keys, owner])
    found = _ask_unfinished(trip, list(conversation_ids))
    trip.go()
    return Found(claimed=[], news=_works(rows.value, found))


def _newest(held: Mapping[int, datetime | None]) -> datetime:
    known = [work_at for work_at in held.values() if work_at is not None]
    return max(known, default=_LONG_AGO)


def wake_forgotten() -> int:
    """Conversations with unfinished rows but no `work_at`: give them one. There should be none."""
    forgotten = set(
        Message.objects.awaiting_translation()
        .filter(conversation__work_at__isnull=True)
        .values_list("conversation_id", flat=True)[:1000]
    )
    deliveries = Delivery.objects.filter(conversation__work_at__isnull=True)
    unfinished = Q(state__in=Delivery.UNFINISHED) | Q(attributes_state="pending")
    forgotten.update(deliveries.filter(unfinished).values_list("conversation_id", flat=True)[:1000])
    if not forgotten:
        return 0
    rows = Conversation.objects.filter(pk__in=forgotten, work_at__isnull=True)
    return rows.update(work_at=timezone.now())


def load_work(conversations: Collection[Conversation]) -> list[ConversationWork]:
    """All that is unfinished in `conversations`, in source order; a fixed number of queries."""
    trip = Trip()
    found = _ask_unfinished(trip, [row.pk for row in conversations])
    trip.go()
    return _works(conversations, found)


@dataclass(slots=True)
class _Unfinished:
    pending: Answer[list[Message]]
    texts: Answer[list[MessageText]]
    deliveries: Answer[list[Delivery]]


def _ask_unfinished(trip: Trip, conversation_ids: list[int]) -> _Unfinished:
    """What is still to be translated, with its texts, and what is to be delivered."""
    in_these, keys = among("conversation_id", conversation_ids)
    waiting = f"{in_these} AND translation_state = 'pending'"
    ids = f"SELECT id FROM {Message._meta.db_table} WHERE {waiting}"  # noqa: S608
    # Two selects in one, so that each uses its partial index.
    some = f"SELECT id FROM {Delivery._meta.db_table} WHERE {in_these}"  # noqa: S608
    return _Unfinished(
        pending=ask_rows(trip, Message, waiting, keys, order="conversation_id, seq"),
        texts=ask_rows(trip, MessageText, f"message_id IN ({ids}) AND {_SAID}", keys),
        deliveries=ask_rows(
            trip,
            Delivery,
            f"id IN ({some} AND {_UNFINISHED} UNION {some} AND attributes_state = 'pending')",
            [*keys, *keys],
        ),
    )


def _works(conversations: Collection[Conversation], found: _Unfinished) -> list[ConversationWork]:
    works = {
        row.pk: ConversationWork(
            conversation_id=row.pk,
            external_id=row.external_id,
            guest_id=row.guest_id,
            guest_language=row.guest_language,
            work_at=row.work_at,
        )
        for row in conversations
    }
    originals = {row.message_id: row.text for row in found.texts.value}
    for message in found.pending.value:
        if work := works.get(message.conversation_id):
            work.items.append(
                WorkItem(
                    message_id=message.pk,
                    seq=message.seq,
                    sender_id=message.sender_id,
                    text=originals.get(message.pk, ""),
                    delivery_state="",
                    attempts=message.translation_attempts,
                    is_reply=message.origin == Message.Origin.AGENT,
                    target_language=message.target_language,
                    sent_at=message.sent_at,
                    backfilled=message.backfilled,
                )
            )
    _add_deliveries(works, [row for row in found.deliveries.value if row.conversation_id in works])
    for work in works.values():
        work.items = in_turn(work.items)
        work.attributes = in_turn(work.attributes)
    return [works[row.pk] for row in conversations]


def _add_deliveries(works: dict[int, ConversationWork], deliveries: list[Delivery]) -> None:
    """Those that somebody else began; rare, so their texts are another trip."""
    if not deliveries:
        return
    ids = [row.source_id for row in deliveries]
    trip = Trip()
    messages = ask_rows(trip, Message, *among("id", ids))
    texts = ask_rows(trip, MessageText, *among("message_id", ids))
    made = ask_rows(trip, Translation, *among("message_id", ids))
    trip.go()
    by_key = {row.pk: row for row in messages.value}
    by_role = {(row.message_id, row.role): row.text for row in texts.value}
    languages = {row.message_id: row.source_language for row in made.value}
    for row in deliveries:
        work = works[row.conversation_id]
        _add_delivery(work, row, by_key[row.source_id], by_role, languages)


def _add_delivery(
    work: ConversationWork,
    row: Delivery,
    message: Message,
    texts: dict[tuple[int, str], str],
    languages: dict[int, str],
) -> None:
    is_reply = row.direction == Delivery.Direction.AGENT_TO_GUEST
    said, posted = ("typed", "delivered") if is_reply else ("original", "translated")
    original = texts.get((row.source_id, said), "")
    language = languages.get(row.source_id, "")
    if row.state in Delivery.UNFINISHED:
        work.items.append(
            WorkItem(
                message_id=row.source_id,
                seq=message.seq,
                sender_id=message.sender_id,
                text=original,
                delivery_state=row.state,
                translated=texts.get((row.source_id, posted), ""),
                source_language=language,
                external_id=row.external_id,
                attempts=row.attempts,
                sending_at=row.sending_at,
                is_reply=is_reply,
                target_language=message.target_language,
                sent_at=message.sent_at,
                backfilled=message.backfilled,
            )
        )
    if row.attributes_state == Delivery.AttributesState.PENDING and row.confirmed_at:
        work.attributes.append(
            AttributesItem(
                row.source_id,
                original,
                language,
                row.confirmed_at,
                seq=message.seq,
                sent_at=message.sent_at,
                backfilled=message.backfilled,
            )
        )
