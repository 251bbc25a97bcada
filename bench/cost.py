"""What process trees cost: CPU seconds, resident memory, commits of PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import psycopg


@dataclass(frozen=True, slots=True)
class Commits:
    """`all` counts reads too and lags by up to a second; `writing` is exact: ids given out."""

    all: int
    writing: int


def tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_s(pids: list[int]) -> float:
    """User and system time of the trees, with the children that have already ended."""
    total = 0.0
    for process in (one for pid in pids for one in tree(pid)):
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


def rss_mb(pids: list[int]) -> float:
    total = 0
    for process in (one for pid in pids for one in tree(pid)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def commits(database_url: str) -> Commits:
    query = (
        "SELECT xact_commit, pg_snapshot_xmax(pg_current_snapshot())::text::bigint "
        "FROM pg_stat_database WHERE datname = current_database()"
    )
    with psycopg.connect(database_url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return Commits(all=row[0], writing=row[1])
