"""How one agent wrote and answered in one conversation on one day (UTC). No text, only figures.

Two hands write here: web processes add keystrokes, the schedule sets what the stored messages say.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.db import models

from assist.engagement.typed import words_a_minute
from conversations.models import Conversation


class EngagementQuerySet(models.QuerySet["Engagement"]):
    def of_agent(self, agent_id: str) -> EngagementQuerySet:
        return self.filter(agent_id=agent_id)

    def on_days(self, first: date, last: date) -> EngagementQuerySet:
        return self.filter(day__range=(first, last))


class Engagement(models.Model):
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="engagements", db_index=False
    )
    agent_id = models.CharField(max_length=200)
    day = models.DateField()
    at = models.DateTimeField()  # the last keystroke or message

    # Added by web processes (services/typing.py).
    keystrokes = models.PositiveBigIntegerField(default=0)
    active_ms = models.PositiveBigIntegerField(default=0)
    duration_ms = models.PositiveBigIntegerField(default=0)
    bursts = models.PositiveIntegerField(default=0)
    first_key_at = models.DateTimeField(null=True, blank=True)
    last_key_at = models.DateTimeField(null=True, blank=True)

    # Set by the schedule (services/measuring.py).
    messages = models.PositiveIntegerField(default=0)
    intervals = models.PositiveIntegerField(default=0)
    interval_sum_ms = models.PositiveBigIntegerField(default=0)
    responses = models.PositiveIntegerField(default=0)
    response_sum_ms = models.PositiveBigIntegerField(default=0)
    first_response_ms = models.PositiveBigIntegerField(null=True, blank=True)

    objects: ClassVar = EngagementQuerySet.as_manager()

    class Meta:
        verbose_name = "engagement"
        verbose_name_plural = "engagement"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation", "agent_id", "day"], name="engagement_once"
            ),
        ]
        indexes: ClassVar = [
            # The page: some days of one agent, or of all.
            models.Index(fields=["agent_id", "day"], name="engagement_by_agent"),
            models.Index(fields=["day"], name="engagement_by_day"),
            models.Index(fields=["-at"], name="engagement_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} in conversation {self.conversation_id} on {self.day}"

    @property
    def estimated_wpm(self) -> int:
        return words_a_minute(self.keystrokes, self.duration_ms)

    @property
    def active_wpm(self) -> int:
        return words_a_minute(self.keystrokes, self.active_ms)


class EngagementWriter(models.Model):
    """A process that adds keystrokes, and which of its flushes was the last that is stored: one
    whose commit had no answer is not added a second time."""

    name = models.CharField(max_length=64, primary_key=True)
    flushes = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name
