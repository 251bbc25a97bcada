"""Medians over runs and the one table that is printed: contenders side by side."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

Figures = Mapping[str, float | None]

# Figure, its line in the table, decimals.
LINES = (
    ("messages_s", "messages/s", 0),
    ("added_p50_ms", "added latency p50, ms", 1),
    ("added_p99_ms", "added latency p99, ms", 1),
    ("added_max_ms", "added latency max, ms", 1),
    ("asking_p50_ms", "… until the provider is asked", 1),
    ("posting_p50_ms", "… from its answer to the POST", 1),
    ("cpu_own_ms", "own CPU, ms/message", 2),
    ("cpu_postgres_ms", "PostgreSQL CPU, ms/message", 2),
    ("cpu_redis_ms", "Redis CPU, ms/message", 2),
    ("cpu_stub_ms", "stub CPU, ms/message", 2),
    ("provider_requests_per_message", "provider requests/message", 3),
    ("provider_texts_per_message", "provider texts/message", 3),
    ("puts_per_message", "attribute writes/message", 3),
    ("commits_per_message", "commits/message, reads too", 2),
    ("writing_commits_per_message", "writing commits/message", 2),
    ("connections", "connections to the stub", 0),
    ("rss_mb", "own memory (RSS), MB", 0),
    ("missing", "missing", 0),
    ("doubled", "doubled", 0),
    ("foreign", "POSTs of no message", 0),
    ("order_violations", "order violations", 0),
    ("history_reads", "history reads", 0),
)


def median(runs: Sequence[Figures]) -> Figures:
    """Each figure's own median, over the runs that have it."""
    values: dict[str, list[float]] = {}
    for run in runs:
        for name, value in run.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    return {name: statistics.median(known) for name, known in values.items()}


def table(
    title: str,
    columns: Mapping[str, Figures],
    *,
    lines: Sequence[tuple[str, str, int]] = LINES,
) -> str:
    """A line a figure, a column a contender, and the ratio of the first to the last."""
    names = list(columns)
    heads = [*names, f"{names[0]} / {names[-1]}"] if len(names) > 1 else names
    printed = [title, f"{'':<34}" + "".join(f"{head:>16}" for head in heads)]
    for key, label, decimals in lines:
        values = [columns[name].get(key) for name in names]
        if all(value is None for value in values):
            continue
        cells = [_cell(value, decimals) for value in values]
        if len(names) > 1:
            cells.append(_ratio(values[0], values[-1]))
        printed.append(f"{label:<34}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(printed)


def _cell(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:,.{decimals}f}"


def _ratio(first: float | None, last: float | None) -> str:
    return f"{first / last:.2f} x" if first is not None and last else ""
