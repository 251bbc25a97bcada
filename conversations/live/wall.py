"""The live wall: a card for each conversation that a viewer may watch.

Fixed number of queries whatever the number of conversations; synchronous, reads only.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Max, Min, OuterRef, Q, Subquery

from conversations.live.rows import iso
from conversations.models import Conversation, DeadLetter, Delivery, Message, MessageText
from conversations.models.conversation import ConversationQuerySet

Card = dict[str, Any]

MAX_CARDS = 200
LINGER = timedelta(minutes=10)  # how long an ended conversation stays on the wall
UTTERANCE_CHARACTERS = 120

_WAITING = (Delivery.State.QUEUED, Delivery.State.SENDING)
_DOUBTFUL = (*_WAITING, Delivery.State.AMBIGUOUS, Delivery.State.REVIEW)
_LOST = (Delivery.State.FAILED, Delivery.State.EXPIRED)
# The worst comes first; each is a count in `_tallies`.
STATUSES = ("failed", "review", "ambiguous", "waiting", "translating")


@dataclass(frozen=True, slots=True)
class Heads:
    """What is on the wall now: primary key → journal seq; and of how many it is a choice."""

    seqs: dict[int, int]
    total: int


def heads(visible: ConversationQuerySet, now: datetime) -> Heads:
    """All there are; of more than MAX_CARDS those that need somebody, then the newest events."""
    on_wall = Q(state=Conversation.State.OPEN) | Q(closed_at__gt=now - LINGER)
    written = visible.exclude(channel=Conversation.Channel.VOICE)  # calls have their own pages
    newest = written.filter(on_wall).order_by("-last_event_at", "-pk")
    found = list(newest.values_list("pk", "seq")[: MAX_CARDS + 1])
    if len(found) <= MAX_CARDS:
        return Heads(dict(found), len(found))
    seqs = dict(newest.filter(_needs_somebody()).values_list("pk", "seq")[:MAX_CARDS])
    for pk, seq in found:
        if len(seqs) == MAX_CARDS:
            break
        seqs.setdefault(pk, seq)
    return Heads(seqs, newest.count())


def _needs_somebody() -> Q:
    """Each part has a partial index of its own, and few rows."""
    deliveries = Delivery.objects.order_by()
    lost = (DeadLetter.Kind.TRANSLATION, DeadLetter.Kind.DELIVERY)
    letters = DeadLetter.objects.awaiting_decision().filter(kind__in=lost)
    return (
        Q(pk__in=letters.exclude(conversation=None).values("conversation"))
        | Q(pk__in=deliveries.under_review().values("conversation"))
        | Q(pk__in=deliveries.filter(state=Delivery.State.AMBIGUOUS).values("conversation"))
    )


def cards_for(conversation_pks: Collection[int]) -> dict[int, Card]:
    last = Message.objects.filter(
        conversation=OuterRef("pk"),
        origin__in=(Message.Origin.GUEST, Message.Origin.AGENT),
        has_text=True,
    )
    conversations = Conversation.objects.filter(pk__in=conversation_pks)
    last_of = dict(
        conversations.annotate(last=Subquery(last.order_by("-seq").values("pk")[:1]))
        .filter(last__isnull=False)
        .values_list("pk", "last")
    )
    tallies = _tallies(conversation_pks)
    utterances = _utterances(list(last_of.values()))
    return {
        conversation.pk: _card(
            conversation,
            tallies.get(conversation.pk, {}),
            utterances.get(last_of.get(conversation.pk, 0)),
        )
        for conversation in conversations
    }


def _tallies(conversation_pks: Collection[int]) -> dict[int, dict[str, Any]]:
    spoken = Message.objects.spoken().filter(conversation__in=list(conversation_pks))
    rows = (
        spoken.order_by()
        .values("conversation_id")
        .annotate(
            messages=Count("pk"),
            guest=Count("pk", filter=Q(origin=Message.Origin.GUEST)),
            agent=Count("pk", filter=Q(origin=Message.Origin.AGENT)),
            translating=Count("pk", filter=Q(translation_state=Message.TranslationState.PENDING)),
            waiting=Count("pk", filter=Q(delivery__state__in=_WAITING)),
            ambiguous=Count("pk", filter=Q(delivery__state=Delivery.State.AMBIGUOUS)),
            review=Count("pk", filter=Q(delivery__state=Delivery.State.REVIEW)),
            failed=Count(
                "pk",
                filter=Q(translation_state=Message.TranslationState.FAILED)
                | Q(delivery__state__in=_LOST),
            ),
            # From receipt to delivery: the worst so far, and since when the oldest waits for it.
            worst=Max(F("delivery__confirmed_at") - F("received_at")),
            waiting_since=Min(
                "received_at",
                filter=Q(translation_state=Message.TranslationState.PENDING)
                | Q(delivery__state__in=_DOUBTFUL),
            ),
        )
    )
    return {row.pop("conversation_id"): row for row in rows}


def _utterances(message_ids: list[int]) -> dict[int, Card]:
    """The last words, in the language of the agents where there is a translation."""
    texts = MessageText.objects.filter(
        message_id__in=message_ids,
        role__in=(
            MessageText.Role.ORIGINAL,
            MessageText.Role.TYPED,
            MessageText.Role.TRANSLATED,
        ),
    ).values_list("message_id", "message__origin", "role", "text", "language")
    found: dict[int, Card] = {}
    for message_id, origin, role, text, language in texts:
        is_for_reader = (role == MessageText.Role.TRANSLATED) == (origin == Message.Origin.GUEST)
        if message_id in found and not is_for_reader:
            continue
        found[message_id] = {
            "text": text[:UTTERANCE_CHARACTERS],
            "language": language,
            "origin": origin,
        }
    return found


def _card(conversation: Conversation, tally: dict[str, Any], last: Card | None) -> Card:
    worst = next((status for status in STATUSES if tally.get(status)), "ok")
    return {
        "id": conversation.external_id,
        "guest": conversation.guest_name,
        "agent": conversation.agent_name,
        "guest_language": conversation.guest_language,
        "agent_language": settings.TARGET_LANGUAGE,
        "state": conversation.state,
        "status": worst,
        "last": last,
        "started_at": iso(conversation.created_at),
        "last_event_at": iso(conversation.last_event_at),
        "closed_at": iso(conversation.closed_at),
        "worst_ms": _milliseconds(tally.get("worst")),
        "waiting_since": iso(tally.get("waiting_since")),
        "counts": {key: tally.get(key, 0) for key in ("messages", "guest", "agent", *STATUSES)},
    }


def _milliseconds(lasted: timedelta | None) -> int | None:
    return round(lasted.total_seconds() * 1000) if lasted is not None else None
