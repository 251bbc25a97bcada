"""What the stored messages say of how agents answer: intervals and response times. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

_MS = timedelta(milliseconds=1)
GUEST = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message, without what it says: the agent's id (or GUEST), and the platform's time."""

    by: str
    at: datetime


@dataclass(slots=True)
class Said:
    """Of one agent in one conversation on one day (UTC); sums, so that days can be added up."""

    messages: int = 0
    intervals: int = 0
    interval_sum_ms: int = 0
    responses: int = 0
    response_sum_ms: int = 0
    first_response_ms: int | None = None  # on the day of the agent's first answer only
    last_at: datetime | None = None


def said_by_agent(messages: Iterable[Spoken]) -> dict[tuple[str, date], Said]:
    """`messages` of one conversation in their order.

    A response time is from the guest's oldest message that nobody has answered to the answer; it
    counts for whoever answered. An interval is between two messages of the same agent. A clock
    that went backwards gives 0.
    """
    found: dict[tuple[str, date], Said] = {}
    last_by: dict[str, datetime] = {}
    has_answered: set[str] = set()
    waiting_since: datetime | None = None
    for message in messages:
        if message.by == GUEST:
            waiting_since = waiting_since or message.at
            continue
        said = found.setdefault((message.by, message.at.astimezone(UTC).date()), Said())
        said.messages += 1
        said.last_at = message.at if said.last_at is None else max(said.last_at, message.at)
        before = last_by.get(message.by)
        if before is not None:
            said.intervals += 1
            said.interval_sum_ms += _between(before, message.at)
        last_by[message.by] = message.at
        if waiting_since is not None:
            response_ms = _between(waiting_since, message.at)
            said.responses += 1
            said.response_sum_ms += response_ms
            if message.by not in has_answered:
                said.first_response_ms = response_ms
            has_answered.add(message.by)
            waiting_since = None
    return found


def intervals_of(agent_id: str, messages: Iterable[Spoken]) -> list[float]:
    """Seconds between the messages of one agent, in their order (protocol §5, D)."""
    moments = [message.at for message in messages if message.by == agent_id]
    return [_between(earlier, later) / 1000 for earlier, later in pairwise(moments)]


def _between(earlier: datetime, later: datetime) -> int:
    return max(0, (later - earlier) // _MS)
