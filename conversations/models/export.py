"""An export as a job: what was asked for and why, how far it is, and what came of it.

The rows written so far are in a file beside the database (`EXPORT_FOLDER`); this row says how much
of that file counts. A worker holds a lease, so that two never run one job.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from conversations.models.conversation import Conversation


class ExportQuerySet(models.QuerySet["Export"]):
    def runnable(self, now: datetime) -> ExportQuerySet:
        """Those that wait for a worker, and those whose worker has gone; commands run their own."""
        free = models.Q(lease_until__isnull=True) | models.Q(lease_until__lt=now)
        return self.filter(free, state__in=Export.UNFINISHED, is_command=False).order_by("pk")

    def about(self, conversation_ids: list[int]) -> ExportQuerySet:
        """Those that contain any of these conversations."""
        covering = ExportHead.objects.filter(conversation_id__in=conversation_ids)
        return self.filter(pk__in=covering.values("export_id"))


class Export(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        FINISHED = "finished", "finished"
        CANCELLED = "cancelled", "cancelled"
        FAILED = "failed", "failed"
        ERASED = "erased", "erased"  # the file is gone, its manifest stays

    UNFINISHED: ClassVar = (State.QUEUED, State.RUNNING)

    # Names it in addresses, files and the journal.
    key = models.CharField(max_length=32, unique=True)
    kind = models.CharField(max_length=32)
    file_format = models.CharField(max_length=8)
    # Canonical JSON: conversations, since, until, language, columns, bom.
    asked = models.TextField()
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_by = models.CharField(max_length=100)  # as the journal names an actor
    # The journal binds it by a commitment alone: it may name a person.
    reason = models.CharField(max_length=500)
    reason_salt = models.BinaryField(max_length=16)
    is_command = models.BooleanField(default=False)

    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    failure = models.CharField(max_length=300, blank=True)
    lease_owner = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    # Each claim is a run with files of its own: a worker that was thought dead cannot write on.
    run = models.PositiveIntegerField(default=0, editable=False)
    # Runs in a row that brought nothing: what ends every worker is not tried for ever.
    barren = models.PositiveSmallIntegerField(default=0, editable=False)

    # What is durable of the file: rows, bytes, and the key of the last row (JSON).
    rows = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    position = models.TextField(blank=True, editable=False)
    expected = models.PositiveBigIntegerField(null=True)

    # Where each covered journal stood when the export began (ExportHead): digest and number.
    heads_at = models.DateTimeField(null=True)
    heads_digest = models.CharField(max_length=64, blank=True)
    heads = models.PositiveBigIntegerField(default=0)
    # The last conversation whose own journal has its entry about this export.
    entered_upto = models.PositiveBigIntegerField(default=0, editable=False)

    # In EXPORT_FOLDER: the part that counts, then the file.
    file_name = models.CharField(max_length=100, blank=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True)
    manifest = models.TextField(blank=True, editable=False)

    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    objects: ClassVar = ExportQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            # What a worker looks for.
            models.Index(
                fields=["id"],
                condition=models.Q(state__in=["queued", "running"]),
                name="export_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} export {self.key}"


class ExportHead(models.Model):
    """Where one conversation's journal stood when an export began: nothing after it is exported."""

    export = models.ForeignKey(
        Export, on_delete=models.CASCADE, related_name="covered", db_index=False
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="export_heads"
    )
    seq = models.PositiveBigIntegerField()
    head = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["export", "conversation"], name="export_head_once"),
        ]

    def __str__(self) -> str:
        return f"head {self.seq} of conversation {self.conversation_id}"


class ExportFetch(models.Model):
    """Who has fetched a file, for the page; the proof of it is in the journal."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="fetches")
    what = models.CharField(max_length=16)  # file or manifest
    by = models.CharField(max_length=100)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.what} of export {self.export_id}"
