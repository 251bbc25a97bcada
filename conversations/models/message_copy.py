"""A message's copy on its conversation's transcript socket: one each (protocol §3)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.models.conversation import Conversation
from conversations.models.message import Message


class MessageCopy(models.Model):
    """`is_alone`: the org socket has not brought the message (yet), only its transcript has."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="copy")
    # Keyed digest of the copy: recognises it when it is repeated.
    key = models.CharField(max_length=64, editable=False)
    is_alone = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "message copies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "key"], name="message_copy_once"),
        ]
        indexes: ClassVar = [
            # What an event of the org socket may claim.
            models.Index(
                fields=["conversation"],
                condition=models.Q(is_alone=True),
                name="message_copy_alone",
            ),
        ]

    def __str__(self) -> str:
        return f"copy of message {self.message_id}"
