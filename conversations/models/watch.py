"""Which conversations are open on somebody's page: a mark of each web process, ending by itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Watch(models.Model):
    """One row for a web process, however many pages it serves: one write every few seconds."""

    process = models.CharField(max_length=64, unique=True)
    conversations = models.JSONField(default=list)  # their keys
    until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "watches"
        ordering: ClassVar = ["process"]

    def __str__(self) -> str:
        return f"{self.process} watches {len(self.conversations)}"
