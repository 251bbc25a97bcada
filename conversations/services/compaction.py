"""What a database file still holds of deleted rows is overwritten (SQLite).

The settings have SQLite overwrite what it deletes (secure_delete); what stays are copies of pages
in the write-ahead log, and what older versions left. A server's pages are the server's.
"""

from __future__ import annotations

import logging
import time

from django.db import OperationalError, connection

logger = logging.getLogger(__name__)

_TRIES, _APART_S = 5, 0.5


def compact() -> bool:
    """Rewrite the file and empty its log. False: somebody reads or writes; the next one does it."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return connection.vendor != "sqlite"
    for _ in range(_TRIES):
        try:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                (is_busy, _log, _done) = cursor.fetchone()
        except OperationalError:
            is_busy = 1
        if not is_busy:
            return True
        time.sleep(_APART_S)
    logger.warning("the database file could not be rewritten: it is in use; tried again later")
    return False
