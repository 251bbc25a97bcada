"""How a translation was made, and how its provider is. Texts stay in `MessageText`."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from conversations.models import Message


class Translation(models.Model):
    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="translation")
    provider = models.CharField(max_length=32)
    source_language = models.CharField(max_length=35, blank=True)
    target_language = models.CharField(max_length=35)
    latency_ms = models.PositiveIntegerField()
    from_memory = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-created_at"], name="translation_by_time")]

    def __str__(self) -> str:
        return f"{self.source_language}→{self.target_language} by {self.provider}"


class ProviderState(models.Model):
    """What the workers last saw of a provider; `reopened_at` is the operator's word to go on."""

    class State(models.TextChoices):
        OK = "ok", "ok"
        THROTTLED = "throttled", "throttled"
        OPEN = "open", "breaker open"
        HALF_OPEN = "half_open", "breaker half-open"
        QUOTA = "quota", "quota exceeded"
        CREDENTIALS = "credentials", "credentials refused"

    name = models.CharField(max_length=32, unique=True)
    state = models.CharField(max_length=16, choices=State, default=State.OK)
    reason = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField(null=True, blank=True)
    reopened_at = models.DateTimeField(null=True, blank=True)
    reopened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
