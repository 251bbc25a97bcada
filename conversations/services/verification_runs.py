"""Keeps what a verification of the whole journal found, for the pages that say how fresh it is."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from conversations.models import VerificationRun
from conversations.services.verification import Report

_FAULTS_KEPT = 10


def keep_verification(report: Report, *, started_at: datetime) -> VerificationRun:
    """`report` must be of every chain from its first entry."""
    return VerificationRun.objects.create(
        started_at=started_at,
        finished_at=timezone.now(),
        holds=report.holds,
        entries=report.entries,
        valid_entries=report.valid_entries,
        chains=report.chains,
        valid_chains=report.valid_chains,
        texts=report.texts,
        faults="\n".join(str(fault) for fault in report.faults[:_FAULTS_KEPT]),
    )
