"""Who looked at what somebody said, in the journal: one entry for each visit.

Repeated looks of one user at one conversation within some minutes are one visit, so that a page
that comes back, or reads further, fills no chain. A look without its entry does not happen.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from conversations.models import Conversation, JournalEntry
from conversations.net.strict_json import clean_text
from conversations.services import console_journal
from conversations.services.decisions import actor_of
from conversations.services.journal import Ledger, canonical, lock_conversations

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

VISIT = timedelta(minutes=10)
_LOOKED_BACK = 500  # entries; a conversation that grows by more in one visit has two
_Kind = JournalEntry.Kind


def note_view(user: AbstractBaseUser, conversation_id: int, *, where: str) -> None:
    """`user` is about to see what was said; `where` is the kind of page."""
    _note(actor_of(user), conversation_id, _Kind.VIEWED, where)


def note_lines(user: AbstractBaseUser, *, where: str) -> None:
    """`user` is about to see single lines of many conversations: in the console's own chain."""
    actor, data = actor_of(user), {"where": where}
    noted = console_journal.noted_lately(_Kind.VIEWED, within=VISIT)
    if (actor, canonical(data)) not in noted:
        console_journal.note(_Kind.VIEWED, actor=actor, data=data)


def note_refusal(user: AbstractBaseUser | AnonymousUser, external_id: str, *, where: str) -> None:
    """Somebody who is logged in asked for a conversation that they may not see; if there is one."""
    if not user.is_authenticated:
        return
    asked_for = Conversation.objects.filter(external_id=clean_text(external_id))
    for pk in asked_for.values_list("pk", flat=True):
        _note(actor_of(user), pk, _Kind.VIEW_REFUSED, where)


def _note(actor: str, conversation_id: int, kind: JournalEntry.Kind, where: str) -> None:
    now = timezone.now()
    if _is_noted(actor, conversation_id, kind, where, now):  # as a rule: no lock is taken
        return
    with transaction.atomic():
        for conversation in lock_conversations([conversation_id]):
            if _is_noted(actor, conversation_id, kind, where, now):
                return
            ledger = Ledger(actor=actor, now=now)
            ledger.enter(conversation, kind, data={"where": where})
            ledger.flush()


def _is_noted(
    actor: str, conversation_id: int, kind: JournalEntry.Kind, where: str, now: datetime
) -> bool:
    """Among the newest entries, by the index on their numbers."""
    newest = (
        JournalEntry.objects.filter(conversation_id=conversation_id)
        .order_by("-seq")
        .values_list("kind", "actor", "at", "data")[:_LOOKED_BACK]
    )
    since, looked_for = now - VISIT, canonical({"where": where})
    for one, by, at, data in newest:
        if at < since:
            return False
        if (one, by, data) == (kind, actor, looked_for):
            return True
    return False
