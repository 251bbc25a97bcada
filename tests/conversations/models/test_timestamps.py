"""What the compiled reader of timestamps gives is what Django's own would."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import register_tzloader

from conversations.models import Conversation
from tests.conversations import histories

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql_only]

MOMENTS = [
    "2026-11-26 16:39:01.123456+00",
    "2026-11-26 16:39:01+00",
    "2026-11-26 16:39:01.5+05:45",
    "0001-01-01 00:00:00+00",
    "9999-12-31 23:59:59.999999+00",
]


def read(*, by_django: bool) -> list[datetime]:
    with connection.cursor() as cursor:
        if by_django:
            register_tzloader(connection.timezone, cursor.cursor)
        cursor.execute("SELECT unnest(%s::timestamptz[])", [MOMENTS])
        return [moment for (moment,) in cursor.fetchall()]


def test_moments_are_those_that_django_reads():
    ours, django = read(by_django=False), read(by_django=True)

    assert ours == django
    assert [one.isoformat() for one in ours] == [one.isoformat() for one in django]
    assert {one.utcoffset() for one in ours} == {UTC.utcoffset(None)}


def test_models_are_read_by_the_compiled_reader():
    histories.said("Hola")
    with connection.cursor() as cursor:
        reader = cursor.cursor.connection.adapters.get_loader(
            connection.connection.adapters.types["timestamptz"].oid, 0
        )

    assert reader.timezone == connection.timezone
    assert "_psycopg" in type(reader(0, connection.connection).read.__self__).__module__
    assert Conversation.objects.get().last_event_at.utcoffset() == UTC.utcoffset(None)
