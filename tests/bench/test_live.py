"""The bench of the live pages, small: every contender gets everything to every page, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.live.contenders import BareBroadcast, LiveParley, StockChannels
from bench.live.loads import LiveLoad, measure, measure_wall
from bench.live.piped import Piped
from bench.live.viewers import Book
from bench.parley import Parley

STEADY = LiveLoad("steady", pages=6, conversations=3, viewers=2, messages=30, rate=30.0)
FAST = LiveLoad("fast", pages=4, conversations=1, viewers=4, messages=80)


@pytest.fixture(scope="module")
def site() -> Iterator[Parley]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "REDIS_URL"):  # servers of its own, as `make bench` has
            patch.delenv(name, raising=False)
        with Parley() as running:
            yield running


@pytest.mark.timeout(240)
def test_each_contender_delivers_all_of_a_small_load(site: Parley) -> None:
    with Piped("bench.live.viewers") as viewers:
        for kind in (LiveParley, StockChannels, BareBroadcast):
            for load in (STEADY, FAST):
                figures = measure(kind(site), viewers, load)

                lost = {name: figures[name] for name in ("missed", "doubled", "closed")}
                assert lost == {"missed": 0, "doubled": 0, "closed": 0}, (kind.name, load.title)
                assert 0 < (figures["p50_ms"] or 0) <= (figures["p99_ms"] or 0)


def test_a_wall_is_updated_twice_a_second_at_most(site: Parley) -> None:
    with Piped("bench.live.viewers") as viewers:
        figures = measure_wall(LiveParley(site), viewers, rate=20, walls=2, seconds=4)

    # A heartbeat is a message as well.
    assert 0 < (figures["updates_s"] or 0) <= 2 + 1 / 4 + 0.5
    assert figures["closed"] == 0


def test_what_never_came_is_counted_as_missed() -> None:
    book = Book()
    book.marks.append(1)
    book.times.append(10.050)

    summary = book.summary({1: 10.0, 2: 10.0}, expected=2)

    assert summary["missed"] == 1
    assert summary["p99_ms"] == pytest.approx(50)
