"""Stores what the knowledge service answered, and that it could not: both are in the journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from assist.knowledge.desk import Reply
from assist.models import KnowledgeFailure, Suggestion
from assist.services import metrics
from assist.tally import Tally
from conversations.models import JournalEntry, Message
from conversations.services.journal import Ledger, lock_conversations

ACTOR = "gateway"


@dataclass(frozen=True, slots=True)
class Answered:
    """`message_id` is the chunk's."""

    conversation_id: int
    message_id: int
    reply: Reply


def record_answers(answers: Sequence[Answered]) -> list[tuple[int, int]]:
    """Returns the journals that moved: (conversation key, head seq).

    What was asked about a chunk that is erased by now is not stored.
    """
    now = timezone.now()
    with transaction.atomic():
        ids = {answered.conversation_id for answered in answers}
        conversations = {row.pk: row for row in lock_conversations(ids)}
        erased = _erased({answered.message_id for answered in answers})
        ledger = Ledger(actor=ACTOR, now=now)
        suggestions: list[Suggestion] = []
        failures: list[KnowledgeFailure] = []
        tallies: dict[int, Tally] = {}
        for answered in answers:
            reply = answered.reply
            counts = tallies.setdefault(answered.conversation_id, Tally()).counts
            counts["knowledge_asked"] += not reply.from_cache and not reply.was_dropped
            counts["knowledge_cached"] += reply.from_cache
            counts["knowledge_late"] += reply.is_late
            counts["knowledge_dropped"] += reply.was_dropped
            counts["knowledge_failed"] += bool(reply.error)
            if answered.message_id in erased:
                continue
            conversation = conversations[answered.conversation_id]
            if reply.error:
                failures.append(
                    KnowledgeFailure(
                        conversation=conversation,
                        message_id=answered.message_id,
                        error=reply.error[:200],
                        at=now,
                    )
                )
                ledger.enter(
                    conversation,
                    JournalEntry.Kind.KNOWLEDGE_FAILED,
                    message=answered.message_id,
                    data={"error": reply.error[:200]},
                )
            elif reply.articles:
                suggestions += [
                    Suggestion(
                        chunk_id=answered.message_id,
                        place=place,
                        title=article.title,
                        snippet=article.snippet,
                        url=article.url,
                        score=article.score,
                        latency_ms=reply.latency_ms,
                        is_late=reply.is_late,
                        from_cache=reply.from_cache,
                        found_at=now,
                    )
                    for place, article in enumerate(reply.articles)
                ]
                ledger.enter(
                    conversation,
                    JournalEntry.Kind.SUGGESTED,
                    message=answered.message_id,
                    data={
                        "count": len(reply.articles),
                        "latency_ms": reply.latency_ms,
                        "late": reply.is_late,
                        "from_cache": reply.from_cache,
                    },
                )
        Suggestion.objects.bulk_create(suggestions, ignore_conflicts=True)
        KnowledgeFailure.objects.bulk_create(failures)
        metrics.add(tallies, now=now)
        return ledger.flush()


def _erased(chunk_ids: Collection[int]) -> set[int]:
    """Those of `chunk_ids` whose text is gone; their conversations are locked."""
    rows = Message.objects.filter(pk__in=chunk_ids, erased_at__isnull=False)
    return set(rows.values_list("pk", flat=True))
