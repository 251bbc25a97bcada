"""Keeps on the conversation's row what is known of the guest's language, and journals changes.

The rules are `conversations.guest_language`; here the row is locked by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conversations import guest_language as rules
from conversations.guest_language import Basis, Known
from conversations.languages import UNDETERMINED, canonical, name
from conversations.models import Conversation, JournalEntry
from conversations.services.decisions import Outcome, commit
from conversations.services.journal import Ledger
from conversations.services.unit import Plain, Unit

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def known_of(conversation: Conversation) -> Known:
    return Known(
        conversation.guest_language,
        conversation.language_basis,
        conversation.language_count,
        conversation.rival_language,
        conversation.rival_count,
    )


def note_text(conversation: Conversation, language: str, weight: str) -> dict[str, Any]:
    """One more text of the guest; what its entry in the journal says of it, where that changed."""
    return _keep(conversation, rules.heard(known_of(conversation), language, weight))


def note_preference(ledger: Ledger, conversation: Conversation, language: object) -> None:
    """The guest's page has said which language it prefers."""
    _enter(
        ledger, conversation, _keep(conversation, rules.preferred(known_of(conversation), language))
    )


def choose_language(
    conversation: Conversation, language: str, *, user: AbstractBaseUser
) -> Outcome:
    """A person's word, "" to take it back; journaled."""
    (outcome,) = commit([ChooseLanguage(conversation.pk, language)], user=user)
    return outcome


@dataclass(frozen=True, slots=True)
class ChooseLanguage(Plain):
    conversation_id: int
    language: str
    owner: str = ""
    message_id: None = None

    def apply(self, unit: Unit) -> Outcome:
        conversation = unit.conversation(self)
        known = known_of(conversation)
        if self.language and canonical(self.language) == UNDETERMINED:
            return Outcome(False, "That is no language: choose one of the list.")
        wanted = rules.chosen(known, self.language) if self.language else rules.released(known)
        _enter(unit.ledger, conversation, _keep(conversation, wanted))
        now = conversation.guest_language
        if not self.language:
            return Outcome(
                True, f"Decided by what the guest writes: {name(now) if now else 'not known yet'}."
            )
        return Outcome(True, f"The guest is written to in {name(now)}.")


def _keep(conversation: Conversation, known: Known) -> dict[str, Any]:
    before = known_of(conversation)
    conversation.guest_language = known.language
    conversation.language_basis = known.basis
    conversation.language_count = min(known.count, 10_000)
    conversation.rival_language = known.rival
    conversation.rival_count = min(known.rival_count, 10_000)
    if (before.language, before.basis) == (known.language, known.basis):
        return {}
    return {"guest_language": known.language, "guest_language_basis": known.basis}


def _enter(ledger: Ledger, conversation: Conversation, changed: dict[str, Any]) -> None:
    if changed:
        ledger.enter(conversation, JournalEntry.Kind.LANGUAGE, data=changed)
    else:
        ledger.touch(conversation)


__all__ = ["Basis", "ChooseLanguage", "choose_language", "known_of", "note_preference", "note_text"]
