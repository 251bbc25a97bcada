"""What a stream makes of a call's chunks: no socket, no database, no clock of its own."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from assist.batching import AGE_S
from assist.calls import HAND_ON_S, Call
from assist.redaction.redactor import Redactor
from conversations.genesys.events import TranscriptionReceived
from conversations.keys import content_key

_BEGAN = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)


def a_call() -> Call:
    return Call(
        "call-1",
        redactor=Redactor(language="en-US"),
        threshold_ms=800,
        content_key=content_key,
    )


def chunk(text: str, *, at_s: float = 0, final: bool = True) -> TranscriptionReceived:
    moment = _BEGAN + timedelta(seconds=at_s)
    return TranscriptionReceived("call-1", moment, text, 0.9, final)


def hear(call: Call, text: str, *, at_s: float = 0.0, late_s: float = 0.1):
    received_at = _BEGAN + timedelta(seconds=at_s + late_s)
    return call.final(chunk(text, at_s=at_s), received_at=received_at, now=at_s, active=1)


def show(call: Call, text: str, *, at_s: float, late_s: float = 0.1):
    received_at = _BEGAN + timedelta(seconds=at_s + late_s)
    return call.interim(chunk(text, at_s=at_s, final=False), received_at=received_at, now=at_s)


def said(batches) -> list[str]:
    return [heard.redacted.text for batch in batches for heard in batch.chunks]


def test_chunks_are_handed_on_by_five_or_when_they_have_waited() -> None:
    call = a_call()
    by_five = [hear(call, f"word {letter}", at_s=0.01) for letter in "abcde"]
    hear(call, "one more word", at_s=1.0)

    assert [len(batches) for batches in by_five] == [0, 0, 0, 0, 1]
    assert call.deadline == pytest.approx(1 + HAND_ON_S)
    assert said(call.due(1.1)) == ["one more word"]


def test_a_chunk_is_handed_on_no_later_than_the_protocol_says() -> None:
    assert HAND_ON_S <= AGE_S


def test_the_same_chunk_is_taken_once() -> None:
    call = a_call()
    hear(call, "hello", at_s=1)
    hear(call, "hello", at_s=1)
    hear(call, "hello", at_s=2)

    [batch] = call.flush(3)
    assert len(batch.chunks) == 2
    assert batch.tally.counts["repeated"] == 1


def test_an_interim_after_its_final_is_not_shown() -> None:
    """TRAP: a late interim never replaces a final."""
    call = a_call()
    assert show(call, "hel", at_s=1).text == "hel"
    hear(call, "hello", at_s=1.5)

    assert show(call, "hell", at_s=1.2) is None
    assert show(call, "and", at_s=2).text == "and"


def test_the_view_is_the_same_whatever_order_a_line_comes_in() -> None:
    """Reliability J1: the final wins, in every order, once."""
    parts = [("hel", False, 1.0), ("hello", False, 1.2), ("hello you", True, 1.4),
             ("hello you", True, 1.4)]  # fmt: skip
    for order in itertools.permutations(parts):
        call = a_call()
        shown = None
        for text, final, at_s in order:
            if final:
                hear(call, text, at_s=at_s)
                shown = None
            elif line := show(call, text, at_s=at_s):
                shown = line.text
        [batch] = call.flush(5)

        assert said([batch]) == ["hello you"]
        assert shown is None


def test_a_late_interim_is_counted_and_not_shown() -> None:
    call = a_call()

    assert show(call, "long ago", at_s=1, late_s=2) is None
    assert call.tally.counts["chunks"] == 1


def test_averages_are_those_of_the_stream_so_far() -> None:
    call = a_call()
    hear(call, "first words", late_s=0.1)
    hear(call, "second words", at_s=1, late_s=0.3)

    [batch] = call.flush(2)
    assert [heard.average_latency_ms for heard in batch.chunks] == [100, 200]


def test_what_was_only_counted_goes_by_itself() -> None:
    call = a_call()
    show(call, "hel", at_s=1)

    batch = call.counted()
    assert batch is not None
    assert (batch.chunks, batch.tally.counts["chunks"]) == ((), 1)
    assert call.counted() is None
