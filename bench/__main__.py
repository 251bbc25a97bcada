"""`python -m bench`: Parley and the plain proxy in turn on one stub, then the live pages beside
what else sends to browsers, then calls, typing and exports; medians, a table a load."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench import report
from bench.contenders import Contender, PlainProxy
from bench.live import part
from bench.live.piped import Failed
from bench.load import Load
from bench.runner import NotReady, measure
from bench.stub_process import Stub, StubDied
from tests.server_process import ServerUnavailable

_CLOSED, _OPEN, _FAST, _BURST = "closed", "open", "fast", "burst"
_LIVE, _CALLS, _TYPING, _EXPORTS = "live", "assist", "typing", "exports"
_PARTS = (_LIVE, _CALLS, _TYPING, _EXPORTS)
_TITLES = {
    _CLOSED: "Closed loop: {0.in_flight} in flight, {0.messages} messages",
    _OPEN: "Open loop: {0.rate:g} messages/s, {0.messages} messages",
    _FAST: "Open loop: {0.rate:g} messages/s, {0.messages} messages",
    _BURST: "Burst: {0.messages} messages at once",
}


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="runs of each; medians are printed")
    parser.add_argument(
        "--messages",
        type=int,
        help="messages a run (5000 closed, 2000 open, 3000 burst; 1000000 exported)",
    )
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--rate", type=float, default=100.0, help="messages/s of the open loop")
    parser.add_argument("--jitter", type=float, default=0.0, help="ms, atop the provider's 50")
    parser.add_argument(
        "--platform", type=float, default=0.0, help="ms until the platform answers a write"
    )
    parser.add_argument("--only", choices=[*_TITLES, *_PARTS], help="one of the loads")
    parser.add_argument("--seconds", type=int, default=20, help="of each load of the live pages")
    parser.add_argument("--contender", choices=["parley", "proxy"], help="one of the two")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every run's figures")
    return parser.parse_args(given)


def _loads(options: argparse.Namespace) -> Iterator[tuple[str, Load]]:
    plain = Load(
        tag="",
        messages=options.messages or 2000,
        conversations=options.conversations,
        platform_ms=options.platform,
    )
    steady = replace(plain, rate=options.rate, provider_ms=50.0, jitter_ms=options.jitter)
    burst = replace(plain, messages=options.messages or 3000, provider_ms=50.0)
    loads = {
        _CLOSED: replace(plain, messages=options.messages or 5000),
        _OPEN: steady,
        _FAST: replace(steady, rate=2 * options.rate),
        _BURST: replace(burst, in_flight=burst.messages),
    }
    for kind, load in loads.items():
        if options.only in (None, kind):
            yield kind, load


def _contenders(options: argparse.Namespace, stack: ExitStack) -> list[Contender]:
    found: list[Contender] = []
    if options.contender != "proxy":
        from bench.parley import Parley  # needs PostgreSQL and Redis; the proxy alone does not

        found.append(stack.enter_context(Parley()))
    if options.contender != "parley":
        found.append(PlainProxy())
    return found


def _run(options: argparse.Namespace) -> list[dict[str, object]]:
    kept: list[dict[str, object]] = []
    with ExitStack() as stack:
        contenders = _contenders(options, stack)
        stub = stack.enter_context(Stub())
        for kind, load in _loads(options):
            runs: dict[str, list[report.Figures]] = {one.name: [] for one in contenders}
            for number in range(1, options.runs + 1):
                for contender in contenders:  # in turn: the machine drifts for both alike
                    sys.stderr.write(f"{kind} loop, run {number}: {contender.name} …\n")
                    tagged = replace(load, tag=f"{kind} {number}")
                    figures = measure(contender, stub, tagged)
                    runs[contender.name].append(figures)
                    kept.append({"load": kind, "contender": contender.name, **figures})
            title = f"{_TITLES[kind].format(load)}, provider {load.provider_ms:g} ms"
            title += f", platform {load.platform_ms:g} ms" if load.platform_ms else ""
            medians = {name: report.median(found) for name, found in runs.items()}
            sys.stdout.write(report.table(f"{title}, median of {options.runs}", medians) + "\n\n")
            sys.stdout.flush()
    return kept


def main(given: list[str] | None = None) -> int:
    options = _arguments(given)
    # Ended from outside, it stops what it started as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        kept = _run(options) if options.only not in _PARTS else []
        if options.only == _LIVE or (options.only is None and options.contender is None):
            kept += part.run(runs=options.runs, seconds=options.seconds)
        if options.only == _CALLS or (options.only is None and options.contender is None):
            from bench.calls import part as calls  # needs the whole project's requirements

            kept += calls.run(runs=options.runs, seconds=options.seconds)
        if options.only == _TYPING or (options.only is None and options.contender is None):
            from bench.typing import part as typing  # needs the whole project's requirements

            kept += typing.run(runs=options.runs, seconds=options.seconds)
        if options.only == _EXPORTS or (options.only is None and options.contender is None):
            from bench.exports import part as exports

            kept += exports.run(messages=options.messages or 1_000_000)
    except (NotReady, StubDied, Failed, ServerUnavailable, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
