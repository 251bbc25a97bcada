"""What could not be processed: kept where a person can see it, its body in a deletable row."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.models.conversation import Conversation
from conversations.models.message import Message


class DeadLetter(models.Model):
    class Kind(models.TextChoices):
        FRAME = "frame", "malformed frame"
        TRANSLATION = "translation", "translation"
        DELIVERY = "delivery", "delivery"
        ATTRIBUTES = "attributes", "attributes"

    kind = models.CharField(max_length=16, choices=Kind)
    stream = models.CharField(max_length=100, blank=True)
    conversation = models.ForeignKey(
        Conversation,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="dead_letters",
    )
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="dead_letters"
    )
    reason = models.CharField(max_length=200)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    size = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-created_at"], name="dead_letter_by_time")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


class DeadLetterBody(models.Model):
    """What was received or answered, at most 64 KiB; deleted on its own at erasure."""

    dead_letter = models.OneToOneField(DeadLetter, on_delete=models.CASCADE, related_name="body")
    body = models.BinaryField()

    class Meta:
        verbose_name_plural = "dead letter bodies"

    def __str__(self) -> str:
        return f"body of dead letter {self.dead_letter_id}"
