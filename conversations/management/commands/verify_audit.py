"""`verify_audit`: recomputes the journal's chains; exit 0 only if all of it holds."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from conversations.models import Conversation
from conversations.services.verification import FAULTS_KEPT, Report, verify_journal
from conversations.services.verification_runs import keep_verification


class Command(BaseCommand):
    help = "Recompute the journal's chains; exit 0 only if all of it holds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--conversation", metavar="ID", help="only this conversation's chain")

    def handle(self, *args: Any, conversation: str | None, **options: Any) -> None:
        if conversation and not Conversation.objects.filter(external_id=conversation).exists():
            raise CommandError(f"There is no conversation {conversation}.", returncode=2)
        started_at = timezone.now()
        report = verify_journal(conversation=conversation)
        if conversation is None:
            keep_verification(report, started_at=started_at)
        for line in summary(report):
            self.stdout.write(line)
        if not report.holds:
            raise CommandError("The journal does not hold.", returncode=1)


def summary(report: Report) -> list[str]:
    """What is valid as a ratio, then the first thing wrong in each chain, by kind."""
    lines = [
        f"{report.valid_entries} of {report.entries} entries valid, "
        f"{report.valid_chains} of {report.chains} chains, {report.texts} texts compared"
    ]
    faults = sorted(report.faults, key=lambda fault: fault.kind.value)
    lines += [str(fault) for fault in faults]
    broken = report.chains - report.valid_chains
    if broken > FAULTS_KEPT:
        lines.append(f"and {broken - FAULTS_KEPT} chains more")
    return lines
