"""Statements that travel together: whole or not at all, with the errors Django would raise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction

from conversations.models import Conversation
from conversations.models.bulk import (
    Keys,
    StaleRow,
    among,
    ask_matching,
    ask_rows,
    insert,
    insert_values,
    select_rows,
    update,
)
from conversations.models.trip import Trip

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2024, 6, 15, 10, 30, 0, 123456, tzinfo=UTC)

# SQLite runs each statement as it comes.
only_postgresql = pytest.mark.postgresql_only


def conversation(name: str) -> Conversation:
    return Conversation(external_id=name, created_at=NOW, last_event_at=NOW)


def insert_by_trip(*names: str, **changes: Any) -> None:
    """Each as a statement of its own, in one trip that ends its transaction."""
    with transaction.atomic():
        trip = Trip()
        for name in names:
            insert(trip, [conversation(name)])
        for row, guard in changes.get("update", ()):
            update(trip, [row], fields=("seq",), where=[guard])
        trip.end()


def names() -> list[str]:
    return list(Conversation.objects.order_by("pk").values_list("external_id", flat=True))


def test_the_answers_are_there_when_the_trip_is_over():
    trip = Trip()
    insert(trip, [conversation("a"), conversation("b")])
    found = ask_rows(trip, Conversation, *among("external_id", ["b"]))
    trip.go()

    assert [row.external_id for row in found.value] == ["b"]
    assert found.value[0].created_at == NOW
    assert found.then(len).value == 1


def test_a_transaction_ends_with_its_last_trip():
    insert_by_trip("a")

    assert names() == ["a"]
    with transaction.atomic():
        Conversation.objects.filter(external_id="a").update(seq=1)
    assert Conversation.objects.get().seq == 1


def test_within_another_transaction_nothing_is_committed_early():
    with transaction.atomic():
        insert_by_trip("a")
        transaction.set_rollback(True)

    assert names() == []


def test_an_error_undoes_all_of_it_and_is_the_first_one():
    insert_by_trip("a")

    with pytest.raises(IntegrityError):
        insert_by_trip("b", "a", "c")

    assert names() == ["a"]


def test_a_stale_row_keeps_the_commit_of_its_trip_from_being_done():
    row = conversation("a")
    row.save()
    row.seq = 5

    with pytest.raises(StaleRow):
        insert_by_trip("b", update=[(row, {"seq": 3})])

    assert names() == ["a"]
    assert Conversation.objects.get().seq == 0


@only_postgresql
def test_after_an_error_the_same_statements_work_again():
    for _ in range(2):
        with pytest.raises(ProgrammingError):
            select_rows(Conversation, "no_such_column = %s", [1])
        with pytest.raises(IntegrityError):
            insert_by_trip("a", "a")

    insert_by_trip("a")
    assert names() == ["a"]


@only_postgresql
def test_a_nul_is_refused_before_anything_is_sent():
    with pytest.raises(DataError):
        select_rows(Conversation, *among("external_id", ["a\0b"]))
    with pytest.raises(DataError):
        insert_by_trip("a\0b")

    assert select_rows(Conversation, *among("external_id", ["a"])) == []


@pytest.mark.parametrize(
    "name", ['"', "\\", "{}", "a,b", "%s", "%%", "ñ 你好 🙂", "' OR 1=1 --", "NULL"]
)
def test_any_text_finds_its_row(name: str):
    trip = Trip()
    insert(trip, [conversation(name), conversation("other")])
    trip.go()

    (found,) = select_rows(Conversation, *among("external_id", [name]))

    assert found.external_id == name


def test_keys_that_were_drawn_ahead_are_the_rows_own():
    trip = Trip()
    keys = Keys(trip, Conversation, 3)
    trip.go()
    rows = [conversation("a"), conversation("b")]
    for row in rows:
        keys.give(row)
    insert(trip, rows)
    trip.go()

    assert {row.pk: row.external_id for row in rows} == dict(
        Conversation.objects.values_list("pk", "external_id")
    )


def test_values_go_in_the_order_of_the_models_fields():
    fields = [
        field.attname for field in Conversation._meta.concrete_fields if not field.primary_key
    ]
    row = conversation("a")
    trip = Trip()
    insert_values(trip, Conversation, [[getattr(row, name) for name in fields]])
    trip.go()

    assert Conversation.objects.get().created_at == NOW


def test_a_pair_is_found_by_both_of_its_values():
    rows = [conversation("a"), conversation("b")]
    for row in rows:
        row.guest_id = "guest"
    trip = Trip()
    insert(trip, rows)
    trip.go()

    pairs = {("id", "guest_id"): [(rows[0].pk, "guest"), (rows[1].pk, "other")]}
    trip = Trip()
    found = ask_matching(trip, Conversation, pairs)
    nothing = ask_matching(trip, Conversation, {("id", "guest_id"): []})
    trip.go()

    assert [row.external_id for row in found.value] == ["a"]
    assert nothing.value == []


@only_postgresql
def test_a_trip_is_one_round_and_begins_the_transaction_itself():
    with transaction.atomic():
        trip = Trip()
        ask_rows(trip, Conversation, "1 = 1")
        trip.go()
        with connection.cursor() as cursor:
            cursor.execute("SELECT now() = statement_timestamp(), txid_current_if_assigned()")
            is_new, _ = cursor.fetchone()

    assert not is_new  # a second statement of the same transaction
