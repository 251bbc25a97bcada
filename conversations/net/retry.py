"""What an HTTP answer means for the request: the one table of outcomes (reliability §2.4).

Pure. It names outcomes; what to do about `UNKNOWN` differs by call and is decided there.
"""

from __future__ import annotations

import random as randomness
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

_SECONDS = re.compile(r"[0-9]{1,300}(\.[0-9]{1,20})?")


class Outcome(Enum):
    OK = "ok"
    NOT_APPLIED = "not applied"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    PERMANENT = "permanent"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"


_BY_STATUS = {
    401: Outcome.AUTH,
    403: Outcome.FORBIDDEN,
    408: Outcome.UNKNOWN,
    425: Outcome.UNKNOWN,
    429: Outcome.THROTTLED,
}


def classify(status: int, *, body_valid: bool = True) -> Outcome:
    """A 4xx is definite whatever its body says; only a success needs a readable one."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 200 <= status < 300:
        return Outcome.OK if body_valid else Outcome.UNKNOWN
    if 300 <= status < 400:
        return Outcome.REFUSED
    if 400 <= status < 500:
        return Outcome.PERMANENT
    return Outcome.UNKNOWN


def retry_after_s(
    value: str | None, *, now: datetime, low: float = 1.0, high: float = 60.0
) -> float | None:
    """`Retry-After` as seconds or as an HTTP date, clamped; None for what is neither."""
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return min(max(float(value), low), high)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), low), high)


def retry_delay_s(attempt: int, *, random: Callable[[], float] = randomness.random) -> float:
    """2, 4, 8 s after attempts 1, 2, 3, with up to a second of jitter."""
    return float(2 ** min(max(attempt, 1), 3)) + random()
