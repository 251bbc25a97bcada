"""What is counted adds up, whatever the parts."""

from __future__ import annotations

from assist.latency import Latency
from assist.tally import Tally


def test_two_tallies_add_up_to_one() -> None:
    first, second = Tally(), Tally()
    first.final(Latency(100, is_late=False), 0.9)
    second.final(Latency(900, is_late=True), 0.5)
    second.final(Latency(0, is_late=False, is_ahead=True), None)
    second.redactions["CARD"] += 1

    first.merge(second)

    assert first.counts["finals"] == 3
    assert (first.counts["late"], first.counts["ahead"]) == (1, 1)
    assert (first.counts["confidence_count"], first.counts["low_confidence"]) == (2, 1)
    assert first.latency.count == 3
    assert first.redactions == {"CARD": 1}


def test_an_empty_tally_is_nothing_to_write() -> None:
    assert not Tally()
