"""One commit for many changes: in order, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from conversations.models import Delivery, JournalEntry
from conversations.models.bulk import StaleRow
from conversations.services.delivery import StartSending
from conversations.services.unit import Plain, Unit, apply_changes
from tests.conversations.services.wire import apply, assert_journal_holds, recorded
from tests.translation.makings import made
from translation.services import RecordTranslation

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class StartFromAfar(Plain):
    """Starts a delivery that, meanwhile, another process has settled."""

    reads_message: ClassVar[bool] = True
    conversation_id: int
    message_id: int
    owner: str = ""

    def apply(self, unit: Unit) -> Any:
        Delivery.objects.filter(message_id=self.message_id).update(state="dropped")
        return StartSending(self.conversation_id, self.message_id, "").apply(unit)


def queued(number: int) -> Delivery:
    message = recorded(f"Hola {number}", conversation=f"conv-{number}")
    apply(RecordTranslation(message.conversation_id, message.pk, "", made(), start=False))
    return Delivery.objects.get(message=message)


def test_many_conversations_are_changed_in_one_commit():
    deliveries = [queued(number) for number in range(4)]

    applied = apply_changes(
        [StartSending(row.conversation_id, row.message_id, "") for row in deliveries],
        actor="worker",
    )

    assert [status.state for status in applied.results] == ["sending"] * 4
    assert len(applied.moved) == 4
    assert_journal_holds()


def test_a_row_that_is_no_longer_as_it_was_read_undoes_the_whole_commit():
    first, second = queued(1), queued(2)
    entries = JournalEntry.objects.count()

    with pytest.raises(StaleRow):
        apply(
            StartSending(first.conversation_id, first.message_id, ""),
            StartFromAfar(second.conversation_id, second.message_id),
        )

    first.refresh_from_db()
    assert first.state == "queued"
    assert JournalEntry.objects.count() == entries
    assert_journal_holds()


def test_a_translation_and_its_start_may_share_a_commit():
    message = recorded()
    where = (message.conversation_id, message.pk, "")

    results = apply(RecordTranslation(*where, made(), start=False), StartSending(*where))

    assert [status.state for status in results] == ["queued", "sending"]
    assert Delivery.objects.get().state == "sending"
    assert_journal_holds()
