"""What is to go wrong in a run, and when: from a seed alone, so that a run can be had again.

A moment is a share of the load that has been said. Faults of single requests are rules for the
simulator with exact numbers of requests, so that as many fire as were planned.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

GATEWAY_POINTS = ("K1", "K2")
WORKER_POINTS = ("K3", "K4", "K5", "K6", "K7", "K8", "K9", "K10", "K11")
RARE_POINTS = frozenset({"K2", "K5"})  # a batch is many frames; few wait behind another one
FIRST, LAST = 0.05, 0.88  # nothing before all runs, nothing after which no request comes

# What a POST may meet, by its share of all faulty ones (issue: reset before and after applying,
# 502 and 504 after applying, 429, late apply up to 4 s).
POST_FAULTS: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.18, {"kind": "reset_before"}),
    (0.18, {"kind": "reset_after"}),
    (0.14, {"kind": "502", "applied": True, "html": True}),
    (0.14, {"kind": "504", "applied": True}),
    (0.14, {"kind": "429", "retry_after": 1}),
    (0.06, {"kind": "late_apply", "after_s": 1.0, "answer": "reset"}),
    (0.06, {"kind": "late_apply", "after_s": 2.5, "answer": "504"}),
    (0.06, {"kind": "late_apply", "after_s": 4.0, "answer": "reset"}),
    (0.04, {"kind": "timeout_after", "hang_s": 9}),
)
ECHO_FAULTS: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.25, {"kind": "lost_echo"}),
    (0.25, {"kind": "late_echo", "ms": 2000}),
    (0.25, {"kind": "early_echo", "ms": 300}),
    (0.25, {"kind": "duplicate_echo"}),
)
PUT_FAULTS: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.5, {"kind": "reset_after"}),
    (0.5, {"kind": "503"}),
)
TRANSLATE_FAULTS: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.4, {"kind": "503"}),
    (0.3, {"kind": "html"}),
    (0.3, {"kind": "truncated"}),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything; shares are of the messages. Durations in seconds."""

    messages: int = 3000
    conversations: int = 60
    rate: float = 12.0  # messages a second: slow, so that the deaths lie further apart
    post_faults: float = 0.05
    echo_faults: float = 0.05
    duplicates: float = 0.05
    put_faults: float = 0.01
    translate_faults: int = 6
    kills: int = 30  # over all processes and kill points
    redis_flushes: int = 2
    redis_restarts: int = 0
    redis_half_open: int = 0
    postgres_kills: int = 2
    postgres_half_open: int = 0
    drops: int = 5
    restarts: int = 5  # SIGTERM, one process after the other
    pauses: int = 1  # SIGSTOP longer than a lease, then SIGCONT
    provider_slow: int = 1  # a byte a second
    provider_down: int = 1
    platform_stalls: int = 0  # shorter than a request may take


@dataclass(frozen=True, slots=True, order=True)
class Step:
    at: float  # share of the load that has been said
    kind: str
    target: str = ""
    point: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    sizes: Sizes
    steps: tuple[Step, ...]
    rules: tuple[dict[str, Any], ...] = field(repr=False)

    def counts(self) -> Counter[str]:
        """How often each kind of step is planned; kill points by their names."""
        return Counter(step.point.split(":")[0] or step.kind for step in self.steps)


def make_plan(sizes: Sizes, *, seed: int, processes: Sequence[str]) -> Plan:
    """`processes`: their names, which begin with gateway, worker or web."""
    rng = random.Random(seed)
    hit: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for kind in _kinds(sizes, rng, processes):
        hit[_who_is_hit(kind)].append(kind)
    steps = [
        Step(at=FIRST + (LAST - FIRST) * (place + rng.uniform(0.2, 0.8)) / len(kinds), **kind)
        for kinds in hit.values()
        for place, kind in enumerate(rng.sample(kinds, len(kinds)))
    ]
    return Plan(seed, sizes, tuple(sorted(steps)), tuple(_rules(sizes, rng)))


