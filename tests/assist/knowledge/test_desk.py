"""The desk asks beside the stream: bounded, limited, cached, with a breaker. Each asks once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from assist.knowledge import desk as desks
from assist.knowledge.base import Article, KnowledgeFailed
from assist.knowledge.desk import Desk, Question, Reply


class Service:
    """Answers with the query as a title, unless told otherwise."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def look_up(
        self, query: str, *, interaction_id: str, confidence: float | None
    ) -> Sequence[Article]:
        self.asked.append(query)
        await self.gate.wait()
        if self.error:
            raise self.error
        return [Article(query)]

    async def aclose(self) -> None:
        return None


def a_question(query: str, *, ago_s: float = 0.0) -> Question:
    now = asyncio.get_running_loop().time()
    return Question(query, "call-1", 0.9, now - ago_s)


async def answer(desk: Desk, query: str, *, ago_s: float = 0.0) -> Reply:
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    desk.ask(a_question(query, ago_s=ago_s), future.set_result)
    async with asyncio.timeout(5):
        return await future


@pytest.fixture
async def service() -> Service:
    return Service()


@pytest.fixture
async def desk(service):
    made = Desk(service)
    yield made
    service.gate.set()
    await made.close()


async def test_a_question_gets_its_articles(desk) -> None:
    reply = await answer(desk, "refund")

    assert [article.title for article in reply.articles] == ["refund"]
    assert not reply.is_late
    assert not reply.from_cache
    assert not reply.error


async def test_an_equal_question_is_asked_once(desk, service) -> None:
    await answer(desk, "My Refund")
    again = await answer(desk, "  my   refund ")

    assert again.from_cache
    assert service.asked == ["My Refund"]


async def test_an_answer_long_after_the_words_is_late(desk) -> None:
    assert (await answer(desk, "refund", ago_s=3)).is_late


async def test_a_full_queue_drops_the_oldest_and_says_so(desk, service, monkeypatch) -> None:
    monkeypatch.setattr(desks, "QUEUE", 3)
    service.gate.clear()
    dropped: list[int] = []
    for number in range(desks.WORKERS + 3):
        desk.ask(a_question(f"q{number}"), lambda reply: None)
        await asyncio.sleep(0)
    for number in range(3):
        desk.ask(
            a_question(f"late {number}"),
            lambda reply, number=number: dropped.append(number) if reply.was_dropped else None,
        )
    desk.ask(a_question("last"), lambda reply: None)

    assert dropped == [0]


async def test_a_service_that_fails_is_left_alone_for_a_while(desk, service) -> None:
    service.error = KnowledgeFailed("answered with status 503")
    errors = [(await answer(desk, f"q{n}")).error for n in range(desks.FAILURES)]

    after = await answer(desk, "one more")

    assert all("503" in error for error in errors)
    assert "not asked for 15 s" in errors[-1]
    assert after.was_dropped
    assert len(service.asked) == desks.FAILURES


async def test_a_service_without_an_answer_is_given_up(desk, service, monkeypatch) -> None:
    monkeypatch.setattr(desks, "LIMIT_S", 0.05)
    service.gate.clear()

    assert (await answer(desk, "refund")).error == "no answer within the time limit"


async def test_what_waits_at_the_end_is_answered_as_dropped(service) -> None:
    desk = Desk(service)
    service.gate.clear()
    replies: list[Reply] = []
    for number in range(10):
        desk.ask(a_question(f"q{number}"), replies.append)
    await asyncio.sleep(0.01)

    await desk.close()

    assert [reply.was_dropped for reply in replies] == [True] * 10
