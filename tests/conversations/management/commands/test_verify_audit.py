"""`verify_audit` says what is valid as a ratio, and exits 0 only if all of it holds."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DataError

from conversations.models import JournalEntry, VerificationRun
from conversations.services import verification_runs
from conversations.tasks import verify_journal_nightly
from tests.conversations import histories

pytestmark = pytest.mark.django_db


def test_a_journal_that_holds_is_one_line():
    histories.conversation(messages=2)
    out = StringIO()

    call_command("verify_audit", stdout=out)

    assert out.getvalue() == (
        "10 of 10 entries valid, 1 of 1 chains, 4 texts compared, 0 of 0 anchors valid\n"
    )
    run = VerificationRun.objects.get()
    assert (run.holds, run.entries, run.valid_chains, run.texts, run.faults) == (True, 10, 1, 4, "")
    assert run.started_at <= run.finished_at


def test_a_journal_that_does_not_hold_names_the_first_bad_entry_and_fails():
    histories.conversation(messages=2)
    histories.tamper(
        "UPDATE conversations_journalentry SET actor = 'me' WHERE id = %s",
        [JournalEntry.objects.get(seq=3).pk],
    )
    out = StringIO()

    with pytest.raises(CommandError) as failed:
        call_command("verify_audit", stdout=out)

    assert failed.value.returncode == 1
    assert "9 of 10 entries valid, 0 of 1 chains" in out.getvalue()
    assert "changed: conversation conv-1, entry 3" in out.getvalue()
    run = VerificationRun.objects.get()
    assert (run.holds, run.valid_entries) == (False, 9)
    assert run.faults == "changed: conversation conv-1, entry 3"


def test_a_verification_that_comes_to_no_end_is_kept_as_one_that_does_not_hold(
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(*asked: object) -> None:
        raise DataError("timestamp too large")

    monkeypatch.setattr(verification_runs, "verify_in_processes", fail)

    with pytest.raises(DataError):
        verify_journal_nightly()

    run = VerificationRun.objects.get()
    assert (run.holds, run.faults) == (False, "not verified: DataError")


def test_one_chain_says_nothing_about_the_journal():
    histories.conversation(messages=1)

    call_command("verify_audit", conversation="conv-1", stdout=StringIO())

    assert not VerificationRun.objects.exists()


def test_an_unknown_conversation_is_no_success():
    with pytest.raises(CommandError, match="no conversation nowhere"):
        call_command("verify_audit", conversation="nowhere")
