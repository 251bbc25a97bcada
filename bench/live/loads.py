"""The loads of the live pages: messages at a rate, as fast as pages take them, and the wall."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from dataclasses import dataclass

from bench import cost
from bench.live.contenders import LiveContender, Served
from bench.live.piped import Piped

_SETTLE_S = 1.0  # after the pages have opened
_LAST_WITHIN_S = 15.0
_WINDOW = 2  # bursts under way
_names = itertools.count(1)
Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class LiveLoad:
    """`rate` 0: bursts of `burst` messages, the next one as soon as pages have all but the last."""

    title: str
    pages: int
    conversations: int  # that messages are written to, in turn
    viewers: int  # pages of one conversation
    messages: int
    rate: float = 0.0
    burst: int = 20


def measure(contender: LiveContender, viewers: Piped, load: LiveLoad) -> Figures:
    run = next(_names)
    names = [f"bench-{run}-{number:04d}" for number in range(load.conversations)]
    watched = [names[number // load.viewers % len(names)] for number in range(load.pages)]
    with contender.serving() as served:
        served.prepare(names)
        _open(served, viewers, [f"/ws/live/{name}/" for name in watched])
        before, began = cost.cpu_s(served.pids), time.monotonic()
        if load.rate:
            published = _steady(served, names, load)
        else:
            published = _bursts(served, viewers, names, load)
        watching = Counter(watched)
        expected = sum(watching[names[int(mark) % len(names)]] for mark, _ in published)
        viewers.ask("wait", count=expected, timeout_s=_LAST_WITHIN_S)
        spent, took = cost.cpu_s(served.pids) - before, time.monotonic() - began
        figures: Figures = dict(viewers.ask("summary", published=published, expected=expected))
        figures["rss_mb"] = cost.rss_mb(served.pids)
        viewers.ask("close")
    figures["cpu_percent"] = 100 * spent / took
    figures["cpu_us_a_delivery"] = 1e6 * spent / max(1, expected - (figures["missed"] or 0))
    if load.rate:
        figures.pop("deliveries_s")  # no more than was asked for
    return figures


def measure_wall(
    contender: LiveContender, viewers: Piped, *, rate: float, walls: int, seconds: float
) -> Figures:
    """What the web process spends on walls while so many events happen a second."""
    run = next(_names)
    names = [f"wall-{run}-{number:04d}" for number in range(200)]
    with contender.serving() as served:
        served.prepare(names)
        _open(served, viewers, ["/ws/live/"] * walls)
        before, began = cost.cpu_s(served.pids), time.monotonic()
        served.publisher.ask(
            "steady", names=names, rate=rate, messages=int(rate * seconds), first=1
        )
        spent, took = cost.cpu_s(served.pids) - before, time.monotonic() - began
        found = viewers.ask("summary", published=[], expected=0)
        viewers.ask("close")
    updates = found["messages_a_delivery"] / walls / took
    return {"cpu_percent": 100 * spent / took, "updates_s": updates, "closed": found["closed"]}


def _open(served: Served, viewers: Piped, pages: list[str]) -> None:
    headers, acks = served.headers, served.acknowledges
    viewers.ask("open", port=served.port, pages=pages, headers=headers, acks=acks)
    time.sleep(_SETTLE_S)
    viewers.ask("begin")


def _steady(served: Served, names: list[str], load: LiveLoad) -> list[list[float]]:
    # Marks begin where the first one goes to the first conversation.
    answer = served.publisher.ask(
        "steady", names=names, rate=load.rate, messages=load.messages, first=len(names)
    )
    return list(answer["published"])


def _bursts(served: Served, viewers: Piped, names: list[str], load: LiveLoad) -> list[list[float]]:
    published: list[list[float]] = []
    a_message = load.pages // len(names)
    while len(published) < load.messages:
        had = (len(published) - _WINDOW * load.burst) * a_message
        viewers.ask("wait", count=max(0, had), timeout_s=_LAST_WITHIN_S)
        first = len(names) + len(published)
        answer = served.publisher.ask("burst", names=names, messages=load.burst, first=first)
        published += answer["published"]
    return published
