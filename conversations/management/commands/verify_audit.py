"""`verify_audit`: the journal's chains and anchors recomputed; exit 0 only if all of it holds."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations.models import Conversation
from conversations.services.anchor_checks import AnchorReport
from conversations.services.anchors import AnchorsUnavailable, signing_key
from conversations.services.verification import FAULTS_KEPT, Report, verify_journal
from conversations.services.verification_jobs import VerificationBroken
from conversations.services.verification_runs import verify_and_keep


class Command(BaseCommand):
    help = "Recompute the journal's chains; exit 0 only if all of it holds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--conversation", metavar="ID", help="only this conversation's chain")
        parser.add_argument(
            "--anchors", metavar="FILE", help="the file of anchors; default: JOURNAL_ANCHOR_FILE"
        )
        parser.add_argument(
            "--public-key", metavar="HEX", help="of the anchors; default: JOURNAL_SIGNING_KEY's"
        )
        parser.add_argument(
            "--jobs", metavar="N", type=_positive, help="at most N processes; default: one a core"
        )

    def handle(
        self,
        *args: Any,
        conversation: str | None,
        anchors: str | None,
        public_key: str | None,
        jobs: int | None,
        **options: Any,
    ) -> None:
        if conversation and not Conversation.objects.filter(external_id=conversation).exists():
            raise CommandError(f"There is no conversation {conversation}.", returncode=2)
        if conversation is not None:
            report, anchored = verify_journal(conversation=conversation), None
        else:
            file = anchors or settings.JOURNAL_ANCHOR_FILE
            key = _public_key(public_key) if file else None
            try:
                report, anchored = verify_and_keep(
                    anchors=Path(file) if file else None, public_key=key, jobs=jobs
                )
            except (AnchorsUnavailable, VerificationBroken) as error:
                raise CommandError(str(error), returncode=2) from None
        for line in summary(report, anchored):
            self.stdout.write(line)
        if not report.holds or (anchored is not None and not anchored.holds):
            raise CommandError("The journal does not hold.", returncode=1)


def _positive(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise ArgumentTypeError("a number of at least 1")
    return int(given)


def _public_key(given: str | None) -> Ed25519PublicKey:
    if given is None and not settings.JOURNAL_SIGNING_KEY:
        raise CommandError(
            "Set JOURNAL_SIGNING_KEY, or give --public-key: anchors are signed.", returncode=2
        )
    if given is None:
        return signing_key().public_key()
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(given))
    except ValueError:
        raise CommandError("--public-key must be 64 hexadecimal digits.", returncode=2) from None


def summary(report: Report, anchored: AnchorReport | None = None) -> list[str]:
    """What is valid as a ratio, then the first thing wrong in each chain, by kind."""
    lines = [
        f"{report.valid_entries} of {report.entries} entries valid, "
        f"{report.valid_chains} of {report.chains} chains, {report.texts} texts compared"
    ]
    if anchored is not None:
        lines[0] += f", {anchored.valid_anchors} of {anchored.anchors} anchors valid"
    faults = sorted(report.faults, key=lambda fault: fault.kind.value)
    lines += [str(fault) for fault in faults]
    lines += [str(fault) for fault in anchored.faults] if anchored is not None else []
    broken = report.chains - report.valid_chains
    if broken > FAULTS_KEPT:
        lines.append(f"and {broken - FAULTS_KEPT} chains more")
    return lines
