"""A conversation's lease: kept while there may be more to do, given back, taken over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from conversations.models import Conversation
from conversations.services import leases
from conversations.services.leases import Release, Rest
from conversations.services.unit import LeaseLost
from tests.conversations.services.wire import apply, recorded

pytestmark = pytest.mark.django_db


def owned(owner: str, *, name: str = "conv-1") -> Conversation:
    conversation = recorded("Hola", conversation=name).conversation
    until = timezone.now() + timedelta(seconds=3)
    Conversation.objects.filter(pk=conversation.pk).update(lease_owner=owner, lease_until=until)
    conversation.refresh_from_db()
    return conversation


def test_a_conversation_at_rest_has_no_work_and_keeps_its_lease():
    conversation = owned("worker-1")

    (rests,) = apply(Rest(conversation.pk, "worker-1", seen_work_at=conversation.work_at))

    conversation.refresh_from_db()
    assert rests is True
    assert conversation.work_at is None
    assert conversation.lease_owner == "worker-1"


def test_rest_is_refused_when_work_has_arrived():
    conversation = owned("worker-1")
    recorded("Otra", id="m-2")

    (rests,) = apply(Rest(conversation.pk, "worker-1", seen_work_at=conversation.work_at))

    conversation.refresh_from_db()
    assert rests is False
    assert conversation.lease_owner == "worker-1"
    assert conversation.work_at is not None


def test_work_that_is_put_back_is_due_again_at_its_moment():
    conversation = owned("worker-1")
    again_at = datetime.now(UTC) + timedelta(seconds=5)

    apply(Release(conversation.pk, "worker-1", again_at))

    conversation.refresh_from_db()
    assert (conversation.work_at, conversation.lease_owner) == (again_at, "")
    assert conversation.lease_until is None


@pytest.mark.parametrize("change", [Rest, Release])
def test_after_a_takeover_the_new_owner_is_left_alone(change: type[Rest] | type[Release]):
    conversation = owned("worker-2")

    (lost,) = apply(change(conversation.pk, "worker-1", conversation.work_at))

    conversation.refresh_from_db()
    assert isinstance(lost, LeaseLost)
    assert conversation.lease_owner == "worker-2"
    assert conversation.work_at is not None


def test_only_ones_own_leases_are_renewed_and_named():
    mine, other = owned("one"), owned("two", name="conv-2")

    kept = leases.renew([mine.pk, other.pk], owner="one", now=timezone.now())

    mine.refresh_from_db()
    before = other.lease_until
    other.refresh_from_db()
    assert kept == {mine.pk}
    assert mine.lease_until is not None
    assert mine.lease_until > timezone.now() + timedelta(seconds=10)
    assert other.lease_until == before


def test_only_ones_own_leases_are_given_back():
    mine, other = owned("one"), owned("two", name="conv-2")

    leases.release([mine.pk, other.pk], owner="one")

    owners = Conversation.objects.order_by("pk").values_list("lease_owner", flat=True)
    assert list(owners) == ["", "two"]


def test_a_lease_moves_no_journal():
    conversation = owned("worker-1")
    seq = conversation.seq

    apply(Rest(conversation.pk, "worker-1", seen_work_at=conversation.work_at))

    conversation.refresh_from_db()
    assert conversation.seq == seq
