"""Which deliveries were rightly put before a person (reliability 5.3, protocol §1 Injecting).

Only where finding out was impossible: too old, sent twice already, taken up only after HEAD_WAIT_S
because its worker was gone, or no history to be read. And never many.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
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
    """The settings of the run, in seconds, and wall clock − the ledger's monotonic clock.

    `deaf`: from when to when (ledger's clock) the gateways were hurt, so that an echo may have been
    missed although the socket was open.
    """

    reconcile_window_s: float = 5.0
    head_wait_s: float = 12.0
    ttl_s: float = 120.0
    clock_offset_s: float = 0.0
    deaf: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why a person has to decide, or why nobody should have been asked."""

    why: str
    is_needed: bool


def judge_reviews(
    ledger: Iterable[Entry],
    deliveries: Sequence[RecordedDelivery],
    *,
    expected: int,
    limits: Limits,
    set_aside: int = 0,
) -> tuple[list[Finding], Counter[str]]:
    """Those without need, and all of them counted by why. `set_aside`: what waits for a person
    because its workers died; together they must be few."""
    reviewed = [row for row in deliveries if row.state == "review"]
    entries = list(ledger)
    reads, unclaimed = _reads(entries), _unclaimed(entries, deliveries)
    found: list[Finding] = []
    reasons: Counter[str] = Counter()
    for row in reviewed:
        judgement = _judge(row, reads[row.conversation], unclaimed, limits)
        reasons[judgement.why] += 1
        if not judgement.is_needed:
            finding = {"conversationId": row.conversation, "id": row.source_id}
            found.append({**finding, "reason": row.reason, "why": judgement.why})
    allowed = math.ceil(expected * _OVER_SHARE)
    waiting = len(reviewed) + set_aside
    if waiting > allowed:
        found.append({"why": f"{waiting} wait for a person of {expected}, {allowed} are allowed"})
    return found, reasons


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


def _judge(
    row: RecordedDelivery,
    reads: Sequence[tuple[float, bool]],
    unclaimed: Mapping[tuple[str, str], float],
    limits: Limits,
) -> Judgement:
    if row.review_at is None:
        return Judgement("no journal entry says when", is_needed=False)
    is_old = (row.review_at - row.sent_at).total_seconds() >= limits.ttl_s - 1
    if row.sending_at is None:
        return Judgement("never sent, too old" if is_old else "never sent", is_needed=is_old)
    sent, reviewed = (_ledger_time(moment, limits) for moment in (row.sending_at, row.review_at))
    since = [(at, good) for at, good in reads if sent < at <= reviewed]
    applied_at = unclaimed.get((row.conversation, row.translated))
    if applied_at is not None:
        was_shown = any(good and at > applied_at for at, good in since)
        shown = "it is there and the history showed it" if was_shown else "it is there, unseen"
        return Judgement(shown, is_needed=not was_shown)
    if row.attempts >= 2:
        return Judgement("sent twice", is_needed=True)
    if is_old:
        return Judgement("too old", is_needed=True)
    if reviewed - sent > limits.head_wait_s + _LATE_S:
        return Judgement("taken up too late", is_needed=True)
    if any(begun < reviewed and sent < ended for begun, ended in limits.deaf):
        return Judgement("an echo may have been missed", is_needed=True)
    telling = sum(good for at, good in since if at >= sent + limits.reconcile_window_s)
    if telling < 2 and any(not good for _, good in since):
        return Judgement("the history could not be read", is_needed=True)
    return Judgement("it is not there, and that could be found out", is_needed=False)


def _ledger_time(moment: datetime, limits: Limits) -> float:
    return moment.timestamp() - limits.clock_offset_s
