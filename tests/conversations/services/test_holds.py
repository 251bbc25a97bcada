"""A legal hold: placed and lifted once, with a reason, in the journal."""

from __future__ import annotations

import json

import pytest

from conversations.models import JournalEntry, LegalHold
from conversations.services.holds import lift_holds, place_holds
from conversations.services.verification import verify_journal
from tests.conversations import histories

pytestmark = pytest.mark.django_db


def test_both_words_are_in_the_journal_with_whose_they_were():
    conversation = histories.conversation(messages=1)
    cora = histories.user("cora")

    place_holds([conversation.pk], user=cora, reason="case 12")
    lift_holds([LegalHold.objects.get().pk], user=cora, reason="case closed")

    last = JournalEntry.objects.order_by("-seq")[:2]
    said = [(entry.kind, entry.actor, json.loads(entry.data)["reason"]) for entry in last]
    actor = f"user:{cora.pk}:cora"
    assert said == [("released", actor, "case closed"), ("held", actor, "case 12")]
    assert verify_journal().holds


def test_each_is_done_once_and_says_so():
    conversation = histories.conversation(messages=1)
    cora = histories.user("cora")
    place_holds([conversation.pk], user=cora, reason="case 12")
    hold = LegalHold.objects.get()

    (again,) = place_holds([conversation.pk], user=cora, reason="case 13")
    lift_holds([hold.pk], user=cora, reason="closed")
    (lifted,) = lift_holds([hold.pk], user=cora, reason="closed")

    assert (again.is_done, again.words) == (False, "conv-1: held already.")
    assert (lifted.is_done, lifted.words) == (False, "conv-1: its hold was lifted already.")
    assert place_holds([conversation.pk], user=cora, reason="case 14")[0].is_done


@pytest.mark.parametrize("reason", ["", " "])
def test_without_a_reason_nothing_is_held(reason: str):
    conversation = histories.conversation(messages=1)

    with pytest.raises(ValueError, match="with a reason"):
        place_holds([conversation.pk], user=histories.user("cora"), reason=reason)

    assert not LegalHold.objects.exists()


@pytest.mark.parametrize("reason", ["Complaint of maria", "guest-1: case 12"])
def test_no_reason_names_the_guest(reason: str):
    conversation = histories.conversation(messages=1)
    cora = histories.user("cora")

    (refused,) = place_holds([conversation.pk], user=cora, reason=reason)
    place_holds([conversation.pk], user=cora, reason="the marias of case 12")
    (kept,) = lift_holds([LegalHold.objects.get().pk], user=cora, reason=reason)

    assert (refused.is_done, kept.is_done) == (False, False)
    assert "The reason names the guest" in refused.words
    assert "The reason names the guest" in kept.words
    assert LegalHold.objects.in_force().count() == 1
    assert not JournalEntry.objects.filter(data__contains=reason).exists()
