"""The statements of the hot transactions do what the ORM would do, and guard what they write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conversations.models import Conversation
from conversations.models.bulk import StaleRow, among, insert_rows, select_rows, update_rows

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 15, 10, 30, 0, 123456, tzinfo=UTC)


def inserted(*names: str) -> list[Conversation]:
    rows = [Conversation(external_id=name, created_at=NOW, last_event_at=NOW) for name in names]
    insert_rows(rows)
    return rows


def test_inserted_rows_have_their_keys_and_read_back_equal():
    rows = inserted("a", "b'; --", "ñ")

    found = Conversation.objects.in_bulk([row.pk for row in rows])
    assert [found[row.pk].external_id for row in rows] == ["a", "b'; --", "ñ"]
    assert found[rows[0].pk].last_event_at == NOW
    assert not rows[0]._state.adding


def test_selected_rows_are_what_the_orm_reads():
    inserted("a", "b", "c")

    found = select_rows(Conversation, *among("external_id", ["a", "c", "none"]))

    assert found == list(Conversation.objects.filter(external_id__in=["a", "c"]).order_by("pk"))
    assert found[0].created_at == NOW
    assert found[0].closed_at is None


def test_among_nothing_is_nobody():
    inserted("a")

    assert select_rows(Conversation, *among("external_id", [])) == []


def test_a_limit_and_an_order_hold():
    inserted("a", "b", "c")

    found = select_rows(Conversation, "1 = 1", order="external_id DESC", limit=2)

    assert [row.external_id for row in found] == ["c", "b"]


def test_an_update_writes_the_named_fields_only():
    (row,) = inserted("a")
    row.state, row.guest_name = "closed", "not written"

    update_rows([row], fields=("state",))

    row.refresh_from_db()
    assert (row.state, row.guest_name) == ("closed", "")


@pytest.mark.parametrize("count", [1, 3])
def test_a_row_that_changed_meanwhile_is_stale(count: int):
    rows = inserted(*"abc"[:count])
    Conversation.objects.filter(pk=rows[-1].pk).update(seq=7)
    for row in rows:
        row.seq = 1

    with pytest.raises(StaleRow):
        update_rows(rows, fields=("seq",), where=[{"seq": 0} for _ in rows])


def test_guarded_rows_that_are_as_they_were_are_written():
    rows = inserted("a", "b")
    for number, row in enumerate(rows):
        row.seq = number + 5

    update_rows(rows, fields=("seq",), where=[{"seq": 0} for _ in rows])

    assert list(Conversation.objects.order_by("pk").values_list("seq", flat=True)) == [5, 6]


def test_nothing_to_write_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_rows([])
        update_rows([], fields=("seq",))


def test_more_rows_than_one_statement_may_have_parameters():
    rows = inserted(*(f"conv-{number}" for number in range(2500)))

    assert Conversation.objects.count() == 2500
    assert len({row.pk for row in rows}) == 2500
