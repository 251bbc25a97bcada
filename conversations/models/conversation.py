"""A conversation of the platform: who speaks, where its journal stands, who works on it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def with_work(self, now: datetime) -> ConversationQuerySet:
        """Conversations that have something to do and that nobody works on at `now`."""
        free = models.Q(lease_until__isnull=True) | models.Q(lease_until__lt=now)
        return self.filter(free, work_at__lte=now).order_by("work_at")

    def of_agent(self, agent_id: str) -> ConversationQuerySet:
        return self.filter(agent_id=agent_id)


class Conversation(models.Model):
    class Channel(models.TextChoices):
        MESSAGING = "messaging", "messaging"
        VOICE = "voice", "voice"
        # No conversation of the platform's: the chain of what people did with exports.
        CONSOLE = "console", "console"

    class State(models.TextChoices):
        OPEN = "open", "open"
        CLOSED = "closed", "closed"

    external_id = models.CharField(max_length=200, unique=True)
    channel = models.CharField(max_length=16, choices=Channel, default=Channel.MESSAGING)
    state = models.CharField(max_length=16, choices=State, default=State.OPEN)
    guest_id = models.CharField(max_length=200, blank=True)
    guest_name = models.CharField(max_length=200, blank=True)
    guest_language = models.CharField(max_length=35, blank=True)
    # Why it is taken to be that, and what speaks for another (conversations/guest_language.py).
    language_basis = models.CharField(max_length=16, blank=True)
    language_count = models.PositiveSmallIntegerField(default=0, editable=False)
    rival_language = models.CharField(max_length=35, blank=True, editable=False)
    rival_count = models.PositiveSmallIntegerField(default=0, editable=False)
    agent_id = models.CharField(max_length=200, blank=True)
    agent_name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    last_event_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    # What was said up to then has been erased: a late event of before is not stored again.
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    # Whether it has messages that only its transcript has brought (MessageCopy.is_alone).
    has_copies = models.BooleanField(default=False, editable=False)

    # Head of this conversation's journal; changed only under this row's lock (services/journal).
    seq = models.PositiveBigIntegerField(default=0, editable=False)
    head = models.CharField(max_length=64, blank=True, editable=False)

    # What stands in the conversation's custom attributes: our last confirmed write.
    last_audit = models.ForeignKey(
        "conversations.AttributeAudit",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    # The drain's lease, and since when there has been work: the rows are the queue.
    lease_owner = models.CharField(max_length=64, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    work_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar = ConversationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-last_event_at"]
        indexes: ClassVar = [
            # The drain's claim: what has waited longest comes first.
            models.Index(
                fields=["work_at"],
                condition=models.Q(work_at__isnull=False),
                name="conversation_with_work",
            ),
            models.Index(fields=["-last_event_at"], name="conversation_by_last_event"),
            models.Index(fields=["agent_id"], name="conversation_by_agent"),
            # The erasure of a guest.
            models.Index(
                fields=["guest_id"],
                condition=~models.Q(guest_id=""),
                name="conversation_by_guest",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id

    def is_erased_at(self, moment: datetime) -> bool:
        """Whether what was said at `moment` belongs to what has been erased."""
        return self.erased_at is not None and moment <= self.erased_at
