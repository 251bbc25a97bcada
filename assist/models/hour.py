"""Figures of one call in one hour; sums only, so that hours can be added up."""

from __future__ import annotations

import json
from typing import ClassVar

from django.db import models

from assist.latency import Histogram
from conversations.models import Conversation


class HourlyMetrics(models.Model):
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="assist_hours", db_index=False
    )
    hour = models.DateTimeField()
    chunks = models.PositiveIntegerField(default=0)
    finals = models.PositiveIntegerField(default=0)
    late = models.PositiveIntegerField(default=0)
    ahead = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    dropped_codec = models.PositiveIntegerField(default=0)
    malformed = models.PositiveIntegerField(default=0)
    withheld = models.PositiveIntegerField(default=0)
    reconnects = models.PositiveIntegerField(default=0)
    confidence_count = models.PositiveIntegerField(default=0)
    confidence_sum = models.FloatField(default=0)
    low_confidence = models.PositiveIntegerField(default=0)
    latency_sum_ms = models.PositiveBigIntegerField(default=0)
    knowledge_asked = models.PositiveIntegerField(default=0)
    knowledge_cached = models.PositiveIntegerField(default=0)
    knowledge_late = models.PositiveIntegerField(default=0)
    knowledge_failed = models.PositiveIntegerField(default=0)
    knowledge_dropped = models.PositiveIntegerField(default=0)
    # JSON: assist.latency.Histogram.stored, and {kind: how many}.
    latency_buckets = models.TextField(blank=True)
    redactions = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "hourly metrics"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "hour"], name="assist_hour_once"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} at {self.hour:%Y-%m-%d %H}:00"

    @property
    def latency(self) -> Histogram:
        stored = json.loads(self.latency_buckets) if self.latency_buckets else []
        return Histogram.of(stored, total_ms=self.latency_sum_ms)

    def redactions_by_kind(self) -> dict[str, int]:
        return json.loads(self.redactions) if self.redactions else {}

    @property
    def confidence_mean(self) -> float | None:
        return self.confidence_sum / self.confidence_count if self.confidence_count else None

    @property
    def low_confidence_share(self) -> float | None:
        return self.low_confidence / self.confidence_count if self.confidence_count else None
