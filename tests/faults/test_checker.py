"""The judge finds each kind of fault, and nothing where all went well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.faults.ledgers import BEGAN, CONVERSATION, Run, a_run
from tests.faults.record import RecordedMessage


def test_a_run_in_which_all_went_well_is_good():
    findings = a_run().judge()

    assert findings.problems == {}
    assert findings.is_good
    assert (findings.expected, findings.delivered) == (3, 3)


def test_a_run_without_any_message_proves_nothing():
    assert not Run().judge().is_good


def _set_aside(run: Run, *, deaths: int) -> None:
    """Lost, but for our record, which says how many workers died with it."""
    lose(run)
    run.record.deliveries = [row for row in run.record.deliveries if row.source_id != "g-2"]
    run.record.messages = [
        replace(row, translation_state="failed", deaths=deaths,
                kinds=Counter({"received": 1, "translation_failed": 1}))
        if row.external_id == "g-2" else row
        for row in run.record.messages
        if row.external_id != "p-2"
    ]  # fmt: skip


def test_what_three_workers_died_with_waits_for_a_person_and_is_not_lost():
    run = a_run()
    _set_aside(run, deaths=3)

    findings = run.judge()

    assert findings.lost == findings.missing_puts == []
    assert findings.set_aside == 1


def test_what_failed_for_no_such_reason_is_lost():
    run = a_run()
    _set_aside(run, deaths=2)

    findings = run.judge()

    assert len(findings.lost) == 1
    assert "failed" in findings.lost[0]["stands"][0]


def lose(run: Run) -> None:
    run.forget("post", 2)
    run.forget("put", 2)


def double(run: Run) -> None:
    run.post(2, id="p-again")


def misplace(run: Run) -> None:
    run.forget("post", 1)
    run.post(1, at=9.0)


def loop(run: Run) -> None:
    row = RecordedMessage(CONVERSATION, "p-2", "guest", "", Counter(received=1), "received")
    run.record.messages.append(row)


def translate_our_own(run: Run) -> None:
    run.ledger.append({"seq": 99, "kind": "translate", "texts": ["Hello 2"],
                       "results": [{"text": "Hello 2"}]})  # fmt: skip


def forget_a_put(run: Run) -> None:
    run.forget("put", 2)


def forget_a_message(run: Run) -> None:
    run.record.messages = [row for row in run.record.messages if row.external_id != "g-2"]


def confirm_what_is_not_there(run: Run) -> None:
    run.change(2, external_id="p-7")


def confirm_somebody_elses(run: Run) -> None:
    run.change(2, translated="Good-bye")


def leave_out_an_entry(run: Run) -> None:
    run.change(2, kinds=Counter({"sending": 1, "attributes_written": 1}))


def send_without_an_entry(run: Run) -> None:
    run.change(2, attempts=2)


def count_what_was_put_back(run: Run) -> None:
    kinds = Counter({"sending": 2, "put back": 1, "confirmed": 1, "attributes_written": 1})
    run.change(2, attempts=2, kinds=kinds)


def receive_without_an_entry(run: Run) -> None:
    rows = run.record.messages
    rows[0] = replace(rows[0], at_its_seq="")


def translate_without_an_entry(run: Run) -> None:
    rows = run.record.messages
    rows[0] = replace(rows[0], kinds=Counter(received=1))


def write_attributes_twice(run: Run) -> None:
    run.change(2, attributes_written=2)


def break_a_chain(run: Run) -> None:
    run.record.broken_chains.append("changed: conversation conv-1, entry 2")


def show_something_else(run: Run) -> None:
    run.pages.append("/ws/live/: 1 of 3 cards differ")


def leave_undelivered(run: Run) -> None:
    run.change(2, state="ambiguous", kinds=Counter({"sending": 1, "ambiguous": 1}),
               attributes_written=0)  # fmt: skip


def deliver_late(run: Run) -> None:
    run.forget("post", 3)
    run.post(3, at=80.0)


def plan_what_never_came(run: Run) -> None:
    run.planned, run.happened = {"kill": 3}, {"kill": 2}


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lose, "lost"),
        (double, "doubled"),
        (misplace, "out_of_order"),
        (loop, "loops"),
        (translate_our_own, "loops"),
        (forget_a_put, "missing_puts"),
        (forget_a_message, "unrecorded"),
        (confirm_what_is_not_there, "false_confirmations"),
        (confirm_somebody_elses, "false_confirmations"),
        (leave_out_an_entry, "unaudited"),
        (send_without_an_entry, "unaudited"),
        (count_what_was_put_back, "unaudited"),
        (receive_without_an_entry, "unaudited"),
        (translate_without_an_entry, "unaudited"),
        (write_attributes_twice, "unaudited"),
        (break_a_chain, "broken_chains"),
        (show_something_else, "dashboards"),
        (leave_undelivered, "stuck"),
        (deliver_late, "stuck"),
        (plan_what_never_came, "did_not_happen"),
    ],
)
def test_it_finds(spoil: Callable[[Run], None], kind: str):
    run = a_run()

    spoil(run)

    assert kind in run.judge().problems


def test_what_waits_for_a_person_rightly_is_counted_and_is_not_lost():
    run = a_run(200)
    run.put_before_a_person(7, after_s=16)

    findings = run.judge()

    assert findings.problems == {}
    assert findings.review == {"nothing shows it": 1}
    assert findings.why_in_review == {"taken up too late": 1}


def test_what_could_have_been_found_out_needs_no_person():
    run = a_run(200)
    run.put_before_a_person(7)
    run.read_history(15.0)
    run.read_history(18.0)

    assert "needless_review" in run.judge().problems


def test_nobody_asked_and_put_it_before_a_person():
    run = a_run(200)
    run.put_before_a_person(7)

    assert "needless_review" in run.judge().problems


def test_a_history_that_could_not_be_read_leaves_it_to_a_person():
    run = a_run(200)
    run.put_before_a_person(7)
    run.read_history(9.0, status=500)
    run.read_history(15.0, status=500)

    assert run.judge().problems == {}


def test_what_the_history_showed_needs_no_person_however_late():
    run = a_run(200)
    run.put_before_a_person(7, after_s=30)
    run.post(7, at=8.0)
    run.read_history(20.0)

    assert "needless_review" in run.judge().problems


def test_what_was_sent_twice_or_is_too_old_is_for_a_person():
    run = a_run(400)
    run.put_before_a_person(7, attempts=2, kinds=Counter({"sending": 2, "review": 1}))
    run.put_before_a_person(9, sending_at=None, attempts=0, kinds=Counter(review=1),
                            review_at=BEGAN + timedelta(seconds=130))  # fmt: skip

    assert run.judge().problems == {}


def test_many_for_a_person_are_too_many():
    run = a_run(20)
    for number in (3, 5):
        run.put_before_a_person(number, after_s=16)

    assert "needless_review" in run.judge().problems
