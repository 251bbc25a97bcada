"""What the knowledge service found for a chunk, and when it could not say."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from assist.models.chunk import Chunk
from conversations.models import Conversation, Message


class Suggestion(models.Model):
    chunk = models.ForeignKey(Chunk, on_delete=models.PROTECT, related_name="suggestions")
    place = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    snippet = models.CharField(max_length=1000, blank=True)
    url = models.CharField(max_length=1000, blank=True)
    score = models.FloatField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField()
    is_late = models.BooleanField(default=False)
    from_cache = models.BooleanField(default=False)
    found_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chunk", "place"], name="suggestion_place_once"),
        ]

    def __str__(self) -> str:
        return self.title


class KnowledgeFailure(models.Model):
    """The audit record `knowledge_sync_failure` (protocol §4)."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="knowledge_failures"
    )
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    error = models.CharField(max_length=200)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"knowledge_sync_failure: {self.error}"
