"""The database's own wake-up (PostgreSQL): sent with the commit, at most a hint, never needed.

The rows are the queue; a worker that hears nothing finds them by looking (design.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from conversations.models.trip import Trip

CHANNEL = "parley_work"
ANYBODY = ""  # no worker holds the conversation's lease: the first may have it
_NAMED_AT_MOST = 500  # a notice has at most 8,000 bytes


def notify(trip: Trip, work: Mapping[str, Collection[int]]) -> None:
    """Tell each worker of `work` that the transaction at hand brings work for conversations."""
    if trip.vendor != "postgresql":
        return
    for owner, ids in work.items():
        named = "" if len(ids) > _NAMED_AT_MOST else ",".join(map(str, ids))
        trip.ask("SELECT pg_notify(%s, %s)", [CHANNEL, f"{owner}|{named}"], lambda *_: None)


def read(payload: str) -> tuple[str, list[int]]:
    """The owner, and the conversations where they are named."""
    owner, _, named = payload.rpartition("|")
    return owner, [int(one) for one in named.split(",") if one]
