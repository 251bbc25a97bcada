"""The admin's actions are the services' decisions, for whoever may review and for nobody else."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from conversations.models import DeadLetter, Delivery, JournalEntry, VerificationRun
from conversations.services.verification import verify_journal
from conversations.services.verification_runs import keep_verification
from tests.conversations import histories
from tests.conversations.services.decided import failed_translation, frame, under_review

pytestmark = pytest.mark.django_db

DELIVERIES = "admin:conversations_delivery_changelist"
LETTERS = "admin:conversations_deadletter_changelist"
SEEN = re.compile(r'name="seen" value="([^"]*)"')


@pytest.fixture
def adam(client):
    client.force_login(histories.user("adam", "admin"))
    return client


def act(client, address: str, action: str, *records, **more: str):
    chosen = [record.pk for record in records]
    shown = SEEN.findall(client.get(reverse(address)).content.decode())
    fields = {"action": action, "_selected_action": chosen, "seen": shown, **more}
    return client.post(reverse(address), fields, follow=True)


def state_of(delivery: Delivery) -> str:
    return Delivery.objects.values_list("state", flat=True).get(pk=delivery.pk)


@pytest.mark.parametrize(
    ("action", "state"),
    [("it_is_there", "confirmed"), ("send_again", "queued"), ("drop", "dropped")],
)
def test_an_admin_decides_about_one_or_several(adam, action: str, state: str):
    first, second = under_review(), under_review(conversation="conv-2")

    answer = act(adam, DELIVERIES, action, first, second)

    assert "2 done." in answer.content.decode()
    assert (state_of(first), state_of(second)) == (state, state)
    actors = JournalEntry.objects.filter(actor__startswith="user:").values_list("actor", flat=True)
    assert [actor.split(":")[2] for actor in actors] == ["adam", "adam"]


def test_what_somebody_else_decided_is_said(adam):
    delivery = under_review()
    act(adam, DELIVERIES, "drop", delivery)

    answer = act(adam, DELIVERIES, "send_again", delivery)

    assert "not done. It is dropped already: adam" in answer.content.decode()
    assert state_of(delivery) == "dropped"


def test_what_was_sent_again_since_it_was_shown_is_left_alone(adam):
    delivery = under_review()
    shown = SEEN.findall(adam.get(reverse(DELIVERIES)).content.decode())
    Delivery.objects.update(attempts=2)

    answer = act(adam, DELIVERIES, "send_again", delivery, seen=shown)

    assert "It was sent again since you saw it" in answer.content.decode()
    assert state_of(delivery) == "review"


@pytest.mark.parametrize("seen", ["", "1", "x-1", "1-", f"1-{'9' * 5000}"])
def test_what_the_page_did_not_show_is_left_alone(adam, seen: str):
    delivery, _ = under_review(), under_review(conversation="conv-2")

    answer = act(adam, DELIVERIES, "drop", delivery, seen=seen, select_across="1")

    assert "2 not done: they were not on the page." in answer.content.decode()
    assert state_of(delivery) == "review"


def test_a_letter_is_closed_with_its_reason_and_shows_whose_decision_it_was(adam):
    letter = failed_translation()

    without = act(adam, LETTERS, "close", letter)
    assert "Closing needs a reason." in without.content.decode()
    act(adam, LETTERS, "close", letter, reason="seen to by phone")

    page = adam.get(reverse("admin:conversations_deadletter_change", args=[letter.pk]))
    text = page.content.decode()
    assert "closed" in text
    assert "adam" in text
    assert "seen to by phone" in text


def test_letters_are_replayed_as_far_as_they_can_be(adam):
    answer = act(adam, LETTERS, "replay", failed_translation(), frame())

    text = answer.content.decode()
    assert "1 done." in text
    assert "It still cannot be read" in text
    decisions = DeadLetter.objects.order_by("pk").values_list("decision", flat=True)
    assert list(decisions) == ["replayed", ""]


def test_compliance_reads_them_and_decides_nothing(client):
    client.force_login(histories.user("cora", "compliance"))
    delivery, letter = under_review(), frame()

    page = act(client, DELIVERIES, "drop", delivery)
    act(client, LETTERS, "close", letter, reason="because")

    assert page.status_code == 200
    assert "Send again" not in page.content.decode()
    assert state_of(delivery) == "review"
    letter.refresh_from_db()
    assert letter.decided_at is None


@pytest.mark.parametrize("role", ["agent", "supervisor"])
def test_others_do_not_come_in(client, role: str):
    client.force_login(histories.user("somebody", role))
    delivery = under_review()

    act(client, DELIVERIES, "drop", delivery)

    assert state_of(delivery) == "review"


@pytest.mark.parametrize(
    ("tampered", "words"), [(False, "chain verified"), (True, "tampering detected")]
)
def test_runs_of_the_verification_are_listed(adam, tampered: bool, words: str):
    histories.conversation(messages=1)
    if tampered:
        histories.tamper("UPDATE conversations_journalentry SET actor = 'me' WHERE seq = 2")
    keep_verification(verify_journal(), started_at=timezone.now())

    answer = adam.get(reverse("admin:conversations_verificationrun_changelist"))
    run = VerificationRun.objects.get()
    detail = adam.get(reverse("admin:conversations_verificationrun_change", args=[run.pk]))

    assert words in answer.content.decode()
    assert ("changed: conversation conv-1" in detail.content.decode()) is tampered
