"""What the knowledge service answered is stored with its chunk, unless that is erased."""

from __future__ import annotations

import pytest

from assist.knowledge.base import Article
from assist.knowledge.desk import Reply
from assist.models import KnowledgeFailure, Suggestion
from assist.services.knowledge import Answered, record_answers
from conversations.models import JournalEntry
from conversations.services.guest_erasure import request_erasure, run_erasure
from conversations.services.verification import verify_journal
from tests.assist.histories import say

pytestmark = pytest.mark.django_db


def answers(message) -> list[Answered]:
    where = (message.conversation_id, message.pk)
    article = Article(title="Returns", snippet="Within 30 days", url="", score=0.9)
    return [
        Answered(*where, Reply((article,), latency_ms=80)),
        Answered(*where, Reply((), latency_ms=80, error="status 500")),
    ]


def test_an_answer_is_stored_and_so_is_a_failure():
    record_answers(answers(say("call-1", "How do I return it?")))

    assert (Suggestion.objects.count(), KnowledgeFailure.objects.count()) == (1, 1)
    assert verify_journal().holds


def test_an_answer_that_comes_after_the_erasure_is_not_stored():
    kept, erased = say("call-2", "Hello"), say("call-1", "How do I return it?")
    request = request_erasure("", reason="request 1", actor="console", named=["call-1"])
    run_erasure(request)
    entries = JournalEntry.objects.filter(conversation_id=erased.conversation_id).count()

    moved = record_answers([*answers(erased), *answers(kept)])

    assert [pk for pk, _ in moved] == [kept.conversation_id]
    assert {one.chunk_id for one in Suggestion.objects.all()} == {kept.pk}
    assert {one.message_id for one in KnowledgeFailure.objects.all()} == {kept.pk}
    mine = JournalEntry.objects.filter(conversation_id=erased.conversation_id)
    assert mine.count() == entries
    assert verify_journal().holds
