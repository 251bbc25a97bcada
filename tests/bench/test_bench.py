"""The bench's stub and its plain proxy do what the figures say; how fast is no test's business."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import report
from bench.contenders import PlainProxy
from bench.load import Load
from bench.records import Records
from bench.runner import measure
from bench.stub_process import Stub


@pytest.mark.parametrize("rate", [0.0, 200.0], ids=["closed loop", "open loop"])
def test_the_plain_proxy_delivers_each_message_of_a_load_once(rate: float) -> None:
    load = Load(tag="test", messages=40, conversations=5, in_flight=8, rate=rate, provider_ms=5)

    with Stub() as stub:
        figures = measure(PlainProxy(), stub, load)

    assert (figures["missing"], figures["doubled"], figures["foreign"]) == (0, 0, 0)
    assert figures["puts_per_message"] == 1
    assert figures["provider_texts_per_message"] == 1
    assert (figures["added_p50_ms"] or 0) > 0


def test_a_slow_platform_applies_at_once_and_answers_late() -> None:
    quick = Load(tag="test", messages=10, conversations=5, in_flight=1, timeout_s=30)

    with Stub() as stub:
        slow = measure(PlainProxy(), stub, replace(quick, platform_ms=500))

    assert slow["missing"] == 0
    # Ten POSTs one after the other; the next message leaves when a POST is applied, not answered.
    # The attributes wait for the answer: the last PUT comes at least that much after its POST.
    assert (slow["added_p50_ms"] or 0) < 500
    assert (slow["elapsed_s"] or 0) >= 0.5


def test_a_post_that_overtakes_an_earlier_message_is_an_order_violation() -> None:
    records = Records()
    for text in ("first", "second"):
        records.note_sent(text, conversation=1, now=0.0)

    records.note_post("EN second", now=1.0)
    records.note_post("EN first", now=2.0)
    records.note_post("EN first", now=3.0)

    summary = records.summary()
    assert summary["order_violations"] == 1
    assert summary["doubled"] == 1


def test_the_providers_own_time_is_no_added_latency() -> None:
    records = Records()
    records.note_sent("hola", conversation=1, now=1.0)
    records.note_provider(["hola"], asked_at=1.004, held_s=0.050)

    records.note_post("EN hola", now=1.060)

    summary = records.summary()
    assert summary["added_p50_ms"] == pytest.approx(10.0)
    assert summary["asking_p50_ms"] == pytest.approx(4.0)
    assert summary["posting_p50_ms"] == pytest.approx(6.0)


def test_an_echo_that_is_translated_again_is_counted_as_foreign() -> None:
    records = Records()
    records.note_sent("hola", conversation=1, now=0.0)

    is_ours = records.note_post("EN EN hola", now=1.0)

    assert not is_ours
    assert records.summary()["foreign"] == 1


def test_the_table_shows_contenders_side_by_side_with_their_ratio() -> None:
    columns = {"Parley": {"messages_s": 1500.0}, "proxy": {"messages_s": 3000.0}}

    lines = report.table("A title", columns).splitlines()

    assert lines[0] == "A title"
    assert lines[2].split() == ["messages/s", "1,500", "3,000", "0.50", "x"]
