"""A verification in several processes says what one in one process says."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from conversations.models import JournalEntry
from conversations.services import verification_jobs, verification_pages
from conversations.services.verification import FaultKind, verify_journal
from conversations.services.verification_jobs import verify_in_processes
from tests.conversations import histories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _few_are_worth_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification_jobs, "WORTH_A_PROCESS", 10)
    monkeypatch.setattr(verification_pages, "PAGE", 4)  # read ahead, page after page


@pytest.fixture
def journal() -> list[int]:
    """Keys of conversations of five to fifteen entries."""
    return [histories.conversation(f"conv-{n}", messages=1 + n % 3).pk for n in range(6)]


def test_ranges_hold_every_conversation_once(journal: list[int]):
    for jobs in range(1, 9):
        ranges = verification_jobs._ranges(jobs)

        assert ranges[0][0] is None
        assert ranges[-1][1] is None
        assert [last for _, last in ranges[:-1]] == [first for first, _ in ranges[1:]]
        assert [last for _, last in ranges[:-1]] == sorted({last for _, last in ranges[:-1]})
        parts = [verify_journal(between=between) for between in ranges]
        assert sum(part.entries for part in parts) == JournalEntry.objects.count()
        assert sum(part.chains for part in parts) == len(journal)


def test_ranges_are_of_about_one_size(journal: list[int]):
    parts = [verify_journal(between=between).entries for between in verification_jobs._ranges(2)]

    assert len(parts) == 2
    assert max(parts) - min(parts) <= 15


@pytest.mark.flow
def test_two_processes_find_what_one_finds(journal: list[int]):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger fires
        cursor.execute(
            "UPDATE conversations_journalentry SET actor = 'me' "
            "WHERE seq = 3 AND conversation_id IN (%s, %s)",
            [journal[0], journal[-1]],
        )
    alone = verify_journal()

    together = verify_in_processes(2)

    assert together == alone
    assert [fault.kind for fault in together.faults] == [FaultKind.CHANGED] * 2
    assert together.texts > 0


@pytest.mark.flow
def test_a_process_that_dies_is_no_success(journal: list[int], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "nonsense")

    with pytest.raises(CommandError, match="died; run it again") as failed:
        call_command("verify_audit", jobs=2, stdout=StringIO())

    assert failed.value.returncode == 2


@pytest.mark.parametrize("given", ["0", "-1", "many", ""])
def test_a_number_of_processes_is_at_least_one(given: str):
    with pytest.raises(CommandError, match="at least 1"):
        call_command("verify_audit", f"--jobs={given}")
