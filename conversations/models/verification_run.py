"""What a run of `verify_audit` over the whole journal found: how fresh the proof is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class VerificationRun(models.Model):
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    holds = models.BooleanField()
    entries = models.PositiveBigIntegerField()
    valid_entries = models.PositiveBigIntegerField()
    chains = models.PositiveBigIntegerField()
    valid_chains = models.PositiveBigIntegerField()
    texts = models.PositiveBigIntegerField()
    # Null: no anchors were looked at.
    anchors = models.PositiveBigIntegerField(null=True)
    valid_anchors = models.PositiveBigIntegerField(null=True)
    # Kind, conversation and entry of the first fault of some chains; never a text.
    faults = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-finished_at"], name="verification_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.valid_entries} of {self.entries} entries valid"
