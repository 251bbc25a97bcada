"""The database's own wake-up (PostgreSQL): sent with the commit, at most a hint, never needed.

The rows are the queue; a worker that hears nothing finds them by looking (design.md).
"""

from __future__ import annotations

from collections.abc import Iterable

from conversations.models.trip import Trip

CHANNEL = "parley_work"
ANYBODY = ""  # no worker holds the conversation's lease: the first may have it


def notify(trip: Trip, owners: Iterable[str]) -> None:
    """Tell the workers of `owners` that the transaction at hand brings them work."""
    if trip.vendor == "postgresql":
        for owner in set(owners):
            trip.ask("SELECT pg_notify(%s, %s)", [CHANNEL, owner], lambda *_: None)
