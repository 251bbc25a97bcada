"""Nobody changes or removes a journal entry: not by the ORM, not by SQL (reliability S10)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from django.core import serializers
from django.db import DatabaseError, connection, transaction

from conversations.models import JournalEntry
from conversations.models.append_only import AppendOnly
from tests.conversations import histories

pytestmark = pytest.mark.django_db


def _entry() -> JournalEntry:
    return JournalEntry.objects.order_by("seq")[0]


@contextlib.contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic():
        yield


ATTEMPTS: dict[str, Callable[[], object]] = {
    "save": lambda: _entry().save(),
    "save of one column": lambda: _entry().save(update_fields=["kind"]),
    "save of a copy": lambda: JournalEntry(pk=_entry().pk, seq=99).save(),
    "delete": lambda: _entry().delete(),
    "update": lambda: JournalEntry.objects.update(actor="somebody"),
    "update of some": lambda: JournalEntry.objects.filter(seq=1).update(actor="somebody"),
    "delete of some": lambda: JournalEntry.objects.filter(seq=1).delete(),
    "raw delete": lambda: JournalEntry.objects.all()._raw_delete("default"),
    "bulk update": lambda: JournalEntry.objects.bulk_update([_entry()], ["actor"]),
    "update or create": lambda: JournalEntry.objects.update_or_create(
        pk=_entry().pk, defaults={"actor": "somebody"}
    ),
    "bulk create over it": lambda: JournalEntry.objects.bulk_create(
        [_entry()], update_conflicts=True, unique_fields=["id"], update_fields=["actor"]
    ),
    "through its conversation": lambda: _entry().conversation.journal.all().delete(),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_no_way_of_the_orm_changes_an_entry(attempt: Callable[[], object]):
    histories.conversation(messages=1)
    before = list(JournalEntry.objects.order_by("pk").values())

    with pytest.raises(AppendOnly):
        attempt()

    assert list(JournalEntry.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE conversations_journalentry SET actor = 'somebody'",
        "DELETE FROM conversations_journalentry",
        "DELETE FROM conversations_journalentry WHERE seq = 1",
    ],
)
def test_the_database_refuses_what_goes_past_the_orm(statement: str):
    histories.conversation(messages=1)
    before = list(JournalEntry.objects.order_by("pk").values())

    with refused(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert list(JournalEntry.objects.order_by("pk").values()) == before


def test_a_fixture_that_goes_past_our_model_is_refused_by_the_database():
    """`loaddata` calls Django's own save_base."""
    histories.conversation(messages=1)
    (again,) = serializers.deserialize("json", serializers.serialize("json", [_entry()]))

    with refused():
        again.save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql_only  # SQLite has no TRUNCATE
def test_the_database_refuses_to_empty_the_journal():
    histories.conversation(messages=1)

    with refused(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE conversations_journalentry")

    assert JournalEntry.objects.exists()
