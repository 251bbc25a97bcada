"""Keeps what a verification of the whole journal found, for the pages that say how fresh it is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from conversations.models import VerificationRun
from conversations.services.anchor_checks import AnchorReport, verify_anchors
from conversations.services.verification import Report
from conversations.services.verification_jobs import verify_in_processes

_FAULTS_KEPT = 10


def verify_and_keep(
    *, anchors: Path | None, public_key: Ed25519PublicKey | None, jobs: int | None = 1
) -> tuple[Report, AnchorReport | None]:
    """The whole journal, in at most `jobs` processes (None: one a core), and the anchors of that
    file where there is one. Raises VerificationBroken, AnchorsUnavailable; one that comes to no
    end is kept as one that does not hold."""
    started_at = timezone.now()
    report, anchored = Report(), None
    try:
        report = verify_in_processes(jobs)
        if anchors is not None and public_key is not None:
            anchored = verify_anchors(anchors, public_key=public_key)
    except (InterfaceError, OperationalError):
        raise  # the database is away: there is nowhere to keep anything
    except Exception as error:
        _keep(report, None, started_at, holds=False, said=f"not verified: {type(error).__name__}")
        raise
    keep_verification(report, anchored, started_at=started_at)
    return report, anchored


def keep_verification(
    report: Report, anchored: AnchorReport | None = None, *, started_at: datetime
) -> VerificationRun:
    """`report` must be of every chain from its first entry."""
    faults = [*report.faults, *(anchored.faults if anchored else [])]
    holds = report.holds and (anchored is None or anchored.holds)
    said = "\n".join(str(fault) for fault in faults[:_FAULTS_KEPT])
    return _keep(report, anchored, started_at, holds=holds, said=said)


def _keep(
    report: Report,
    anchored: AnchorReport | None,
    started_at: datetime,
    *,
    holds: bool,
    said: str,
) -> VerificationRun:
    return VerificationRun.objects.create(
        started_at=started_at,
        finished_at=timezone.now(),
        holds=holds,
        entries=report.entries,
        valid_entries=report.valid_entries,
        chains=report.chains,
        valid_chains=report.valid_chains,
        texts=report.texts,
        anchors=anchored.anchors if anchored else None,
        valid_anchors=anchored.valid_anchors if anchored else None,
        faults=said,
    )
