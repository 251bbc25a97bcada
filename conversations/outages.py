"""What is away is said once, with its setting and the fix, and once more when it is back.

A process goes on asking while something is away; its log must not say so every second. The state
of the database stands here as well: every process sorts a failure by the same rule.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

AGAIN_S = 60.0
# PostgreSQL's SQLSTATE: undefined table and column; rolled back, locked by another, cut short.
_MISSING = frozenset({"42P01", "42703"})
_BUSY = frozenset({"40001", "40P01", "55P03", "57014"})
_MISSING_IN_SQLITE = ("no such table", "no such column", "has no column named")
_BUSY_IN_SQLITE = "is locked"


class Outage:
    """Says that something is away when it begins, every `again_s` seconds, and when it is over.

    `again_s` None: only once. A success is its end only when nothing has failed for `steady_s`:
    while tables are being made, some statements succeed and others do not. For any thread; `over`
    costs nothing while all is well.
    """

    def __init__(
        self,
        *,
        again_s: float | None = AGAIN_S,
        steady_s: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._again_s = again_s
        self._steady_s = steady_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kind = ""
        self._began_at = self._said_at = self._failed_at = 0.0

    def say(self, line: str, *, kind: str = "away", level: int = logging.WARNING) -> None:
        """`line` names the setting and the fix; an outage that turns into another kind is news."""
        with self._lock:
            now = self._failed_at = self._monotonic()
            if kind == self._kind and not self._is_due(now):
                return
            self._began_at = self._began_at if self._kind else now
            self._kind, self._said_at = kind, now
        logger.log(level, "%s", line)

    def over(self, line: str) -> None:
        if not self._kind:
            return
        with self._lock:
            now = self._monotonic()
            if now < self._failed_at + self._steady_s:
                return
            was_away, self._kind = self._kind, ""
            lasted_s = now - self._began_at
        if was_away:
            logger.info("%s after %.0f s", line, lasted_s)

    def _is_due(self, now: float) -> bool:
        return self._again_s is not None and now >= self._said_at + self._again_s


class TablesMissing(OperationalError):
    """The database lacks what `manage.py migrate` makes: an outage, not a fault of a statement."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """`line` names the setting and the fix; `busy` passes by itself."""

    kind: Literal["away", "tables", "busy"]
    line: str


database = Outage(steady_s=5.0)


def trouble_of(error: BaseException) -> Trouble | None:
    """What `error` says about the state of the database; None: it is about something else."""
    reason = str(error).strip().partition("\n")[0]
    code = getattr(error.__cause__, "sqlstate", None)
    is_refusal = isinstance(error, OperationalError | InterfaceError)
    if code in _MISSING or (is_refusal and any(word in reason for word in _MISSING_IN_SQLITE)):
        fix = "Run `python manage.py migrate`."
        return Trouble("tables", f"the database {_address()} is not migrated: {reason}. {fix}")
    if not is_refusal:
        return None
    if code in _BUSY or _BUSY_IN_SQLITE in reason:
        return Trouble("busy", f"the database is busy: {reason}. Trying again helps.")
    fix = "Start it or correct DATABASE_URL."
    return Trouble("away", f"the database {_address()} does not answer: {reason}. {fix}")


def tell(error: BaseException) -> Trouble | None:
    """Say in the log what `error` means for the database, if it does, and return it."""
    trouble = trouble_of(error)
    if trouble is None:
        return None
    if trouble.kind == "busy":
        logger.warning("%s", trouble.line)
    else:
        level = logging.ERROR if trouble.kind == "tables" else logging.WARNING
        line = f"{trouble.line} This process goes on by itself then."
        database.say(line, kind=trouble.kind, level=level)
    return trouble


def database_is_back() -> None:
    """After every success; says something only at the end of an outage."""
    database.over("the database answers again")


def _address() -> str:
    """As DATABASE_URL names it, without user and password."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(settings["NAME"])
    return f"{settings['HOST'] or 'localhost'}:{settings['PORT'] or 5432}/{settings['NAME']}"
