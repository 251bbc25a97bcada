"""What the platform's analytics say of a conversation: start, end, channel (protocol §5)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from conversations.models import Conversation


class InteractionQuerySet(models.QuerySet["Interaction"]):
    def waiting(self) -> InteractionQuerySet:
        return self.filter(state=Interaction.State.WAITING)

    def ended_here(self) -> InteractionQuerySet:
        """Whose start is known and whose end is not, although the conversation is over."""
        over = Conversation.State.CLOSED
        return self.filter(state=Interaction.State.RUNNING, conversation__state=over)

    def due(self, now: datetime) -> InteractionQuerySet:
        return self.waiting().filter(ask_at__lte=now).order_by("ask_at")


class Interaction(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", "waiting"  # also for an end, where the start is known
        RUNNING = "running", "running"  # known, and not over: not asked for
        KNOWN = "known", "known"
        GIVEN_UP = "given_up", "given up"

    conversation = models.OneToOneField(
        Conversation, on_delete=models.PROTECT, related_name="interaction", primary_key=True
    )
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    channel_type = models.CharField(max_length=64, blank=True)
    since = models.DateTimeField()  # given up a day after this
    ask_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    objects: ClassVar = InteractionQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # What a run asks for next, and what the operations page counts.
            models.Index(
                fields=["ask_at"],
                condition=models.Q(state="waiting"),
                name="interaction_to_ask",
            ),
            # Which of them have ended meanwhile.
            models.Index(
                fields=["conversation"],
                condition=models.Q(state="running"),
                name="interaction_running",
            ),
            models.Index(
                fields=["since"],
                condition=models.Q(state="given_up"),
                name="interaction_given_up",
            ),
            models.Index(fields=["-since"], name="interaction_by_time"),
        ]

    def __str__(self) -> str:
        return f"interaction of conversation {self.conversation_id}"
