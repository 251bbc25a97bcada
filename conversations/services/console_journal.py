"""The console's own chain in the journal: what people did that belongs to no one conversation.

It is a conversation row that no platform has, so that the same digests, triggers, anchors and
`verify_audit` prove it (docs/compliance.md). Nothing that lists conversations to watch shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations.models import Conversation, JournalEntry
from conversations.services.journal import Ledger, canonical, lock_conversations

CONSOLE_ID = "parley:console"  # the platform's ids have no colon
# Whoever asks a hundred times for what is not theirs is noted once a minute: the journal cannot be
# emptied, so nobody may fill it.
_NOTED_AGAIN_AFTER = timedelta(seconds=60)
_LOOKED_AT = 500
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # never among what the gateway saw lately


def note(
    kind: JournalEntry.Kind,
    *,
    actor: str,
    data: Mapping[str, Any],
    commitment: str = "",
    now: datetime | None = None,
) -> None:
    """One entry, in the transaction of the caller or in its own."""
    now = now or timezone.now()
    with transaction.atomic():
        [chain] = lock_conversations([_chain_key(now)])
        ledger = Ledger(actor=actor, now=now)
        ledger.enter(chain, kind, data=data, commitment=commitment)
        ledger.flush()


def note_refusal(*, actor: str, what: str, export: str = "") -> None:
    """What was asked for and not given; the same by the same actor once a minute.

    `what` is one of a few words and `export` one that exists: so many entries there can be.
    """
    kind = JournalEntry.Kind.EXPORT_REFUSED
    data = {"what": what, **({"export": export} if export else {})}
    if (actor, canonical(data)) not in noted_lately(kind, within=_NOTED_AGAIN_AFTER):
        note(kind, actor=actor, data=data)


def noted_lately(kind: JournalEntry.Kind, *, within: timedelta) -> list[tuple[str, str]]:
    """By whom, and what; among the newest entries."""
    since = timezone.now() - within
    newest = JournalEntry.objects.filter(conversation__external_id=CONSOLE_ID).order_by("-seq")
    return [
        (by, said)
        for one, by, said, at in newest.values_list("kind", "actor", "data", "at")[:_LOOKED_AT]
        if at > since and one == kind.value
    ]


def _chain_key(now: datetime) -> int:
    chain, _ = Conversation.objects.get_or_create(
        external_id=CONSOLE_ID,
        defaults={
            "channel": Conversation.Channel.CONSOLE,
            "state": Conversation.State.CLOSED,
            "created_at": now,
            "last_event_at": _LONG_AGO,
            "closed_at": _LONG_AGO,
        },
    )
    return int(chain.pk)
