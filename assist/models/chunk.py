"""A final chunk of a call: how it was heard, and the audit record of it (protocol §4).

Its text is the `MessageText` of its message, redacted before it was stored.
"""

from __future__ import annotations

import json
from typing import ClassVar

from django.db import models

from conversations.models import Conversation, Message


class Chunk(models.Model):
    message = models.OneToOneField(
        Message, on_delete=models.PROTECT, related_name="chunk", primary_key=True
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="chunks", db_index=False
    )
    media_at = models.DateTimeField()
    received_at = models.DateTimeField()
    latency_ms = models.PositiveIntegerField()
    is_late = models.BooleanField(default=False)
    # The platform's clock was ahead of ours: its latency counts as 0.
    is_ahead = models.BooleanField(default=False)
    confidence = models.FloatField(null=True, blank=True)
    media_type = models.CharField(max_length=64, blank=True)
    # JSON: what was taken out of the text, [[kind, how many], …].
    kinds = models.TextField(blank=True)
    is_withheld = models.BooleanField(default=False)
    redaction_active = models.BooleanField(default=True)
    # The stream's own figures when this chunk came.
    average_latency_ms = models.PositiveIntegerField()
    average_confidence = models.FloatField(null=True, blank=True)
    active_streams = models.PositiveSmallIntegerField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["conversation", "media_at"], name="chunk_by_media_time"),
            models.Index(fields=["-received_at"], name="chunk_by_receipt"),
        ]

    def __str__(self) -> str:
        return f"chunk {self.message_id} of conversation {self.conversation_id}"

    def redactions(self) -> dict[str, int]:
        return dict(json.loads(self.kinds)) if self.kinds else {}
