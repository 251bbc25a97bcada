"""Ties a Django user to an agent of the platform: "own conversations" come from it."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Agent(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="agent"
    )
    external_id = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.external_id
