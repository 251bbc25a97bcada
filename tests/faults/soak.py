"""`make soak`: the fault runs and the load runs that take their time, one process after another.

Parts: faults (PostgreSQL, then SQLite), steady (memory), fuzz, mutations, cards (spoken card
numbers, searched for everywhere; and malformed frames of calls), tampering (the journal, in every
way; and honest ones, by eight writers at once). `--only` picks some;
every size is an option. Each part's findings are a JSON file in `--output`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.processes import ROOT

PARTS = ("faults-postgresql", "faults-sqlite", "steady", "fuzz", "mutations", "cards", "tampering")
_NO_FAULTS = ("post-faults", "echo-faults", "duplicates", "put-faults", "translate-faults", "kills",
              "redis-flushes", "postgres-kills", "drops", "restarts", "pauses", "provider-slow",
              "provider-down")  # fmt: skip


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--output", type=Path, help="folder for findings and logs")
    parser.add_argument("--seed", type=int, default=1)
    faults = parser.add_argument_group("faults")
    faults.add_argument("--messages", type=int, default=50_000)
    faults.add_argument("--conversations", type=int, default=600)
    faults.add_argument("--rate", type=float, default=30.0, help="messages/s, also of steady")
    faults.add_argument("--kills", type=int, default=200)
    faults.add_argument("--request-faults", type=int, default=2000)
    steady = parser.add_argument_group("steady")
    steady.add_argument("--minutes", type=float, default=30.0)
    steady.add_argument("--memory-after-s", type=float, default=300.0)
    fuzz = parser.add_argument_group("fuzz")
    fuzz.add_argument("--frames", type=int, default=200_000)
    fuzz.add_argument("--bodies", type=int, default=50_000)
    calls = parser.add_argument_group("cards")
    calls.add_argument("--cards", type=int, default=10_000)
    calls.add_argument("--call-frames", type=int, default=100_000, help="malformed ones")
    tampering = parser.add_argument_group("tampering")
    tampering.add_argument("--tamperings", type=int, default=100, help="of each class")
    tampering.add_argument("--entries", type=int, default=100_000, help="honest ones")
    return parser.parse_args(given)


def _faults(options: argparse.Namespace, database: str) -> list[str]:
    """The faults of a test run, as many more as there are more messages."""
    share = options.messages / 3000
    counts = {"redis-flushes": 4, "redis-restarts": 3, "redis-half-open": 2, "postgres-kills": 4,
              "drops": 10, "restarts": 10, "pauses": 2, "provider-slow": 2, "provider-down": 2,
              "platform-stalls": 2}  # fmt: skip
    sizes: dict[str, Any] = {
        "messages": options.messages,
        "conversations": options.conversations,
        "rate": options.rate,
        "kills": options.kills,
        "post-faults": options.request_faults / options.messages,
        "translate-faults": round(20 * share),
        **{name: max(1, round(count * share / 4)) for name, count in counts.items()},
    }
    return [*_harness(sizes, options), "--database", database]


def _steady(options: argparse.Namespace) -> list[str]:
    sizes: dict[str, Any] = dict.fromkeys(_NO_FAULTS, 0)
    sizes |= {
        "messages": round(options.minutes * 60 * options.rate),
        "conversations": options.conversations,
        "rate": options.rate,
        "memory-after-s": options.memory_after_s,
    }
    return _harness(sizes, options)


def _harness(sizes: dict[str, Any], options: argparse.Namespace) -> list[str]:
    given = [part for name, value in sizes.items() for part in (f"--{name}", str(value))]
    return ["tests.faults.harness", "--seed", str(options.seed), *given]


def _fuzz(options: argparse.Namespace) -> list[str]:
    return ["tests.faults.fuzz", "--frames", str(options.frames), "--bodies", str(options.bodies)]


def main(given: list[str] | None = None) -> int:
    options = _arguments(given)
    folder = options.output or Path(tempfile.mkdtemp(prefix="parley-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    commands: dict[str, Callable[[], list[str]]] = {
        "faults-postgresql": lambda: _faults(options, "postgresql"),
        "faults-sqlite": lambda: _faults(options, "sqlite"),
        "steady": lambda: _steady(options),
        "fuzz": lambda: _fuzz(options),
        "mutations": lambda: ["tests.faults.mutations"],
        "cards": lambda: [
            "tests.assist.escapes",
            *("--cards", str(options.cards), "--frames", str(options.call_frames)),
        ],
        "tampering": lambda: [
            *("tests.servers", sys.executable, "-m", "tests.faults.tampering"),
            *("--runs", str(options.tamperings), "--entries", str(options.entries)),
        ],
    }
    failed = []
    for part in options.only:
        command = commands[part]()
        if command[0] == "tests.faults.harness":
            command += ["--keep", str(folder / part)]
        sys.stdout.write(f"{part}: {' '.join(command)}\n")
        sys.stdout.flush()
        if _run(part, command, folder) != 0:
            failed.append(part)
    sys.stdout.write(f"findings in {folder}; failed: {', '.join(failed) or 'none'}\n")
    return int(bool(failed))


def _run(part: str, command: list[str], folder: Path) -> int:
    output = folder / f"{part}.out"
    with output.open("w") as file:
        ended = subprocess.run(  # noqa: S603 - a command of ours
            [sys.executable, "-m", *command], cwd=ROOT, stdout=file, check=False
        )
    text = output.read_text()
    try:
        report = json.loads(text)
    except ValueError:
        sys.stdout.write(text)
        return ended.returncode
    for name in ("sizes", "history", "details"):
        report.pop(name, None)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
