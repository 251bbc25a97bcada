"""What the platform's analytics say of a conversation: start, end, channel (protocol §5)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from conversations.models import Conversation


class InteractionQuerySet(models.QuerySet["Interaction"]):
    def waiting(self) -> InteractionQuerySet:
        """Those that will be asked for: a known one that still runs, once it has ended here."""
        state = Interaction.State
        ended = models.Q(state=state.RUNNING, conversation__state=Conversation.State.CLOSED)
        some = self.filter(state__in=(state.WAITING, state.RUNNING))  # as the index has it
        return some.filter(ended | models.Q(state=state.WAITING))

    def due(self, now: datetime) -> InteractionQuerySet:
        return self.waiting().filter(ask_at__lte=now).order_by("ask_at")


class Interaction(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"  # known, and without an end
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
                condition=models.Q(state__in=["waiting", "running"]),
                name="interaction_to_ask",
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
