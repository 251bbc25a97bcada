"""A plan follows from its seed, has what was asked for, and leaves time for all of it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from tests.faults.plan import GATEWAY_POINTS, LAST, WORKER_POINTS, Sizes, make_plan

NAMES = ("gateway-1", "gateway-2", "worker-1", "worker-2", "web-1")


def test_the_same_seed_gives_the_same_plan():
    first, again, other = (make_plan(Sizes(), seed=seed, processes=NAMES) for seed in (7, 7, 8))

    assert first == again
    assert first.rules == again.rules
    assert first.steps != other.steps


def test_every_process_and_every_point_has_its_turn():
    plan = make_plan(Sizes(), seed=1, processes=NAMES)

    counts = plan.counts()
    victims = {step.target for step in plan.steps if step.kind == "kill"}

    assert victims == set(NAMES)
    assert all(counts[name] for name in (*GATEWAY_POINTS, *WORKER_POINTS))
    assert counts["kill"] + sum(counts[name] for name in counts if name.startswith("K")) == 30
    assert (counts["redis_flush"], counts["postgres_kill"], counts["drop"]) == (2, 2, 5)


def test_every_process_is_restarted_and_every_kind_is_paused():
    plan = make_plan(Sizes(pauses=3), seed=1, processes=NAMES)

    restarted = [step.target for step in plan.steps if step.kind == "restart"]
    paused = {step.target.partition("-")[0] for step in plan.steps if step.kind == "pause"}

    assert sorted(restarted) == sorted(NAMES)
    assert paused == {"gateway", "worker", "web"}


def test_as_many_requests_go_wrong_as_were_asked_for():
    plan = make_plan(Sizes(), seed=1, processes=NAMES)

    faulty: Counter[str] = Counter()
    for rule in plan.rules:
        faulty["echo" if "echo" in rule["kind"] else rule["where"]] += len(rule["nth"])

    assert faulty["post"] == faulty["echo"] == faulty["socket"] == 150
    kinds = {rule["kind"] for rule in plan.rules if rule["where"] == "post"}
    assert {"reset_before", "reset_after", "502", "504", "429", "late_apply"} <= kinds
    assert max(number for rule in plan.rules for number in rule["nth"]) <= 2700


def test_nothing_begins_after_the_last_moment():
    plan = make_plan(Sizes(kills=200), seed=1, processes=NAMES)

    assert max(step.at for step in plan.steps) <= LAST
    assert list(plan.steps) == sorted(plan.steps)


def test_a_part_is_not_hit_twice_at_once():
    plan = make_plan(Sizes(), seed=1, processes=NAMES)

    for role in ("gateway", "worker"):
        moments = [step.at for step in plan.steps if step.target.startswith(role)]
        assert min(b - a for a, b in pairwise(moments)) > 0.01
