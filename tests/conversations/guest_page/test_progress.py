"""How far the console has come: counts that agree, and no more rows than have changed."""

from __future__ import annotations

import pytest

from conversations.guest_page.progress import progress_of
from conversations.models import Message
from tests.conversations import histories
from tests.conversations.services.wire import event, record

pytestmark = pytest.mark.django_db


def test_a_page_is_told_what_has_changed_since_it_was_told():
    record(event("Hola", id="m-1"), event("Adiós", id="m-2"))
    first = progress_of("conv-1", -1)
    assert first is not None
    still = progress_of("conv-1", first["seq"])
    histories.translated(Message.objects.get(external_id="m-2"), "Goodbye")
    second = progress_of("conv-1", first["seq"])
    assert second is not None

    assert [row["external_id"] for row in first["rows"]] == ["m-1", "m-2"]
    assert first["counts"] == {"stored": 2, "translated": 0, "delivered": 0}
    assert still is None
    assert [row["external_id"] for row in second["rows"]] == ["m-2"]
    assert second["counts"] == {"stored": 2, "translated": 1, "delivered": 0}


def test_what_needs_no_translation_has_arrived_as_it_is():
    record(event("", id="m-1"))

    progress = progress_of("conv-1", -1)

    assert progress is not None
    assert progress["counts"] == {"stored": 1, "translated": 1, "delivered": 1}


def test_a_conversation_that_is_not_stored_yet_has_no_progress():
    assert progress_of("conv-1", -1) is None
