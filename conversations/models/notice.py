"""The database's own wake-up (PostgreSQL): sent with the commit, at most a hint, never needed.

The rows are the queue; a worker that hears nothing finds them by looking (design.md).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from conversations.models.cursor import rows_of

CHANNEL = "parley_work"
ANYBODY = ""  # no worker holds the conversation's lease: the first may have it


def notify(owners: Iterable[str]) -> None:
    """Tell the workers of `owners` that the transaction at hand brings them work."""
    if connection.vendor != "postgresql":
        return
    for owner in set(owners):
        rows_of("SELECT pg_notify(%s, %s)", [CHANNEL, owner])
