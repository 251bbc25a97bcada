"""A stream of the platform: which gateway holds it, and how it is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class StreamStateQuerySet(models.QuerySet["StreamState"]):
    def streams(self) -> StreamStateQuerySet:
        """Without the totals of streams that are gone; there is never one of the org stream."""
        return self.exclude(~models.Q(kind=StreamState.Kind.MESSAGING), key="")


class StreamState(models.Model):
    """The row of a kind without a key holds the counts of its streams that are gone."""

    class Kind(models.TextChoices):
        MESSAGING = "messaging", "org messaging"
        TRANSCRIPT = "transcript", "transcript"
        TRANSCRIPTION = "transcription", "voice transcription"
        TYPING = "typing", "agent typing"

    class State(models.TextChoices):
        CONNECTING = "connecting", "connecting"
        LIVE = "live", "live"
        WAITING = "waiting", "waiting"
        STOPPED = "stopped", "stopped"
        REFUSED = "refused", "refused"

    kind = models.CharField(max_length=16, choices=Kind)
    key = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.STOPPED)
    reason = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    # Ended by itself: no gateway takes it before this.
    resume_at = models.DateTimeField(null=True, blank=True)
    # Grows with every change of owner.
    epoch = models.PositiveIntegerField(default=0)
    connected_at = models.DateTimeField(null=True, blank=True)
    last_frame_at = models.DateTimeField(null=True, blank=True)
    backfilled_at = models.DateTimeField(null=True, blank=True)
    # Since when a gap is open: what was said from then on may not be stored. It outlives the
    # gateway that found it, whose backfill may never have ended. Null: closed.
    gap_since = models.DateTimeField(null=True, blank=True)
    frames = models.PositiveBigIntegerField(default=0)
    malformed = models.PositiveBigIntegerField(default=0)
    ignored = models.PositiveBigIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar = StreamStateQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "key"], name="stream_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}".strip()
