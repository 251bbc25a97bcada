"""Legal holds: placed and lifted with a reason, by a person, in the journal."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from conversations.models import Conversation, JournalEntry, LegalHold
from conversations.net.strict_json import clean_text
from conversations.services.decisions import Outcome, actor_of
from conversations.services.journal import Ledger, lock_conversations
from conversations.services.reasons import NAMES_THE_GUEST, names_guest

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def place_holds(
    conversation_ids: Collection[int], *, user: AbstractBaseUser, reason: str
) -> list[Outcome]:
    """Raises ValueError without a reason. One that is held already stays as it is."""
    reason = _reason(reason)
    return [_place(pk, user=user, reason=reason) for pk in sorted(set(conversation_ids))]


def lift_holds(hold_ids: Collection[int], *, user: AbstractBaseUser, reason: str) -> list[Outcome]:
    """Raises ValueError without a reason."""
    reason = _reason(reason)
    return [_lift(pk, user=user, reason=reason) for pk in sorted(set(hold_ids))]


@transaction.atomic
def _place(pk: int, *, user: AbstractBaseUser, reason: str) -> Outcome:
    now = timezone.now()
    for conversation in lock_conversations([pk]):
        if conversation.holds.in_force().exists():
            return Outcome(False, f"{conversation}: held already.")
        if names_guest(reason, conversation):
            return Outcome(False, f"{conversation}: {NAMES_THE_GUEST}")
        hold = LegalHold.objects.create(
            conversation=conversation, reason=reason, placed_at=now, placed_by_id=user.pk
        )
        _journal(conversation, JournalEntry.Kind.HELD, hold, user=user, reason=reason)
        return Outcome(True, f"{conversation}: held.")
    return Outcome(False, f"There is no conversation {pk}.")


@transaction.atomic
def _lift(pk: int, *, user: AbstractBaseUser, reason: str) -> Outcome:
    hold = LegalHold.objects.filter(pk=pk).first()
    if hold is None:
        return Outcome(False, f"There is no hold {pk}.")
    (conversation,) = lock_conversations([hold.conversation_id])
    if names_guest(reason, conversation):
        return Outcome(False, f"{conversation}: {NAMES_THE_GUEST}")
    changes = {
        "lifted_at": timezone.now(),
        "lifted_by_id": user.pk,
        "lift_reason": reason,
    }
    if not LegalHold.objects.in_force().filter(pk=pk).update(**changes):
        return Outcome(False, f"{conversation}: its hold was lifted already.")
    _journal(conversation, JournalEntry.Kind.RELEASED, hold, user=user, reason=reason)
    return Outcome(True, f"{conversation}: its hold is lifted.")


def _journal(
    conversation: Conversation,
    kind: JournalEntry.Kind,
    hold: LegalHold,
    *,
    user: AbstractBaseUser,
    reason: str,
) -> None:
    ledger = Ledger(actor=actor_of(user), now=timezone.now())
    ledger.enter(conversation, kind, data={"hold": hold.pk, "reason": reason})
    ledger.flush()


def _reason(reason: str) -> str:
    reason = clean_text(reason).strip()[:200]
    if not reason:
        raise ValueError("a hold is placed and lifted with a reason")
    return reason
