"""Credit: a page that does not read costs a bounded amount, and starts afresh later."""

from __future__ import annotations

import asyncio
import json

import pytest

from conversations.live import outbox as limits
from conversations.live.frames import MESSAGE_BYTES, Frame, encode
from conversations.live.outbox import Outbox

FRAME = Frame("{}", 2)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def drained(outbox: Outbox) -> None:
    task = asyncio.create_task(outbox.run())
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def an_outbox(clock: Clock) -> tuple[Outbox, list[str]]:
    sent: list[str] = []

    async def send(text: str) -> None:
        sent.append(text)

    return Outbox(send, monotonic=clock), sent


async def test_a_page_that_acknowledges_nothing_gets_only_its_credit(clock):
    outbox, sent = an_outbox(clock)

    taken = [outbox.put(FRAME) for _ in range(limits.MAX_FRAMES + 10)]
    await drained(outbox)

    assert taken.count(True) == limits.MAX_FRAMES
    assert outbox.is_stale
    assert len(sent) == 0  # what waited was dropped: a snapshot will say more


async def test_a_page_may_be_behind_by_half_a_megabyte_at_most(clock):
    outbox, _ = an_outbox(clock)
    piece = Frame("x", limits.MAX_BYTES // 10)

    assert all(outbox.put(piece) for _ in range(10))
    assert not outbox.put(piece)


async def test_a_snapshot_may_be_larger_than_the_credit_and_waits_for_it(clock):
    outbox, sent = an_outbox(clock)
    part = Frame("part", limits.MAX_SENT_BYTES // 8)
    outbox.put(FRAME)

    outbox.put_start((part,) * 12)
    outbox.put(Frame("event", 5))
    await drained(outbox)
    assert sent == ["{}", *["part"] * 7]  # no more than the credit is below us
    outbox.acknowledge(8)
    await drained(outbox)
    assert sent[8:] == [*["part"] * 5, "event"]

    assert not outbox.is_starting


async def test_a_frame_larger_than_a_message_goes_out_in_pieces(clock):
    outbox, sent = an_outbox(clock)
    large = encode({"type": "row", "text": '"\\😀' * 20_000})

    outbox.put(large)
    await drained(outbox)
    pieces = [json.loads(text) for text in sent]

    assert "".join(piece["text"] for piece in pieces) == large.text
    assert [piece["last"] for piece in pieces] == [*[False] * (len(pieces) - 1), True]
    assert all(len(text.encode()) <= MESSAGE_BYTES for text in sent)


async def test_a_page_that_reads_nothing_is_sent_no_more_than_its_credit(clock):
    outbox, sent = an_outbox(clock)
    piece = Frame("x", 50_000)

    for _ in range(40):
        outbox.put(piece)
        await drained(outbox)

    assert sum(piece.size for _ in sent) <= limits.MAX_SENT_BYTES
    assert outbox.is_stale


async def test_acknowledged_frames_give_the_credit_back(clock):
    outbox, _ = an_outbox(clock)
    for _ in range(3):
        for _ in range(limits.MAX_FRAMES):
            assert outbox.put(FRAME)
        await drained(outbox)
        assert outbox.acknowledge(outbox._sent)

    assert outbox.has_caught_up()


async def test_more_than_was_sent_cannot_be_acknowledged(clock):
    outbox, _ = an_outbox(clock)
    outbox.put(FRAME)
    await drained(outbox)

    assert not outbox.acknowledge(2)
    assert not outbox.acknowledge(-1)


async def test_a_silent_page_becomes_stale_and_then_hopeless(clock):
    """Reliability F1."""
    outbox, _ = an_outbox(clock)
    outbox.put(FRAME)
    await drained(outbox)

    clock.now = limits.SILENT_S
    outbox.check()
    assert outbox.is_stale
    assert not outbox.is_hopeless

    clock.now += limits.GIVE_UP_S
    assert outbox.is_hopeless


async def test_nothing_goes_out_once_it_is_shut(clock):
    outbox, sent = an_outbox(clock)
    outbox.put(FRAME)
    outbox.shut()
    outbox.put(FRAME)

    await drained(outbox)

    assert sent == []
