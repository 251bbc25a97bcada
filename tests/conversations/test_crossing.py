"""What gathers is committed together; one bad item fails alone; a lost database is asked again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection

from conversations import crossing as module
from conversations.crossing import LATER, Closed, Crossing


class Commits:
    """A database that can be held up, refuse an item, or be away for a while."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.refused: set[Any] = set()
        self.away = 0

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        self.threads.add(threading.current_thread().name)
        assert self.gate.wait(5)
        if self.away:
            self.away -= 1
            raise OperationalError("server closed the connection")
        if self.refused & set(items):
            raise IntegrityError("refused")
        self.batches.append(list(items))
        return [ValueError(item) if item == "its own error" else f"{item}!" for item in items]


@asynccontextmanager
async def opened(commits: Callable[..., Any], **more: Any) -> AsyncIterator[Crossing[Any]]:
    crossing: Crossing[Any] = Crossing(commits, name="test", **more)
    try:
        yield crossing
    finally:
        await crossing.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_S", (0.0, 0.0))


async def test_what_came_during_a_commit_goes_into_the_next_one_in_order():
    commits = Commits()
    async with opened(commits) as crossing:
        commits.gate.clear()
        first = crossing.submit(0)
        await asyncio.sleep(0.01)
        others = [crossing.submit(number) for number in range(1, 50)]
        commits.gate.set()

        results = await asyncio.gather(first, *others)

    assert results == [f"{number}!" for number in range(50)]
    assert commits.batches == [[0], list(range(1, 50))]
    assert crossing.commits == 2


async def test_a_commit_has_a_bound():
    commits = Commits()
    async with opened(commits, limit=10) as crossing:
        await asyncio.gather(*(crossing.commit(number) for number in range(25)))

    assert [len(batch) for batch in commits.batches] == [10, 10, 5]


async def test_one_bad_item_fails_alone():
    commits = Commits()
    commits.refused = {2}
    async with opened(commits) as crossing:
        results = await asyncio.gather(
            *(crossing.commit(number) for number in range(4)), return_exceptions=True
        )

    assert [results[0], results[1], results[3]] == ["0!", "1!", "3!"]
    assert isinstance(results[2], IntegrityError)
    assert commits.batches == [[0], [1], [3]]


async def test_an_item_may_end_with_an_error_of_its_own():
    async with opened(Commits()) as crossing:
        results = await asyncio.gather(
            crossing.commit(1), crossing.commit("its own error"), return_exceptions=True
        )

    assert results[0] == "1!"
    assert isinstance(results[1], ValueError)


async def test_a_database_that_comes_back_loses_nothing():
    commits = Commits()
    commits.away = 2
    async with opened(commits) as crossing:
        results = await asyncio.gather(crossing.commit(1), crossing.commit(2))

    assert results == ["1!", "2!"]
    assert commits.batches == [[1, 2]]


async def test_a_database_that_stays_away_is_said_to_everybody_who_waits():
    commits = Commits()
    commits.away = 3
    async with opened(commits) as crossing:
        results = await asyncio.gather(
            crossing.commit(1), crossing.commit(2), return_exceptions=True
        )
        after = await crossing.commit(3)

    assert [type(result) for result in results] == [OperationalError, OperationalError]
    assert after == "3!"


@pytest.mark.django_db
async def test_a_database_without_its_tables_is_waited_for_like_one_that_is_away():
    tries = 0

    def commit(items: Sequence[Any]) -> list[Any]:
        nonlocal tries
        tries += 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM not_there" if tries < 3 else "SELECT 1")
        return [f"{item}!" for item in items]

    async with opened(commit) as crossing:
        assert await crossing.commit(1) == "1!"


async def test_who_no_longer_waits_does_not_disturb_the_others():
    commits = Commits()
    async with opened(commits) as crossing:
        gone, stays = crossing.submit(1), crossing.submit(2)
        gone.cancel()

        assert await stays == "2!"

    assert commits.batches == [[1, 2]]


async def test_closing_commits_what_waits():
    commits = Commits()
    crossing: Crossing[Any] = Crossing(commits, name="test")
    waiting = [crossing.submit(number) for number in range(3)]

    await crossing.close()

    assert [future.result() for future in waiting] == ["0!", "1!", "2!"]


async def test_a_closed_one_says_so_in_its_own_words():
    crossing: Crossing[Any] = Crossing(Commits(), name="test")
    await crossing.close()

    with pytest.raises(Closed, match="test"):
        await crossing.call(lambda: None)


async def test_everything_runs_on_one_thread_that_is_not_the_loops():
    commits = Commits()
    async with opened(commits) as crossing:
        await crossing.commit(1)
        name = await crossing.call(lambda: threading.current_thread().name)

    assert commits.threads == {name}
    assert name != threading.current_thread().name


async def test_what_is_put_off_comes_first_in_the_next_batch_and_in_its_order():
    batches: list[list[str]] = []

    def commit(items: Sequence[str]) -> list[object]:
        batches.append(list(items))
        return [LATER if len(batches) == 1 and one.startswith("a") else one for one in items]

    crossing: Crossing[str] = Crossing(commit, name="test")
    results = await asyncio.gather(*(crossing.commit(one) for one in ("a1", "b1", "a2")))
    await crossing.close()

    assert results == ["a1", "b1", "a2"]
    assert batches == [["a1", "b1", "a2"], ["a1", "a2"]]
