"""Which conversations wait for what the platform's analytics say, and when each is asked for.

TRAP: the moment to ask again is written before the platform is asked. A run that dies, or two that
believe to hold the round, ask no conversation twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from assist.models import Interaction, Round
from assist.services import rounds
from conversations.genesys.analytics import InteractionDetails
from conversations.models import Conversation

ROUND = "enrichment"
WINDOW = timedelta(hours=24)  # what a question spans, and after which nothing is asked any more
_ADMITTED_AT_MOST = 500  # by one run
_FIRST_DELAY, _LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=1)
_REASON_AT_MOST = 200
State = Interaction.State


@dataclass(frozen=True, slots=True)
class Ask:
    """A conversation that is this run's to ask for, once."""

    conversation_id: int
    external_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Patience:
    until: datetime


def delay_after(attempts: int) -> timedelta:
    """30 s, 1, 2, 4 … minutes, then every hour."""
    return min(_FIRST_DELAY * 2 ** min(attempts - 1, 16), _LONGEST_DELAY)


def admit(now: datetime) -> int:
    """Conversations of the last day that nobody has asked for begin to wait."""
    known = Interaction.objects.filter(conversation_id=OuterRef("pk"))
    fresh = Conversation.objects.filter(~Exists(known), last_event_at__gt=now - WINDOW)
    ids = fresh.order_by("-last_event_at").values_list("pk", flat=True)[:_ADMITTED_AT_MOST]
    rows = [Interaction(conversation_id=pk, since=now, ask_at=now) for pk in ids]
    Interaction.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def await_ends(now: datetime) -> int:
    """Conversations that have ended here begin to wait for their end there."""
    ended = list(Interaction.objects.ended_here().values_list("pk", flat=True)[:_ADMITTED_AT_MOST])
    return Interaction.objects.filter(pk__in=ended, state=State.RUNNING).update(
        state=State.WAITING, since=now, ask_at=now, attempts=0
    )


def give_up(now: datetime) -> int:
    """What has waited for a day: the platform will not tell."""
    too_old = Interaction.objects.due(now).filter(since__lt=now - WINDOW)
    ids = list(too_old.values_list("pk", flat=True)[:_ADMITTED_AT_MOST])
    rows = Interaction.objects.filter(pk__in=ids, state=State.WAITING)
    return rows.update(state=State.GIVEN_UP)


def next_to_ask(owner: str, now: datetime) -> Ask | Patience | None:
    """The next conversation, marked as asked; None: nothing is due, or the round is another's."""
    with transaction.atomic():
        round_ = rounds.hold(ROUND, owner=owner, now=now)
        if round_ is None:
            return None
        if round_.not_before is not None and round_.not_before > now:
            return Patience(round_.not_before)
        row = Interaction.objects.due(now).select_related("conversation").first()
        if row is None:
            return None
        attempts = row.attempts + 1
        claimed = Interaction.objects.filter(pk=row.pk, ask_at=row.ask_at).update(
            attempts=attempts, asked_at=now, ask_at=now + delay_after(attempts)
        )
        if not claimed:
            return None
    return Ask(row.pk, row.conversation.external_id, since=now - WINDOW, until=now)


def found(ask: Ask, details: InteractionDetails, *, now: datetime) -> None:
    """Stored. Without an end it is asked for again: later, where the conversation has ended here,
    else when it has."""
    has_ended = details.ended_at is not None
    is_over = Conversation.objects.filter(
        pk=ask.conversation_id, state=Conversation.State.CLOSED
    ).exists()
    unknown = State.WAITING if is_over else State.RUNNING
    rows = Interaction.objects.filter(pk=ask.conversation_id).exclude(state=State.KNOWN)
    rows.update(
        state=State.KNOWN if has_ended else unknown,
        started_at=details.started_at,
        ended_at=details.ended_at,
        channel_type=details.channel_type,
        answered_at=now,
        reason="" if has_ended else "has not ended there",
    )


def missing(ask: Ask, *, reason: str, now: datetime) -> None:
    """Left waiting; when it is asked for again was written before."""
    Interaction.objects.filter(pk=ask.conversation_id).update(
        answered_at=now, reason=reason[:_REASON_AT_MOST]
    )


def throttled(ask: Ask, *, owner: str, until: datetime) -> None:
    """Nothing is asked before `until`; this one was not answered, so it counts as not asked."""
    with transaction.atomic():
        rounds.put_off(ROUND, owner=owner, until=until, reason="429: asked to wait")
        _not_asked(ask, again_at=until)


def stopped(ask: Ask, *, owner: str, until: datetime, reason: str) -> None:
    """The platform takes no such questions now: this one waits, and so do all others."""
    with transaction.atomic():
        rounds.put_off(ROUND, owner=owner, until=until, reason=reason)
        _not_asked(ask, again_at=until)


def _not_asked(ask: Ask, *, again_at: datetime) -> None:
    row = Interaction.objects.select_for_update().get(pk=ask.conversation_id)
    row.attempts = max(0, row.attempts - 1)
    row.ask_at = again_at
    row.save(update_fields=["attempts", "ask_at"])


def enrichment_round() -> Round | None:
    return Round.objects.filter(name=ROUND).first()
