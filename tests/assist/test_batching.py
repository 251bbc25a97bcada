"""Five chunks or 250 ms, whichever is first, and at the end whatever there is."""

from __future__ import annotations

from assist.batching import AGE_S, Batcher


def test_five_are_handed_on_at_once() -> None:
    batcher: Batcher[int] = Batcher()

    handed = [batcher.add(number, now=0.0) for number in range(6)]

    assert handed == [[], [], [], [], [0, 1, 2, 3, 4], []]


def test_fewer_are_handed_on_when_the_oldest_has_waited_long_enough() -> None:
    batcher: Batcher[str] = Batcher()
    batcher.add("first", now=10.0)
    batcher.add("second", now=10.2)

    assert batcher.deadline == 10.0 + AGE_S
    assert batcher.due(10.24) == []
    assert batcher.due(10.25) == ["first", "second"]
    assert batcher.deadline is None


def test_nothing_is_due_where_nothing_waits() -> None:
    assert Batcher[int]().due(1e9) == []
    assert Batcher[int]().flush() == []
