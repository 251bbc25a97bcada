"""What is known of a file that came with a message: deletable, like the texts. Never its bytes.

A guest chose its name, so it may be personal; the journal holds a salted commitment alone.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.models.message import Message


class MessageAttachment(models.Model):
    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, related_name="attachments", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    external_id = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    # Where the platform keeps it; such an address is a permission, and it expires.
    url = models.TextField(blank=True)
    salt = models.BinaryField(max_length=16)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "position"], name="attachment_place_once"),
        ]

    def __str__(self) -> str:
        return f"attachment {self.position} of message {self.message_id}"
