"""The part of the bench about live pages: every load for every contender in turn, medians."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack

from bench import report
from bench.live.contenders import BareBroadcast, LiveContender, LiveParley, StockChannels
from bench.live.loads import LiveLoad, measure, measure_wall
from bench.live.piped import Piped
from bench.parley import Parley

_WALLS = 20
_WALL_RATES = (10.0, 100.0)
_SECONDS = 20
LINES = (
    ("p50_ms", "commit to browser p50, ms", 0),
    ("p99_ms", "commit to browser p99, ms", 0),
    ("max_ms", "commit to browser max, ms", 0),
    ("deliveries_s", "deliveries/s", 0),
    ("missed", "missed", 0),
    ("doubled", "doubled", 0),
    ("resyncs", "resyncs", 0),
    ("closed", "closed", 0),
    ("cpu_percent", "web CPU, % of a core", 1),
    ("cpu_us_a_delivery", "web CPU, µs/delivery", 1),
    ("rss_mb", "web memory (RSS), MB", 0),
    ("messages_a_delivery", "messages on the socket/delivery", 2),
    ("updates_s", "updates/s and wall", 2),
)


def loads(*, seconds: int) -> Iterator[LiveLoad]:
    """Ten pages a conversation; then everybody at one; then as fast as it goes."""
    for pages in (1, 100, 500):
        yield LiveLoad(
            title=f"50 messages/s over 50 conversations, {pages} pages, ten a conversation",
            pages=pages,
            conversations=50,
            viewers=10,
            messages=50 * seconds,
            rate=50.0,
        )
    yield LiveLoad(
        title="10 messages/s in one conversation, 500 pages",
        pages=500,
        conversations=1,
        viewers=500,
        messages=10 * seconds,
        rate=10.0,
    )
    yield LiveLoad(
        title="As fast as it goes, one conversation, 100 pages",
        pages=100,
        conversations=1,
        viewers=100,
        messages=100 * seconds,
    )


def run(*, runs: int, seconds: int = _SECONDS) -> list[dict[str, object]]:
    kept: list[dict[str, object]] = []
    with ExitStack() as stack:
        site = stack.enter_context(Parley())
        viewers = stack.enter_context(Piped("bench.live.viewers"))
        contenders = [LiveParley(site), StockChannels(site), BareBroadcast(site)]
        for load in loads(seconds=seconds):
            kept += _load(contenders, viewers, load, runs=runs)
        kept += _walls(contenders[0], viewers, runs=runs, seconds=seconds)
    return kept


def _load(
    contenders: list[LiveContender], viewers: Piped, load: LiveLoad, *, runs: int
) -> list[dict[str, object]]:
    found: dict[str, list[report.Figures]] = {one.name: [] for one in contenders}
    for number in range(1, runs + 1):
        for contender in contenders:  # in turn: the machine drifts for all alike
            sys.stderr.write(f"{load.title}, run {number}: {contender.name} …\n")
            found[contender.name].append(measure(contender, viewers, load))
    _print(f"{load.title}, median of {runs}", found)
    return [
        {"load": load.title, "contender": name, **figures}
        for name, several in found.items()
        for figures in several
    ]


def _walls(
    contender: LiveContender, viewers: Piped, *, runs: int, seconds: int
) -> list[dict[str, object]]:
    found: dict[str, list[report.Figures]] = {}
    for _ in range(runs):
        for rate in _WALL_RATES:
            sys.stderr.write(f"{_WALLS} walls, {rate:g} events/s …\n")
            figures = measure_wall(contender, viewers, rate=rate, walls=_WALLS, seconds=seconds)
            found.setdefault(f"{rate:g} events/s", []).append(figures)
    _print(f"{_WALLS} walls of 200 conversations, median of {runs}", found)
    return [
        {"load": "walls", "contender": name, **figures}
        for name, several in found.items()
        for figures in several
    ]


def _print(title: str, found: dict[str, list[report.Figures]]) -> None:
    medians = {name: report.median(several) for name, several in found.items()}
    sys.stdout.write(report.table(title, medians, lines=LINES) + "\n\n")
    sys.stdout.flush()