def _who_is_hit(kind: dict[str, Any]) -> str:
    """What hits the same part comes at even distances: it needs its lease's time to recover."""
    part = str(kind["kind"]).partition("_")[0]
    if part in ("redis", "provider"):
        return part
    return str(kind.get("target", "")).partition("-")[0] or "gateway"


def _kinds(sizes: Sizes, rng: random.Random, processes: Sequence[str]) -> Iterator[dict[str, Any]]:
    gateways = [name for name in processes if name.startswith("gateway")]
    workers = [name for name in processes if name.startswith("worker")]
    # Every second kill at a point, each point in its turn; the others whenever it happens to be.
    points = itertools.cycle((*GATEWAY_POINTS, *WORKER_POINTS))
    victims = itertools.cycle(processes)
    for number in range(sizes.kills):
        if number % 2:
            yield {"kind": "kill", "target": next(victims)}
            continue
        name = next(points)
        # A gateway stands by: whoever of them holds the stream passes the point.
        role = "gateway" if name in GATEWAY_POINTS else rng.choice(workers)
        nth = 1 if name in RARE_POINTS else rng.randint(1, 12)
        yield {"kind": "point", "target": role, "point": f"{name}:{nth}:kill"}
    restarted, paused = itertools.cycle(processes), itertools.cycle(_mixed(processes))
    for _ in range(sizes.restarts):
        yield {"kind": "restart", "target": next(restarted)}
    for _ in range(sizes.pauses):
        yield {"kind": "pause", "target": next(paused), "seconds": 18.0}
    for kind, count, seconds in (
        ("redis_flush", sizes.redis_flushes, 0.0),
        ("redis_restart", sizes.redis_restarts, 1.0),
        ("redis_half_open", sizes.redis_half_open, 5.0),
        ("postgres_kill", sizes.postgres_kills, 1.0),
        ("postgres_half_open", sizes.postgres_half_open, 5.0),
        ("drop", sizes.drops, 0.0),
        ("provider_slow", sizes.provider_slow, 6.0),
        ("provider_down", sizes.provider_down, 3.0),
        ("platform_stall", sizes.platform_stalls, 4.0),
    ):
        for _ in range(count):
            yield {"kind": kind, "seconds": seconds}
    assert gateways, "nobody would hold the stream"


def _mixed(processes: Sequence[str]) -> list[str]:
    """A worker first, then one of each role in turn: every kind is paused where there are pauses
    enough."""
    roles: defaultdict[str, list[str]] = defaultdict(list)
    for name in processes:
        roles[name.partition("-")[0]].append(name)
    order = ("worker", "gateway", "web")
    rounds = itertools.zip_longest(*(roles[role] for role in order if roles[role]))
    return [name for one in rounds for name in one if name]


def _rules(sizes: Sizes, rng: random.Random) -> Iterator[dict[str, Any]]:
    wanted = sizes.messages
    yield from _exact("post", POST_FAULTS, round(wanted * sizes.post_faults), wanted, rng)
    yield from _exact("post", ECHO_FAULTS, round(wanted * sizes.echo_faults), wanted, rng)
    yield from _exact("put", PUT_FAULTS, round(wanted * sizes.put_faults), wanted, rng)
    yield from _exact("translate", TRANSLATE_FAULTS, sizes.translate_faults, wanted // 4, rng)
    repeated = [(1.0, {"kind": "duplicate"})]
    yield from _exact("socket", repeated, round(wanted * sizes.duplicates), wanted, rng)


def _exact(
    where: str,
    kinds: Sequence[tuple[float, dict[str, Any]]],
    count: int,
    requests: int,
    rng: random.Random,
) -> Iterator[dict[str, Any]]:
    """Rules that together fire `count` times within nine tenths of `requests`."""
    numbers = rng.sample(range(1, max(2, int(requests * 0.9))), count)
    taken = 0
    for place, (share, kind) in enumerate(kinds):
        end = count if place == len(kinds) - 1 else taken + round(count * share)
        if chosen := sorted(numbers[taken:end]):
            yield {"where": where, "nth": chosen, **kind}
        taken = end
