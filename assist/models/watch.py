"""Somebody wants a call transcribed: a mark that expires unless it is renewed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models

WANTED_FOR = timedelta(seconds=60)


class AssistWatch(models.Model):
    interaction_id = models.CharField(max_length=200, unique=True)
    wanted_until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "assist watches"

    def __str__(self) -> str:
        return self.interaction_id


def want(interaction_id: str, *, now: datetime) -> None:
    """Have the call transcribed for a minute from `now`."""
    until = now + WANTED_FOR
    AssistWatch.objects.update_or_create(
        interaction_id=interaction_id, defaults={"wanted_until": until}
    )
