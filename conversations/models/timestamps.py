"""Timestamps read by the driver's compiled reader, on PostgreSQL.

Django registers one in Python, which costs more than the rest of a row. Both give aware datetimes
in UTC: Django sets its connections' time zone to that.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver


@receiver(connection_created)
def read_timestamps_compiled(
    sender: object, connection: BaseDatabaseWrapper, **others: Any
) -> None:
    """Once for each connection of the driver; the pool hands out the same ones again."""
    if connection.vendor != "postgresql":
        return
    from psycopg.pq import Format  # embedded mode needs no driver of PostgreSQL

    adapters, ours = connection.connection.adapters, _loader(connection.timezone)
    timestamptz = adapters.types["timestamptz"].oid
    if adapters.get_loader(timestamptz, Format.TEXT) is not ours:
        adapters.register_loader(timestamptz, ours)


@lru_cache(maxsize=8)
def _loader(timezone: Any) -> Any:
    """The compiled class cannot be derived from, and Django asks a reader for its `timezone`."""
    import psycopg
    from psycopg.adapt import AdaptersMap, Loader
    from psycopg.pq import Format
    from psycopg.types.datetime import TimestamptzLoader

    # A map puts the compiled class in the place of the driver's own in Python, where it has one.
    adapters = AdaptersMap(psycopg.adapters)
    timestamptz = adapters.types["timestamptz"].oid
    adapters.register_loader(timestamptz, TimestamptzLoader)
    compiled: Any = adapters.get_loader(timestamptz, Format.TEXT)

    class UtcLoader(Loader):
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self.read = compiled(oid, context).load

        def load(self, data: Any) -> Any:
            return self.read(data)

    UtcLoader.timezone = timezone  # type: ignore[attr-defined]
    return UtcLoader
