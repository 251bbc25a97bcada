"""A delivery in parts, in the admin: what of it is there, and which part is at hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from conversations.models import Delivery
from tests.conversations import histories
from tests.conversations.services.wire import recorded

pytestmark = pytest.mark.django_db


def page_of(client: Any, delivery: Delivery) -> str:
    address = reverse("admin:conversations_delivery_change", args=[delivery.pk])
    return str(client.get(address).content.decode())


def test_its_parts_are_shown_and_an_ordinary_one_says_nothing_of_parts(client):
    delivery = histories.translated(recorded(), "One is here. Two is here.")
    client.force_login(histories.user("ada", "admin"))
    assert "in parts" not in page_of(client, delivery)

    Delivery.objects.filter(pk=delivery.pk).update(part_chars=13, part_from=12)
    part = Delivery.objects.create(
        conversation=delivery.conversation,
        part_of=delivery,
        direction=delivery.direction,
        state=Delivery.State.CONFIRMED,
        part_chars=13,
        created_at=delivery.created_at,
    )

    whole = page_of(client, delivery)
    assert "begins at character" in whole.lower()
    assert reverse("admin:conversations_message_change", args=[delivery.message_id]) in whole
    assert str(delivery) in page_of(client, part)
