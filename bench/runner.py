"""One measurement: start a contender, warm it up, play a load, and read what it cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from bench import cost
from bench.contenders import Contender, Processes
from bench.load import Load
from bench.stub_process import Stub

_START_WITHIN_S = 60.0
_WARM_WITHIN_S = 60.0


class NotReady(RuntimeError):
    """A contender did not come up, or did not deliver its warm-up; its own log says why."""


@dataclass(frozen=True, slots=True)
class _Mark:
    cpu_s: dict[str, float]
    commits: cost.Commits | None


def measure(contender: Contender, stub: Stub, load: Load) -> dict[str, float | None]:
    """Figures by name, per message where the name says so."""
    with contender.started(stub.address) as processes:
        _await_socket(contender, stub, processes)
        _warm_up(contender, stub, load)
        before = _mark(contender)
        result = stub.play(load)
        after = _mark(contender)
        if ended := processes.ended():
            raise NotReady(f"{contender.name}: {'; '.join(ended)}")
        rss = cost.rss_mb(contender.pids()["own"])
    if not stub.has_sockets(0, timeout_s=_START_WITHIN_S):
        raise NotReady(f"{contender.name}: its org socket stayed open")
    return {**_per_message(result, before, after, load.messages), "rss_mb": rss}


def _await_socket(contender: Contender, stub: Stub, processes: Processes) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while not stub.has_sockets(1, timeout_s=1.0):
        if ended := processes.ended():
            raise NotReady(f"{contender.name}: {'; '.join(ended)}")
        if time.monotonic() > deadline:
            raise NotReady(f"{contender.name}: no org socket within {_START_WITHIN_S:.0f} s")


def _warm_up(contender: Contender, stub: Stub, load: Load) -> None:
    """A message through every conversation: connections, code and caches as in a long run."""
    warm = replace(
        load,
        tag=f"{load.tag} warm-up",
        messages=load.conversations,
        in_flight=16,
        rate=0.0,
        provider_ms=0.0,
        jitter_ms=0.0,
        timeout_s=_WARM_WITHIN_S,
    )
    missing = stub.play(warm)["missing"]
    if missing:
        raise NotReady(f"{contender.name}: {missing} of {warm.messages} warm-up messages missing")


def _mark(contender: Contender) -> _Mark:
    url = contender.database_url()
    return _Mark(
        cpu_s={name: cost.cpu_s(pids) for name, pids in contender.pids().items()},
        commits=cost.commits(url) if url else None,
    )


def _per_message(
    result: dict[str, float | None], before: _Mark, after: _Mark, messages: int
) -> dict[str, float | None]:
    figures = dict(result)
    for name in after.cpu_s:
        spent = after.cpu_s[name] - before.cpu_s[name]
        figures[f"cpu_{name}_ms"] = spent * 1000 / messages
    figures["cpu_stub_ms"] = (figures.pop("stub_cpu_ms") or 0.0) / messages
    for name in ("provider_requests", "provider_texts", "puts"):
        figures[f"{name}_per_message"] = (figures.pop(name) or 0.0) / messages
    if before.commits and after.commits:
        # Our own reading is one of them, and no load.
        figures["commits_per_message"] = (after.commits.all - before.commits.all - 1) / messages
        written = after.commits.writing - before.commits.writing
        figures["writing_commits_per_message"] = written / messages
    return figures
