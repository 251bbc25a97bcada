"""How far the console has come with a guest's messages: stored, translated, delivered.

Synchronous: called in the threads of `live.database`.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from conversations.live.rows import rows_for
from conversations.models import Conversation, Delivery, JournalEntry, Message

NEWEST = 200  # messages; older ones are at their end, and counted


def progress_of(external_id: str, after: int) -> dict[str, Any] | None:
    """Counts of the conversation, and the rows that have changed since `after`; None while its
    journal stands where it stood."""
    conversation = Conversation.objects.filter(external_id=external_id).only("pk", "seq").first()
    if conversation is None or conversation.seq == after:
        return None
    said = Message.objects.filter(conversation=conversation, origin=Message.Origin.GUEST)
    changed = said if after < 0 else said.filter(pk__in=_touched(conversation.pk, after))
    newest = dict(changed.order_by("-seq").values_list("pk", "external_id")[:NEWEST])
    delivered = dict(
        Delivery.objects.filter(message_id__in=newest).values_list("message_id", "external_id")
    )
    rows = [
        {**row, "external_id": newest[pk], "delivered_id": delivered.get(pk, "")}
        for pk, row in rows_for(newest.keys()).items()
    ]
    return {"seq": conversation.seq, "rows": rows, "counts": _counts(said)}


def _touched(conversation_id: int, after: int) -> QuerySet[JournalEntry, int | None]:
    entries = JournalEntry.objects.filter(conversation_id=conversation_id, seq__gt=after)
    return entries.exclude(message=None).values_list("message_id", flat=True)


def _counts(said: Any) -> dict[str, int]:
    """What needs no translation or no delivery has arrived as it is."""
    states = Message.TranslationState
    as_it_is = Q(translation_state__in=(states.PASSED_THROUGH, states.NOT_NEEDED))
    found: dict[str, int] = said.aggregate(
        stored=Count("pk"),
        translated=Count("pk", filter=as_it_is | Q(translation_state=states.TRANSLATED)),
        delivered=Count("pk", filter=as_it_is | Q(delivery__state=Delivery.State.CONFIRMED)),
    )
    return found
