"""Shows that the judge can fail: builds with one safeguard taken out, each of which it must catch.

`python -m tests.faults.mutations [NAME…]` copies the tree for each, edits the copy, runs the
harness there and looks for the kind of fault that this safeguard prevents. `none` runs the tree as
it is and must show none of those kinds. An edit that no longer fits its file stops the run: keep it
true to the code. Not part of `make test`: a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.processes import ROOT

WITHIN_S = 600.0
BASE = ("--messages", "400", "--conversations", "20", "--rate", "12", "--kills", "6", "--drops",
        "2", "--redis-flushes", "1", "--postgres-kills", "1", "--pauses", "0", "--restarts", "0",
        "--provider-slow", "0", "--provider-down", "0")  # fmt: skip


class Stale(RuntimeError):
    """An edit that does not fit the code any more."""


@dataclass(frozen=True, slots=True)
class Edit:
    path: str
    old: str
    new: str

    def apply(self, tree: Path) -> None:
        file = tree / self.path
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise Stale(f"{self.path}: {text.count(self.old)} times {self.old!r}")
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Mutation:
    """`shows`: kinds of findings of which at least one must be there."""

    name: str
    edits: tuple[Edit, ...]
    shows: frozenset[str]
    options: tuple[str, ...] = ()


MUTATIONS = (
    Mutation(
        "echo-check",
        (
            Edit(
                "conversations/services/echoes.py",
                "found = self._awaited.match(conversation, event, origin)",
                "found = None",
            ),
        ),
        frozenset({"loops"}),
        ("--kills", "0", "--postgres-kills", "0", "--rate", "20"),
    ),
    Mutation(
        # Neither the claim nor the commit asks any more who holds the conversation.
        "lease",
        (
            Edit(
                "translation/work.py",
                '"work_at <= %s AND (lease_until IS NULL OR lease_until < %s"',
                '"work_at <= %s AND (%s::timestamptz IS NOT NULL"',
            ),
            Edit(
                "conversations/services/leases.py",
                "AND (lease_until IS NULL OR lease_until < %s OR lease_owner = %s)",
                "AND (%s::timestamptz IS NOT NULL OR lease_owner = %s)",
            ),
            Edit(
                "conversations/services/unit.py",
                "if change.owner and conversation.lease_owner != change.owner:",
                "if False:",
            ),
        ),
        frozenset({"doubled"}),
        ("--kills", "2"),
    ),
    Mutation(
        # A conversation that was taken up from a dead worker is sent again as if nothing had left.
        "sending-write",
        (
            Edit(
                "translation/deliverer.py",
                'return await self._settle(item, State.AMBIGUOUS, "the sending process ended")',
                "return DeliveryStatus(State.SENDING, item.external_id, item.attempts)",
            ),
        ),
        frozenset({"doubled"}),
        ("--kills", "24", "--messages", "800"),
    ),
    Mutation(
        "order-claim",
        (
            Edit("translation/lane.py", "item = self._items[0]\n", "item = self._items[-1]\n"),
            Edit("translation/lane.py", "self._items.popleft()", "self._items.remove(item)"),
        ),
        frozenset({"out_of_order"}),
    ),
    Mutation(
        # Nor does the database call: either of the two finds what no wake-up announced.
        "sweep",
        (
            Edit(
                "translation/drain.py",
                "asyncio.timeout(pause_s)",
                "asyncio.timeout(pause_s if is_busy else None)",
            ),
            Edit(
                "conversations/listening.py",
                'if connection.vendor != "postgresql":',
                "if connection.vendor:",
            ),
        ),
        frozenset({"stuck"}),
        ("--post-faults", "0.1"),
    ),
    Mutation(
        # The database's own key and the look before it: each alone still holds.
        "unique-key",
        (
            Edit(
                "conversations/migrations/0018_found_by_id.py",
                "fields=('external_id', 'conversation'), name='message_id_once'",
                "fields=('external_id', 'conversation', 'seq'), name='message_id_once'",
            ),
            Edit(
                "conversations/services/recognition.py",
                "if event.external_id and (conversation.pk, event.external_id) in self._ids:\n"
                "            return True",
                "if event.external_id:\n            return False",
            ),
        ),
        frozenset({"doubled"}),
        ("--kills", "0"),
    ),
    Mutation(
        "backfill",
        (
            Edit(
                "conversations/gateway/backfill.py",
                "for event in history or ():\n            await",
                "for event in ():\n            await",
            ),
        ),
        frozenset({"lost", "unrecorded"}),
    ),
)
NONE = Mutation("none", (), frozenset())


def catches(mutation: Mutation, *, seed: int) -> tuple[bool, str]:
    """Whether the judge caught this build, and what it found."""
    with tempfile.TemporaryDirectory(prefix="parley-mutation-") as folder:
        tree = Path(folder) / "tree"
        _copy(tree)
        for edit in mutation.edits:
            edit.apply(tree)
        command = [sys.executable, "-m", "tests.faults.harness", *BASE, *mutation.options]
        ended = subprocess.run(  # noqa: S603 - a command of ours
            [*command, "--seed", str(seed)],
            cwd=tree,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
    try:
        problems = json.loads(ended.stdout)["problems"]
    except (ValueError, KeyError):
        return False, f"the harness itself failed: {ended.stderr[-500:]}"
    if mutation is NONE:
        prevented = frozenset().union(*(one.shows for one in MUTATIONS))
        return not prevented & set(problems), json.dumps(problems)
    return bool(mutation.shows & set(problems)), json.dumps(problems)


def _copy(tree: Path) -> None:
    """What is in version control or about to be, and the environment as it is."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, tree / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def main(given: Sequence[str] | None = None) -> int:
    names = [mutation.name for mutation in (NONE, *MUTATIONS)]
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(given)
    if unknown := set(options.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    missed = 0
    for mutation in (NONE, *MUTATIONS):
        if options.names and mutation.name not in options.names:
            continue
        caught, found = catches(mutation, seed=options.seed)
        missed += not caught
        sys.stdout.write(f"{mutation.name:<14} {'ok    ' if caught else 'MISSED'} {found}\n")
        sys.stdout.flush()
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
