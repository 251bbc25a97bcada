"""Every PUT of attributes leaves an audit that says what it replaced (protocol §1)."""

from __future__ import annotations

import pytest

from conversations.models import AttributeAudit, DeadLetter, Delivery, JournalEntry, MessageText
from conversations.services.attributes import RecordAttributes
from conversations.services.delivery import Confirm
from conversations.services.journal import commitment
from tests.conversations.histories import translated
from tests.conversations.services.wire import apply, assert_journal_holds, recorded

pytestmark = pytest.mark.django_db


def confirmed(number: int = 1, *, conversation: str = "conv-1") -> Delivery:
    delivery = translated(
        recorded(f"Hola {number}", id=f"m-{number}", conversation=conversation), f"Hello {number}"
    )
    where = (delivery.conversation_id, delivery.message_id, "")
    apply(Confirm(*where, by="answer", external_id=f"x-{number}"))
    return delivery


def written(delivery: Delivery, *, status: int = 200, reason: str = "") -> RecordAttributes:
    return RecordAttributes(
        conversation_id=delivery.conversation_id,
        message_id=delivery.message_id,
        owner="",
        original_language="ES",
        target_language="EN-US",
        translation_timestamp=delivery.created_at,
        http_status=status,
        reason=reason,
        body="because" if reason else "",
    )


def test_a_write_is_audited_with_a_proof_of_its_text_and_not_the_text():
    delivery = confirmed()

    apply(written(delivery))

    audit = AttributeAudit.objects.get()
    text = MessageText.objects.get(message=delivery.message, role="original")
    assert audit.keys == ["originalLanguage", "originalText", "translationTimestamp"]
    assert (audit.original_language, audit.http_status, audit.status) == ("ES", 200, "written")
    assert audit.commitment == commitment(bytes(text.salt), text.text)
    assert audit.text == text
    assert audit.before is None
    assert_journal_holds()


def test_each_write_names_the_write_that_it_replaced():
    deliveries = [confirmed(number) for number in (1, 2, 3)]

    for delivery in deliveries:
        apply(written(delivery))

    first, second, third = AttributeAudit.objects.order_by("pk")
    assert (first.before, second.before, third.before) == (None, first, second)


def test_a_failed_write_replaced_nothing_and_is_nobodys_before():
    first, second, third = (confirmed(number) for number in (1, 2, 3))
    apply(written(first))

    apply(written(second, status=400, reason="refused for good with status 400"))
    apply(written(third))

    one, failed, three = AttributeAudit.objects.order_by("pk")
    assert (failed.status, failed.before, three.before) == ("failed", one, one)
    letter = DeadLetter.objects.get()
    assert (letter.kind, letter.http_status, bytes(letter.body.body)) == (
        "attributes",
        400,
        b"because",
    )
    assert list(JournalEntry.objects.filter(kind="attributes_failed")) != []


@pytest.mark.parametrize("together", [True, False], ids=["one commit", "two commits"])
def test_a_write_recorded_twice_is_one_audit(together: bool):
    change = written(confirmed())

    results = apply(change, change) if together else [*apply(change), *apply(change)]

    assert results == [True, False]
    assert AttributeAudit.objects.count() == 1
    assert JournalEntry.objects.filter(kind="attributes_written").count() == 1


def test_the_conversations_of_one_commit_do_not_mix_their_befores():
    first, other = confirmed(1), confirmed(2, conversation="conv-2")
    apply(written(first), written(other))

    again = confirmed(3)
    apply(written(again))

    audit = AttributeAudit.objects.get(message=again.message)
    assert audit.before == AttributeAudit.objects.get(message=first.message)


def test_an_erased_text_leaves_the_audit():
    delivery = confirmed()
    MessageText.objects.filter(message=delivery.message).delete()

    apply(written(delivery))

    audit = AttributeAudit.objects.get()
    assert (audit.text, audit.commitment) == (None, "")


def test_two_writes_of_one_commit_follow_each_other():
    first, second = confirmed(1), confirmed(2)

    apply(written(first), written(second))

    one, two = AttributeAudit.objects.order_by("pk")
    assert two.before == one
