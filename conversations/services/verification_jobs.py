"""Verifies the whole journal in several processes, each a range of conversations.

A chain belongs to one conversation, so that ranges know nothing of each other.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import pairwise
from multiprocessing import get_context

import django
from django.db import connection
from django.db.models import Sum

from conversations.models import Conversation
from conversations.services.verification import FAULTS_KEPT, Range, Report, verify_journal

WORTH_A_PROCESS = 50_000  # entries; a process is up after about as long as these take
MOST = 8  # the database has others to serve


class VerificationBroken(RuntimeError):
    """A process of the verification died; nothing is known of its range."""


def verify_in_processes(jobs: int | None = None) -> Report:
    """Every chain from its first entry; `jobs`: at most so many processes, by default one for each
    core (up to 8). Raises VerificationBroken."""
    jobs = min(jobs or _cores(), MOST)
    ranges = _ranges(jobs)
    if len(ranges) == 1:
        return verify_journal()
    # A new process reads the settings anew; the database is the one of who asks.
    database = str(connection.settings_dict["NAME"])
    pool = ProcessPoolExecutor(
        len(ranges), mp_context=get_context("spawn"), initializer=django.setup
    )
    with pool:
        try:
            parts = list(pool.map(partial(_verify, database), ranges))
        except BrokenProcessPool:
            raise VerificationBroken("A process of the verification died; run it again.") from None
    return _joined(parts)


def _cores() -> int:
    """Those that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _verify(database: str, between: Range) -> Report:
    connection.settings_dict["NAME"] = database
    return verify_journal(between=between)


def _ranges(jobs: int) -> list[Range]:
    """Of the conversations' keys, with about as many entries in each; together they are all."""
    entries = Conversation.objects.aggregate(sum=Sum("seq"))["sum"] or 0
    count = max(1, min(jobs, entries // WORTH_A_PROCESS))
    starts: list[int | None] = [None]
    seen = 0
    if count > 1:
        sizes = Conversation.objects.order_by("pk").values_list("pk", "seq")
        for key, seq in sizes.iterator(chunk_size=10_000):
            if seen >= entries * len(starts) / count and len(starts) < count:
                starts.append(key)
            seen += seq
    return [*pairwise(starts), (starts[-1], None)]


def _joined(parts: list[Report]) -> Report:
    whole = Report()
    for part in parts:
        whole.entries += part.entries
        whole.valid_entries += part.valid_entries
        whole.chains += part.chains
        whole.valid_chains += part.valid_chains
        whole.texts += part.texts
        whole.faults += part.faults
    del whole.faults[FAULTS_KEPT:]
    return whole
