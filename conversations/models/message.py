"""A message as the platform delivered it; its texts live in `MessageText` alone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.models.conversation import Conversation


class MessageQuerySet(models.QuerySet["Message"]):
    def awaiting_translation(self) -> MessageQuerySet:
        return self.filter(translation_state=Message.TranslationState.PENDING)

    def spoken(self) -> MessageQuerySet:
        """What people said: without the echoes of our own deliveries."""
        return self.exclude(origin=Message.Origin.INJECTED)

    def in_order(self) -> MessageQuerySet:
        return self.order_by("conversation_id", "seq")


class Message(models.Model):
    class Origin(models.TextChoices):
        GUEST = "guest", "guest"
        AGENT = "agent", "agent"
        INJECTED = "injected", "injected"
        SYSTEM = "system", "system"

    class TranslationState(models.TextChoices):
        NOT_NEEDED = "", "not needed"
        PENDING = "pending", "pending"
        TRANSLATED = "translated", "translated"
        PASSED_THROUGH = "passed_through", "passed through"
        FAILED = "failed", "failed"

    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    # The journal's seq of its receipt: the source order within the conversation.
    seq = models.PositiveBigIntegerField()
    origin = models.CharField(max_length=16, choices=Origin)
    external_id = models.CharField(max_length=200, blank=True)
    # Keyed digest of sender, time and text: recognises an event that has no id (protocol §1).
    content_key = models.CharField(max_length=64, editable=False)
    sender_id = models.CharField(max_length=200, blank=True)
    sender_name = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField()
    backfilled = models.BooleanField(default=False)
    has_text = models.BooleanField(default=True)
    read_at = models.DateTimeField(null=True, blank=True)
    # Its texts were removed then (services/erasing); the journal has the tombstone.
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    translation_state = models.CharField(
        max_length=16, choices=TranslationState, blank=True, default=TranslationState.NOT_NEEDED
    )
    # What an agent wrote is translated into this; "" where the agents' language is wanted, or none.
    target_language = models.CharField(max_length=35, blank=True, editable=False)
    translation_attempts = models.PositiveSmallIntegerField(default=0)
    translation_reason = models.CharField(max_length=200, blank=True)
    # When a person last said that it is to be delivered although it is old (protocol §1,
    # Injecting): DELIVERY_TTL_S counts from then.
    decided_at = models.DateTimeField(null=True, blank=True)

    # For an echo: the delivery that caused it.
    echo_of = models.ForeignKey(
        "conversations.Delivery",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="echoes",
    )

    objects: ClassVar = MessageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq_once"),
            # TRAP: repeated events are stored once, by id where there is one, else by content.
            models.UniqueConstraint(
                fields=["external_id", "conversation"],  # found by the id alone as well
                condition=~models.Q(external_id=""),
                name="message_id_once",
            ),
            models.UniqueConstraint(
                fields=["conversation", "content_key"],
                condition=models.Q(external_id=""),
                name="message_content_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["conversation", "content_key"], name="message_by_content"),
            models.Index(
                fields=["conversation", "seq"],
                condition=models.Q(translation_state="pending"),
                name="message_awaiting_translation",
            ),
            models.Index(fields=["-received_at"], name="message_by_receipt"),
        ]

    def __str__(self) -> str:
        return f"{self.origin} message {self.seq} of conversation {self.conversation_id}"
