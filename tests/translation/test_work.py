"""The rows are the queue: what is due is found, claimed by one worker, and loaded in order."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from conversations.models import Conversation, Delivery
from conversations.services.delivery import Confirm, Requeue, Settle
from tests.conversations.histories import translated
from tests.conversations.services.wire import apply, event, record, recorded
from tests.translation.makings import made
from translation.services import RecordTranslation
from translation.work import ConversationWork, Found, load_work, look_for_work, wake_forgotten

pytestmark = pytest.mark.django_db


def look(
    owner: str = "one", *, held: dict[int, datetime | None] | None = None, capacity: int = 10
) -> Found:
    return look_for_work(owner=owner, held=held or {}, capacity=capacity)


def loaded(conversation_id: int) -> ConversationWork:
    return load_work([Conversation.objects.get(pk=conversation_id)])[0]


def names(found: Found) -> set[str]:
    return {work.external_id for work in found.claimed}


def test_a_conversation_with_work_is_claimed_by_one_worker():
    recorded("Hola")

    assert names(look("one")) == {"conv-1"}
    assert names(look("two")) == set()


def test_a_claim_lasts_for_its_lease_and_is_taken_over_after():
    recorded("Hola")
    look("one")
    Conversation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert names(look("two")) == {"conv-1"}
    assert Conversation.objects.get().lease_owner == "two"


def test_what_is_due_later_is_left():
    recorded("Hola")
    Conversation.objects.update(work_at=timezone.now() + timedelta(seconds=5))

    assert names(look()) == set()


def test_no_more_is_claimed_than_there_are_places_and_the_oldest_first():
    for number in range(5):
        recorded("Hola", conversation=f"conv-{number}")

    assert names(look(capacity=2)) == {"conv-0", "conv-1"}
    assert names(look(capacity=0)) == set()


def test_a_patient_look_leaves_what_is_fresh_to_others():
    recorded("Hola")
    recorded("Otra", conversation="conv-2")
    long_due = Conversation.objects.filter(external_id="conv-2")
    long_due.update(work_at=timezone.now() - timedelta(seconds=11))
    patience = timedelta(seconds=10)

    patient = look_for_work(owner="one", held={}, capacity=10, patience=patience)

    assert names(patient) == {"conv-2"}
    assert names(look("two")) == {"conv-1"}


def test_news_of_a_held_conversation_are_reported():
    recorded("Hola", id="m-1")
    (work,) = look().claimed
    recorded("Otra", id="m-2")

    held = {work.conversation_id: work.work_at}
    found = look_for_work(owner="one", held=held, capacity=10, patience=timedelta(seconds=10))

    assert found.claimed == []
    assert [item.text for item in found.news[0].items] == ["Hola", "Otra"]


def test_a_held_conversation_without_news_is_not_reported():
    recorded("Hola")
    (work,) = look().claimed

    assert look(held={work.conversation_id: work.work_at}).news == []


def test_work_is_loaded_in_the_order_it_was_said_whatever_its_state():
    ambiguous = translated(recorded("1", id="m-1"), "EN 1")
    queued = translated(recorded("2", id="m-2"), "EN 2")
    recorded("3", id="m-3")
    where = (ambiguous.conversation_id, ambiguous.message_id, "")
    apply(Settle(*where, Delivery.State.AMBIGUOUS, "unknown"))
    apply(Requeue(queued.conversation_id, queued.message_id, "", "throttled"))

    work = loaded(ambiguous.conversation_id)

    found = [(item.text, item.delivery_state, item.translated) for item in work.items]
    assert found == [("1", "ambiguous", "EN 1"), ("2", "queued", "EN 2"), ("3", "", "")]
    assert work.items[0].attempts == 1
    assert work.items[0].sending_at is not None


def test_attributes_that_are_due_are_loaded_with_their_language():
    delivery = translated(recorded("Hola"), "Hello")
    apply(Confirm(delivery.conversation_id, delivery.message_id, "", by="answer"))

    work = loaded(delivery.conversation_id)

    assert work.items == []
    (due,) = work.attributes
    assert (due.text, due.source_language) == ("Hola", "es")


def test_attributes_that_are_due_come_in_the_order_of_their_messages():
    """Translations made side by side give deliveries whose keys are in another order."""
    first, second = recorded("uno", id="m-1"), recorded("dos", id="m-2")
    for message in (second, first):
        delivery = translated(message, f"EN {message.pk}")
        apply(Confirm(delivery.conversation_id, delivery.message_id, "", by="answer"))

    work = loaded(first.conversation_id)

    assert [due.text for due in work.attributes] == ["uno", "dos"]


def test_loading_takes_the_same_number_of_queries_however_much_there_is(
    django_assert_max_num_queries,
):
    record(*(event("Hola", id=f"m-{n}", conversation=f"conv-{n % 7}") for n in range(70)))

    with django_assert_max_num_queries(20):
        found = look()

    assert sum(len(work.items) for work in found.claimed) == 70


@pytest.mark.parametrize("state", ["pending", "queued", "attributes"])
def test_work_that_nothing_announced_is_found_again(state: str):
    message = recorded("Hola")
    if state == "queued":
        apply(RecordTranslation(message.conversation_id, message.pk, "", made(), False))
    elif state == "attributes":
        delivery = translated(message, "Hello")
        apply(Confirm(delivery.conversation_id, delivery.message_id, "", by="answer"))
    Conversation.objects.update(work_at=None)

    assert wake_forgotten() == 1
    assert names(look()) == {"conv-1"}


def test_where_all_work_is_announced_nothing_is_forgotten():
    recorded("Hola")

    assert wake_forgotten() == 0
