"""Finds the conversations that have work and takes their leases: the rows are the queue.

Plain functions for the database thread; the drain calls them between two commits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations.models import Conversation, Delivery, Message, MessageText

LEASE_S = 15.0  # at least twice the limit of a request (reliability C14)


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A guest message with what is still to be done for it."""

    message_id: int
    seq: int
    guest_id: str
    text: str
    delivery_state: str  # "" while it awaits its translation
    translated: str = ""
    source_language: str = ""
    external_id: str = ""
    attempts: int = 0
    sending_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttributesItem:
    """A confirmed delivery whose attributes are due."""

    message_id: int
    text: str
    source_language: str
    confirmed_at: datetime


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
    """One look at the queue: conversations claimed now, and news in those held already."""

    claimed: list[ConversationWork]
    news: list[ConversationWork]


def look_for_work(
    *, owner: str, held: dict[int, datetime | None], capacity: int, renew: bool
) -> Found:
    """Claim up to `capacity` conversations; report held ones whose work is newer than known."""
    now = timezone.now()
    if renew and held:
        _renew(held, owner=owner, now=now)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    mine = Q(lease_owner=owner)
    rows = Conversation.objects.filter(free | mine, work_at__lte=now).order_by("work_at")
    claimable: list[int] = []
    fresh: list[int] = []
    for pk, work_at, lease_owner in rows.values_list("pk", "work_at", "lease_owner")[:400]:
        if pk in held:
            if held[pk] != work_at:
                fresh.append(pk)
        elif lease_owner != owner or len(claimable) < capacity:
            claimable.append(pk)
    claimed = _claim(claimable[:capacity], owner=owner, now=now) if capacity > 0 else []
    news = list(Conversation.objects.filter(pk__in=fresh, lease_owner=owner)) if fresh else []
    loaded = load_work([*claimed, *news])
    return Found(loaded[: len(claimed)], loaded[len(claimed) :])


def _claim(ids: list[int], *, owner: str, now: datetime) -> list[Conversation]:
    """Take what is still free; a row that another transaction holds now is left for later."""
    if not ids:
        return []
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now) | Q(lease_owner=owner)
    with transaction.atomic():
        locked = Conversation.objects.select_for_update(skip_locked=True)
        rows = list(locked.filter(free, pk__in=ids).order_by("pk"))
        _lease([row.pk for row in rows], owner=owner, now=now)
    return rows


def _renew(held: Collection[int], *, owner: str, now: datetime) -> None:
    """Rows are locked in the order of their keys, as everywhere: no dead-lock."""
    with transaction.atomic():
        locked = Conversation.objects.select_for_update().filter(pk__in=held, lease_owner=owner)
        _lease(list(locked.order_by("pk").values_list("pk", flat=True)), owner=owner, now=now)


def _lease(ids: list[int], *, owner: str, now: datetime) -> None:
    until = now + timedelta(seconds=LEASE_S)
    Conversation.objects.filter(pk__in=ids).update(lease_owner=owner, lease_until=until)


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


def load_conversation(conversation_id: int) -> ConversationWork:
    return load_work([Conversation.objects.get(pk=conversation_id)])[0]


def load_work(conversations: Collection[Conversation]) -> list[ConversationWork]:
    """All that is unfinished in `conversations`, in source order; a fixed number of queries."""
    if not conversations:
        return []
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
    pending = list(Message.objects.filter(conversation_id__in=works).awaiting_translation())
    deliveries = list(
        Delivery.objects.filter(
            Q(state__in=Delivery.UNFINISHED) | Q(attributes_state="pending"),
            conversation_id__in=works,
        ).select_related("message")
    )
    texts = _texts([row.pk for row in pending], [row.message_id for row in deliveries])
    languages = _languages([row.message_id for row in deliveries])
    for message in pending:
        works[message.conversation_id].items.append(
            WorkItem(
                message_id=message.pk,
                seq=message.seq,
                guest_id=message.sender_id,
                text=texts.get((message.pk, "original"), ""),
                delivery_state="",
            )
        )
    for row in deliveries:
        _add_delivery(works[row.conversation_id], row, texts, languages)
    for work in works.values():
        work.items.sort(key=lambda item: item.seq)
    return [works[row.pk] for row in conversations]


def _add_delivery(
    work: ConversationWork,
    row: Delivery,
    texts: dict[tuple[int, str], str],
    languages: dict[int, str],
) -> None:
    original = texts.get((row.message_id, "original"), "")
    language = languages.get(row.message_id, "")
    if row.state in Delivery.UNFINISHED:
        work.items.append(
            WorkItem(
                message_id=row.message_id,
                seq=row.message.seq,
                guest_id=row.message.sender_id,
                text=original,
                delivery_state=row.state,
                translated=texts.get((row.message_id, "translated"), ""),
                source_language=language,
                external_id=row.external_id,
                attempts=row.attempts,
                sending_at=row.sending_at,
            )
        )
    if row.attributes_state == Delivery.AttributesState.PENDING and row.confirmed_at:
        work.attributes.append(
            AttributesItem(row.message_id, original, language, row.confirmed_at)
        )


def _texts(pending: list[int], delivered: list[int]) -> dict[tuple[int, str], str]:
    ids = {*pending, *delivered}
    if not ids:
        return {}
    rows = MessageText.objects.filter(message_id__in=ids).values_list("message_id", "role", "text")
    return {(message_id, role): text for message_id, role, text in rows}


def _languages(message_ids: list[int]) -> dict[int, str]:
    from translation.models import Translation

    if not message_ids:
        return {}
    rows = Translation.objects.filter(message_id__in=message_ids)
    return dict(rows.values_list("message_id", "source_language"))
