"""What was written into a conversation's custom attributes, kept append-only.

A PUT replaces what stood there (protocol §1, TRAP), so the history exists only here.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.models.conversation import Conversation
from conversations.models.message import Message
from conversations.models.text import MessageText


class AttributeAudit(models.Model):
    class Status(models.TextChoices):
        WRITTEN = "written", "written"
        FAILED = "failed", "failed"

    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="attribute_audits"
    )
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="attribute_audits")
    keys = models.JSONField(default=list)
    original_language = models.CharField(max_length=35, blank=True)
    target_language = models.CharField(max_length=35, blank=True)
    translation_timestamp = models.DateTimeField()
    written_at = models.DateTimeField()
    status = models.CharField(max_length=16, choices=Status)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.CharField(max_length=2000, blank=True)
    commitment = models.CharField(max_length=64)
    # The deletable row that holds the text; gone after an erasure, the audit stays.
    text = models.ForeignKey(
        MessageText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Before = our last confirmed write.
    before = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["conversation", "-id"], name="audit_by_conversation"),
            models.Index(fields=["-written_at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.status} attributes for message {self.message_id}"
