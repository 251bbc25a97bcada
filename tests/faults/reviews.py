"""Which deliveries were rightly put before a person (reliability 5.3, protocol §1 Injecting).

Only where finding out was impossible: too old, sent twice already, taken up only after HEAD_WAIT_S
because its worker was gone, or no history to be read. And never many.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.faults.findings import Finding
from tests.faults.record import RecordedDelivery

Entry = Mapping[str, Any]
_LATE_S = 3.0  # past HEAD_WAIT_S: nobody was there in time
_OVER_SHARE = 0.005  # with both sources up (reliability G2)


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings of the run, in seconds, and wall clock − the ledger's monotonic clock."""

    reconcile_window_s: float = 5.0
    head_wait_s: float = 12.0
    ttl_s: float = 120.0
    clock_offset_s: float = 0.0


def needless_reviews(
    ledger: Iterable[Entry],
    deliveries: Sequence[RecordedDelivery],
    *,
    expected: int,
    limits: Limits,
) -> list[Finding]:
    reviewed = [row for row in deliveries if row.state == "review"]
    if not reviewed:
        return []
    entries = list(ledger)
    reads, unclaimed = _reads(entries), _unclaimed(entries, deliveries)
    found = [
        {"conversationId": row.conversation, "id": row.source_id, "reason": row.reason, "why": why}
        for row in reviewed
        if (why := _why_needless(row, reads[row.conversation], unclaimed, limits))
    ]
    allowed = math.ceil(expected * _OVER_SHARE)
    if len(reviewed) > allowed:
        found.append({"why": f"{len(reviewed)} in review of {expected}, {allowed} are allowed"})
    return found


def _reads(entries: Iterable[Entry]) -> defaultdict[str, list[tuple[float, bool]]]:
    """By conversation: when its history was asked for, and whether it was answered."""
    reads: defaultdict[str, list[tuple[float, bool]]] = defaultdict(list)
    for entry in entries:
        if entry["kind"] == "history":
            reads[entry["conversationId"]].append((entry["at"], entry.get("status") == 200))
    return reads


def _unclaimed(
    entries: Iterable[Entry], deliveries: Iterable[RecordedDelivery]
) -> dict[tuple[str, str], float]:
    """Posts that are there and that no delivery claims: when they were applied, by text."""
    claimed = {row.external_id for row in deliveries if row.state == "confirmed"}
    return {
        (entry["conversationId"], entry["text"]): entry["applied_at"]
        for entry in entries
        if entry["kind"] == "post" and entry["applied"] and entry["messageId"] not in claimed
    }


def _why_needless(
    row: RecordedDelivery,
    reads: Sequence[tuple[float, bool]],
    unclaimed: Mapping[tuple[str, str], float],
    limits: Limits,
) -> str:
    """Empty where a person really has to decide."""
    if row.review_at is None or row.sending_at is None:
        too_old = row.review_at is not None and (
            (row.review_at - row.sent_at).total_seconds() >= limits.ttl_s - 1
        )
        return "" if too_old else "never sent, and not too old"
    sent, reviewed = (_ledger_time(moment, limits) for moment in (row.sending_at, row.review_at))
    applied_at = unclaimed.get((row.conversation, row.translated))
    if applied_at is not None:
        if any(good and applied_at < at < reviewed for at, good in reads):
            return "it is there, and the history was read"
        return ""
    if row.attempts >= 2 or reviewed - sent > limits.head_wait_s + _LATE_S:
        return ""
    if (row.review_at - row.sent_at).total_seconds() >= limits.ttl_s - 1:
        return ""
    since = [(at, good) for at, good in reads if sent < at <= reviewed]
    telling = sum(good for at, good in since if at >= sent + limits.reconcile_window_s)
    if telling < 2 and any(not good for _, good in since):
        return ""
    return "it is not there, and that could be found out"


def _ledger_time(moment: datetime, limits: Limits) -> float:
    return moment.timestamp() - limits.clock_offset_s
