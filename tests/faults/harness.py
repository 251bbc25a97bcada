"""Real processes under load and under faults, and one verdict about it.

`python -m tests.faults.harness --messages 200 --kills 3` prints the findings as JSON; exit code 0
only if nothing is wrong and every planned fault happened. A process of its own, because it needs
Django on a database that it kills. Broken builds must be caught: see `mutations`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from tests.faults.findings import Findings
from tests.faults.memory import Memory
from tests.faults.nemesis import Nemesis
from tests.faults.plan import Plan, Sizes, make_plan
from tests.faults.site import Site
from tests.faults.supervised import Keeper, Supervised

NAMES = ("gateway-1", "gateway-2", "worker-1", "worker-2", "web-1")
RECONCILE_WINDOW_S = 5  # the platform applies a late request within 4 s
QUIET_WITHIN_S = 60.0  # after the last message and the last fault; more is stuck
LATE_S = 4.5  # what the platform may still apply when all seems quiet
WATCHED = 6
LOOK_S = 0.25
MAX_GROWTH = 1.1
SILENCE_S = 7.0  # longer than a drain looks often after its last work
LAST_WORDS = 3
TAKE_OVER_S = 8.0  # the stream's lease, and the next report of whoever has it then
_DEAFENING = ("K1:", "K2:", "drop", "postgres")


@dataclass(frozen=True, slots=True)
class Outcome:
    findings: Findings
    figures: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            **self.findings.summary(),
            **self.figures,
            "details": {name: found[:20] for name, found in self.findings.problems.items()},
        }


def run(
    sizes: Sizes,
    *,
    seed: int = 1,
    database: str = "postgresql",
    keep: Path | None = None,
    memory_after_s: float | None = None,
) -> Outcome:
    """One whole run. Call it once a process: it configures Django for its own database.

    `keep`: a folder for the processes' logs and the ledger. `memory_after_s`: no process may be
    larger at the end than MAX_GROWTH times what it was so long after the beginning.
    """
    with Site(database=database) as site:
        os.environ.update(site.direct)
        _prepare_database()
        try:
            return _run(site, make_plan(sizes, seed=seed, processes=NAMES), memory_after_s)
        finally:
            if keep is not None:
                shutil.copytree(site.folder, keep, dirs_exist_ok=True)


def _run(site: Site, plan: Plan, memory_after_s: float | None) -> Outcome:
    from conversations.services.delivery import LEAVES_WITHIN
    from tests.faults.checker import judge
    from tests.faults.record import read_record
    from tests.faults.recorder import Recorder
    from tests.faults.reviews import Limits

    keeper = Keeper([_process(name, site) for name in NAMES])
    nemesis, memory = Nemesis(plan, site, keeper), Memory()
    keeper.start()
    try:
        _wait_until_watched(site)
        began = time.monotonic()
        conversations = _begin_load(site, plan.sizes)
        recorder = Recorder(_pages(conversations), origin=site.origin, cookie=_cookie())
        recorder.start()
        _drive(site, nemesis, lambda: memory.look(keeper))
        settled_s = _settle(site)
        _say_last_words(site, conversations)
        unheard_s = _settle(site) if settled_s is not None else None
        time.sleep(LATE_S)
        differences = recorder.differences()
        recorder.stop()
    finally:
        stubborn = keeper.stop()
    ledger = site.platform.get("/ledger")
    findings = judge(
        ledger=ledger["entries"],
        record=read_record(),
        pages=differences,
        planned=_planned(plan, site),
        happened=_happened(site, nemesis),
        limits=Limits(
            reconcile_window_s=RECONCILE_WINDOW_S + LEAVES_WITHIN.total_seconds(),
            clock_offset_s=(offset := time.time() - time.monotonic()),
            deaf=tuple(_deaf(nemesis, offset)),
        ),
    )
    if ledger["dropped"]:
        findings.did_not_happen.append(f"{ledger['dropped']} entries of the ledger are gone")
    findings.stuck.extend({"what": what} for what in nemesis.slow)
    if settled_s is None or unheard_s is None:
        findings.stuck.append({"what": f"not quiet {QUIET_WITHIN_S:.0f} s after the load"})
    growth = {} if memory_after_s is None else memory.growth(after_s=memory_after_s)
    findings.grown = [
        f"{name}: {sizes['ratio']} times"
        for name, sizes in growth.items()
        if sizes["ratio"] > MAX_GROWTH
    ]
    (site.folder / "ledger.json").write_text(json.dumps(ledger["entries"]))
    figures = {
        "seed": plan.seed,
        "sizes": asdict(plan.sizes),
        "seconds": round(time.monotonic() - began, 1),
        "settled_s": settled_s,
        "unheard_settled_s": unheard_s,
        "faults": dict(sorted(_happened(site, nemesis).items())),
        "lives": {name: process.lives for name, process in keeper.processes.items()},
        "page_connections": sum(one.connections for one in recorder.watchers),
        "page_frames": sum(one.frames for one in recorder.watchers),
        "ignored_sigterm": stubborn,
        "memory": growth,
        "history": [asdict(one) for one in nemesis.history],
    }
    return Outcome(findings, figures)


def _prepare_database() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _process(name: str, site: Site) -> Supervised:
    role = name.partition("-")[0]
    queues = ["-Q", "rt,sync,bulk", "-P", "threads", "-c", "4"]
    quiet = ["--without-gossip", "--without-mingle", "-n", f"{name}@%h"]
    web = ["-b", "127.0.0.1", "-p", str(site.web_port), "config.asgi:application"]
    command = {
        "gateway": ["manage.py", "run_gateway"],
        "worker": ["-m", "celery", "-q", "-A", "config", "worker", *queues, *quiet],
        "web": ["-m", "daphne", *web],
    }[role]
    environment = {**site.environment, "RECONCILE_WINDOW_S": str(RECONCILE_WINDOW_S)}
    return Supervised(name, command, environment, site.folder)


def _wait_until_watched(site: Site, *, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not site.platform.is_watched():
        if time.monotonic() > deadline:
            raise RuntimeError("no gateway opened the org socket")
        time.sleep(LOOK_S)


def _begin_load(site: Site, sizes: Sizes) -> list[str]:
    body = {"messages": sizes.messages, "conversations": sizes.conversations, "rate": sizes.rate}
    return list(site.platform.post("/load", body)["conversations"])


def _pages(conversations: list[str]) -> list[str]:
    watched = conversations[:: max(1, len(conversations) // WATCHED)][:WATCHED]
    return ["/ws/live/", *(f"/ws/live/{key}/" for key in watched)]


def _cookie() -> str:
    """Of a supervisor who is logged in."""
    from django.conf import settings
    from django.test import Client

    from tests.conversations.live.histories import a_user

    client = Client()
    client.force_login(a_user("sam", "supervisor"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _drive(site: Site, nemesis: Nemesis, look: Callable[[], None]) -> None:
    """Until everything is said and every planned fault has had its time."""
    site.platform.add_faults(*nemesis.plan.rules)
    total = nemesis.plan.sizes.messages
    while True:
        emitted = site.platform.emitted()
        nemesis.go_on(emitted / total)
        look()
        if emitted >= total and nemesis.is_done:
            return
        time.sleep(LOOK_S)


def _say_last_words(site: Site, conversations: list[str]) -> None:
    """When all is idle and Redis away, no wake-up comes: only the sweep finds these."""
    site.proxies.set("redis", "down")
    time.sleep(SILENCE_S)
    for number, key in enumerate(conversations[:LAST_WORDS]):
        site.platform.say(
            f"Una última cosa, el pedido {number}",
            conversation=key,
            language="ES",
            translation=f"One last thing, order {number}",
        )
    time.sleep(1)
    site.proxies.set("redis", "up")


def _settle(site: Site) -> float | None:
    """Seconds until nothing was left to do; None: something is stuck."""
    from django.db import DatabaseError, connection

    from tests.faults.record import is_quiet

    began = time.monotonic()
    while time.monotonic() - began < QUIET_WITHIN_S:
        try:
            if is_quiet(spoken=site.platform.spoken()):
                return round(time.monotonic() - began, 1)
        except DatabaseError:
            connection.close()
        time.sleep(LOOK_S)
    return None


def _deaf(nemesis: Nemesis, offset: float) -> Iterator[tuple[float, float]]:
    """What hurt the gateways, with the time that another needs to have the stream and to say so."""
    for one in nemesis.history:
        if one.what.startswith(_DEAFENING) or "gateway" in one.what:
            yield one.begun - offset, one.ended - offset + TAKE_OVER_S


def _planned(plan: Plan, site: Site) -> Counter[str]:
    """Steps by kind, kill points by name, faults of requests as one rule each."""
    wanted = plan.counts()
    for number, rule in enumerate(plan.rules):
        wanted[_rule_name(number, rule)] = len(rule["nth"])
    return wanted


def _happened(site: Site, nemesis: Nemesis) -> Counter[str]:
    happened = nemesis.counts.copy()
    happened.update(nemesis.fired_points())
    for number, rule in enumerate(site.platform.get("/faults")["rules"]):
        happened[_rule_name(number, rule)] += rule["fired"]
    for name, modes in site.proxies.fired().items():
        for mode, count in modes.items():
            happened[f"{name} proxy {mode}"] += count
    return happened


def _rule_name(number: int, rule: Mapping[str, Any]) -> str:
    return f"{rule['where']} {rule['kind']} ({number})"


def sizes_of(options: argparse.Namespace) -> Sizes:
    """Sizes from options of the same names; SQLite has no server to be killed."""
    given = {
        field.name: value
        for field in fields(Sizes)
        if (value := getattr(options, field.name)) is not None
    }
    sizes = Sizes(**given)
    if options.database == "sqlite":
        sizes = replace(sizes, postgres_kills=0, postgres_half_open=0)
    return sizes


def add_options(parser: argparse.ArgumentParser) -> None:
    for field in fields(Sizes):
        kind = float if isinstance(field.default, float) else int
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, dest=field.name)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--memory-after-s", type=float, metavar="S", help="watch for growth")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="logs and ledger go there")


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.harness", description=__doc__)
    add_options(parser)
    options = parser.parse_args(given)
    # Ended from outside, it stops what it started.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    outcome = run(
        sizes_of(options),
        seed=options.seed,
        database=options.database,
        keep=options.keep,
        memory_after_s=options.memory_after_s,
    )
    sys.stdout.write(json.dumps(outcome.as_json(), indent=1, default=str) + "\n")
    return 0 if outcome.findings.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
