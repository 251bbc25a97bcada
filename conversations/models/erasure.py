"""A request to erase a guest: what a killed run is resumed from, and what keeps late events out.

When it is done only a keyed digest of the guest's id is left of the guest.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def unfinished(self) -> ErasureQuerySet:
        return self.filter(state=Erasure.State.RUNNING)


class Erasure(models.Model):
    class State(models.TextChoices):
        RUNNING = "running", "running"
        FINISHED = "finished", "finished"
        REFUSED = "refused", "refused"

    # Emptied at the end, as the conversations are.
    guest_id = models.CharField(max_length=200, blank=True)
    guest_digest = models.CharField(max_length=64, db_index=True, editable=False)
    # Further conversations that name no guest (calls), by the platform's ids.
    named = models.JSONField(default=list)
    reason = models.CharField(max_length=200)
    actor = models.CharField(max_length=100)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # What was said up to then is erased.
    requested_at = models.DateTimeField()
    # When its last batch was committed: one that stands still is taken over.
    active_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    note = models.CharField(max_length=500, blank=True)  # why it was refused

    conversations = models.PositiveIntegerField(default=0)
    messages = models.PositiveIntegerField(default=0)
    texts = models.PositiveIntegerField(default=0)
    attachments = models.PositiveIntegerField(default=0)
    extracts = models.PositiveIntegerField(default=0)
    export_files = models.PositiveIntegerField(default=0)

    objects: ClassVar = ErasureQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["requested_at"],
                condition=models.Q(state="running"),
                name="erasure_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"
