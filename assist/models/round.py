"""Regular work of which one run goes on at a time, whatever number of schedules starts it.

In the database and not in Redis: that may be flushed at any moment.
"""

from __future__ import annotations

from django.db import models


class Round(models.Model):
    name = models.CharField(max_length=32, unique=True)
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    began_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The platform asked for patience: no run asks anything before this.
    not_before = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)  # why the last run stopped early
    done = models.PositiveIntegerField(default=0)  # by the last run
    # How far a run that reads along a table has come.
    reached_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
