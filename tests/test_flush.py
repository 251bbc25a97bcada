"""The flush between transactional tests passes append-only triggers and leaves them standing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import DatabaseError, connection

REFUSE = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN RAISE EXCEPTION 'append only'; END $$"
)


@pytest.fixture
def append_only_users(transactional_db: None):
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER keep_users BEFORE DELETE ON auth_user "
                "BEGIN SELECT RAISE(ABORT, 'append only'); END"
            )
        else:
            cursor.execute(REFUSE)
            cursor.execute(
                "CREATE TRIGGER keep_users BEFORE DELETE OR TRUNCATE ON auth_user "
                "EXECUTE FUNCTION refuse()"
            )
    yield
    with connection.cursor() as cursor:
        on_table = "" if connection.vendor == "sqlite" else " ON auth_user"
        cursor.execute(f"DROP TRIGGER keep_users{on_table}")
        if connection.vendor != "sqlite":
            cursor.execute("DROP FUNCTION refuse()")


def test_a_flush_empties_an_append_only_table_and_keeps_its_trigger(append_only_users: None):
    User.objects.create(username="first")

    call_command("flush", verbosity=0, interactive=False)

    assert not User.objects.exists()
    User.objects.create(username="second")
    with pytest.raises(DatabaseError, match="append only"):
        User.objects.all().delete()


def test_a_flush_keeps_the_groups_that_migrations_made(transactional_db: None):
    before = set(Group.objects.values_list("name", flat=True))

    call_command("flush", verbosity=0, interactive=False)

    assert before
    assert set(Group.objects.values_list("name", flat=True)) == before
