"""Adds what was counted to the hour it belongs to, in the transaction of what was counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from assist.models import HourlyMetrics
from assist.tally import COUNTED, Tally
from conversations.models.bulk import among, select_rows, update_rows

_FIELDS = (*COUNTED, "confidence_sum", "latency_sum_ms", "latency_buckets", "redactions")


def add(tallies: Mapping[int, Tally], *, now: datetime) -> None:
    """By conversation; their rows are locked by the caller, so nobody else adds to these."""
    if not tallies:
        return
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = _rows(list(tallies), hour)
    missing = [pk for pk in tallies if pk not in rows]
    if missing:
        HourlyMetrics.objects.bulk_create(
            [HourlyMetrics(conversation_id=pk, hour=hour) for pk in missing],
            ignore_conflicts=True,
        )
        rows |= _rows(missing, hour)
    for pk, tally in tallies.items():
        _add(rows[pk], tally)
    update_rows(list(rows.values()), fields=_FIELDS)


def _rows(conversation_ids: list[int], hour: datetime) -> dict[int, HourlyMetrics]:
    if len(conversation_ids) == 1:
        found = list(HourlyMetrics.objects.filter(conversation_id=conversation_ids[0], hour=hour))
    else:
        these, keys = among("conversation_id", conversation_ids)
        found = select_rows(HourlyMetrics, f"{these} AND hour = %s", [*keys, _stored(hour)])
    return {row.conversation_id: row for row in found}


def _stored(hour: datetime) -> object:
    """As this database compares it."""
    return HourlyMetrics._meta.get_field("hour").get_db_prep_value(hour, connection)


def _add(row: HourlyMetrics, tally: Tally) -> None:
    for name in COUNTED:
        setattr(row, name, getattr(row, name) + tally.counts[name])
    row.confidence_sum += tally.confidence_sum
    latency = row.latency
    latency.merge(tally.latency)
    row.latency_buckets, row.latency_sum_ms = json.dumps(latency.stored()), latency.total_ms
    redactions = Counter(row.redactions_by_kind()) + tally.redactions
    row.redactions = json.dumps(redactions) if redactions else ""
