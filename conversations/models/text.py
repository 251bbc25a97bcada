"""The only place where what was said is kept: deletable rows, each with the salt of its proof."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.models.message import Message


class MessageText(models.Model):
    class Role(models.TextChoices):
        ORIGINAL = "original", "original"
        TRANSLATED = "translated", "translated"
        TYPED = "typed", "typed"
        DELIVERED = "delivered", "delivered"

    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, related_name="texts", db_index=False
    )
    role = models.CharField(max_length=16, choices=Role)
    language = models.CharField(max_length=35, blank=True)
    text = models.TextField(blank=True)
    # Erasing text and salt together makes the journal's commitment unlinkable.
    salt = models.BinaryField(max_length=16)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "role"], name="text_role_once"),
        ]

    def __str__(self) -> str:
        return f"{self.role} text of message {self.message_id}"
