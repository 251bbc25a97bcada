"""Carries out a plan while the load runs, and keeps count of what really happened.

A step that found nothing to hurt (no process, no open connection) does not count as having
happened; the checker compares these counts with the plan's.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.plan import Plan, Step
from tests.faults.site import Site
from tests.faults.supervised import Keeper

RETRY_S = 0.2
TRY_WITHIN_S = 12.0
POINT_WITHIN_S = 60.0
END_WITHIN_S = 20.0  # a process that was asked to end (reliability N1)
GIVE_UP_S = 40.0


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault, and when: `time.time()` seconds."""

    what: str
    begun: float
    ended: float


class Nemesis:
    def __init__(self, plan: Plan, site: Site, keeper: Keeper) -> None:
        self.plan = plan
        self._left = list(plan.steps)
        self._site = site
        self._keeper = keeper
        self._lock = threading.Lock()
        self._busy: set[threading.Thread] = set()
        self._orders: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.counts: Counter[str] = Counter()
        self.history: list[Happened] = []
        self.slow: list[str] = []  # processes that took too long to end

    @property
    def is_done(self) -> bool:
        """Nothing left to begin, and nothing that still goes on."""
        return not self._left and not any(thread.is_alive() for thread in self._busy)

    def go_on(self, said: float) -> None:
        """Begin what is due at this share of the load; never waits for it."""
        while self._left and self._left[0].at <= said:
            step = self._left.pop(0)
            thread = threading.Thread(target=self._carry_out, args=(step,), name=step.kind)
            self._busy.add(thread)
            thread.start()

    def fired_points(self) -> Counter[str]:
        return Counter(
            name for process in self._keeper.processes.values() for name in process.fired
        )

    def _carry_out(self, step: Step) -> None:
        begun = time.time()
        action: Callable[[Step], bool] = getattr(self, f"_{step.kind}")
        try:
            happened = action(step)
        except Exception as error:  # noqa: BLE001 - said in the report, as a fault that did not happen
            self._note(f"{step.kind} failed: {error!r}", begun)
            return
        if happened:
            self.counts[step.kind] += 1
            self._note(step.point or f"{step.kind} {step.target}".strip(), begun)

    def _note(self, what: str, begun: float) -> None:
        with self._lock:
            self.history.append(Happened(what, begun, time.time()))

    # --- ours -----------------------------------------------------------------------------------

    def _kill(self, step: Step) -> bool:
        process = self._keeper.processes[step.target]
        return _until(lambda: process.signal(signal.SIGKILL))

    def _point(self, step: Step) -> bool:
        """Arm it and wait for it to fire: the order stays with the process over its restarts."""
        name = step.point.split(":")[0]
        processes = [
            process
            for key, process in self._keeper.processes.items()
            if key.startswith(step.target)
        ]
        with self._orders[step.target]:  # one order at a time for each process
            before = self.fired_points()[name]
            for process in processes:
                process.order(step.point)
            fired = _until(lambda: self.fired_points()[name] > before, within_s=POINT_WITHIN_S)
            for process in processes:  # the gateway that stands by had the same order
                process.order("")
        return fired

    def _restart(self, step: Step) -> bool:
        """In good order: it finishes or releases what it has, and ends by itself in time."""
        process = self._keeper.processes[step.target]
        lives, pid = process.lives, 0
        begun = time.monotonic()

        def asked() -> bool:
            nonlocal lives, pid
            lives, pid = process.lives, process.pid or 0
            return process.terminate()

        if not _until(asked):
            return False
        ended = _until(lambda: process.pid != pid, within_s=GIVE_UP_S)
        seconds = time.monotonic() - begun
        if not ended or seconds > END_WITHIN_S:
            self.slow.append(f"{step.target} took {seconds:.0f} s to end")
        return _until(lambda: process.lives > lives, within_s=GIVE_UP_S)

    def _pause(self, step: Step) -> bool:
        process = self._keeper.processes[step.target]
        stopped = _until(lambda: process.signal(signal.SIGSTOP))
        time.sleep(step.seconds)
        return process.signal(signal.SIGCONT) and stopped

    # --- not ours -------------------------------------------------------------------------------

    def _redis_flush(self, step: Step) -> bool:
        self._site.flush_redis()
        return True

    def _redis_restart(self, step: Step) -> bool:
        self._site.restart_redis(away_s=step.seconds)
        return True

    def _redis_half_open(self, step: Step) -> bool:
        return self._for_a_while("redis", "blackhole", step.seconds)

    def _postgres_kill(self, step: Step) -> bool:
        self._site.restart_postgres(away_s=step.seconds)
        return True

    def _postgres_half_open(self, step: Step) -> bool:
        return self._for_a_while("postgres", "blackhole", step.seconds)

    def _provider_slow(self, step: Step) -> bool:
        return self._for_a_while("provider", "drip", step.seconds)

    def _provider_down(self, step: Step) -> bool:
        return self._for_a_while("provider", "down", step.seconds)

    def _platform_stall(self, step: Step) -> bool:
        return self._for_a_while("platform", "stall", step.seconds)

    def _for_a_while(self, name: str, mode: str, seconds: float) -> bool:
        """Whether it hurt any connection; nobody connects to what is down."""
        before = self._site.proxies.fired()[name].get(mode, 0)
        self._site.proxies.set(name, mode)
        time.sleep(seconds)
        self._site.proxies.set(name, "up")
        return mode == "down" or self._site.proxies.fired()[name].get(mode, 0) > before

    def _drop(self, step: Step) -> bool:
        """The org socket and every request that is under way."""
        return _until(lambda: self._site.proxies.drop("platform") > 0)


def _until(attempt: Callable[[], bool], *, within_s: float = TRY_WITHIN_S) -> bool:
    deadline = time.monotonic() + within_s
    while not attempt():
        if time.monotonic() > deadline:
            return False
        time.sleep(RETRY_S)
    return True
