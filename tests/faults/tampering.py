"""Tampers with a journal in every way that a database's owner has, and looks what is found.

Each class runs in a transaction that is rolled back, with the triggers gone; what is found must
name the class by its kind, its conversation and its entry. `python -m tests.servers python -m
tests.faults.tampering` runs them often, and has many writers make an honest journal first.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

CONVERSATIONS, MESSAGES = 3, 4
CUT = 10


@dataclass(frozen=True, slots=True)
class Site:
    """An anchored journal: conversations conv-0, conv-1 … of as many entries each."""

    file: Path
    length: int
    rng: random.Random

    def conversation(self) -> str:
        return f"conv-{self.rng.randrange(CONVERSATIONS)}"

    def middle(self) -> int:
        """An entry with others before and after it."""
        return self.rng.randrange(2, self.length - 1)


@dataclass(frozen=True, slots=True)
class Tampered:
    """What has to be found: the kind in words, and where; no entry: any will do."""

    kind: str
    conversation: str = ""
    seq: int = 0


Way = Callable[[Site], Tampered]


def _forge() -> Any:
    """Imported when it is used: it has models, and Django may not be set up before."""
    from tests.conversations.services import forging

    return forging


def _changed(column: str) -> Way:
    def way(site: Site) -> Tampered:
        name, seq = site.conversation(), site.rng.randrange(1, site.length + 1)
        _forge().set_value(name, seq, column, rng=site.rng)
        return Tampered("changed", name, seq)

    return way


def _field_changed(site: Site) -> Tampered:
    return _changed(site.rng.choice(["kind", "data", "commitment", "message_id", "digest"]))(site)


def _deleted(site: Site) -> Tampered:
    name, seq = site.conversation(), site.middle()
    _forge().delete(name, first=seq, last=seq)
    return Tampered("missing", name, seq)


def _first_deleted(site: Site) -> Tampered:
    name = site.conversation()
    _forge().delete(name, first=1, last=1)
    return Tampered("missing", name, 1)


def _end_cut_off(site: Site) -> Tampered:
    """With the head set back: the chain itself shows nothing of it."""
    name, left = site.conversation(), site.length - CUT
    _forge().delete(name, first=left + 1, last=site.length)
    _forge().set_head(name, left)
    return Tampered("cut off", name)


def _inserted(site: Site) -> Tampered:
    name, seq = site.conversation(), site.middle()
    _forge().insert(name, seq, rng=site.rng)
    return Tampered("reordered or inserted", name, seq)


def _swapped(site: Site) -> Tampered:
    name, seq = site.conversation(), site.middle()
    _forge().swap(name, seq, seq + 1)
    return Tampered("reordered or inserted", name, seq)


def _renamed(site: Site) -> Tampered:
    name = site.conversation()
    _forge().rename(name, "somebody-elses")
    return Tampered("changed", "somebody-elses", 1)


def _recomputed_without(site: Site) -> Tampered:
    name, seq = site.conversation(), site.middle()
    _forge().digest_again(name, first=seq, last=site.length, key=site.rng.randbytes(32))
    return Tampered("changed", name, seq)


def _recomputed_with(site: Site) -> Tampered:
    name, seq = site.conversation(), site.middle()
    _forge().digest_again(name, first=seq, last=seq)
    return Tampered("replaced", name, seq)


def _replaced(site: Site) -> Tampered:
    name = site.conversation()
    _forge().digest_again(name, first=1, last=site.length)
    return Tampered("replaced", name)


def _anchor_deleted(site: Site) -> Tampered:
    lines = site.file.read_text().splitlines(keepends=True)
    del lines[site.rng.randrange(len(lines))]
    site.file.write_text("".join(lines))
    return Tampered("anchor missing")


def _anchor_edited(site: Site) -> Tampered:
    lines = site.file.read_text().splitlines(keepends=True)
    at = site.rng.randrange(len(lines))
    values = json.loads(lines[at])
    name = site.rng.choice(["at", "entries", "upto", "heads"])
    heads = {key: [1, "0" * 64] for key in values["heads"]}
    values[name] = {"at": "2020-01-01T00:00:00+00:00", "heads": heads}.get(name, 1)
    lines[at] = json.dumps(values, separators=(",", ":")) + "\n"
    site.file.write_text("".join(lines))
    return Tampered("anchor forged")


CLASSES: dict[str, Way] = {
    "field changed": _field_changed,
    "time changed": _changed("at"),
    "actor changed": _changed("actor"),
    "entry deleted": _deleted,
    "first deleted": _first_deleted,
    "last ten deleted": _end_cut_off,
    "entry inserted": _inserted,
    "two swapped": _swapped,
    "conversation renamed": _renamed,
    "digest recomputed without the key": _recomputed_without,
    "digest recomputed with the key": _recomputed_with,
    "whole chain replaced": _replaced,
    "anchor line deleted": _anchor_deleted,
    "anchor line edited": _anchor_edited,
}


def build(file: Path, *, seed: int) -> Site:
    """By the services that write it in earnest; an anchor after each conversation."""
    from conversations.models import Conversation
    from conversations.services.anchors import write_anchor
    from tests.conversations import histories

    for number in range(CONVERSATIONS):
        histories.conversation(f"conv-{number}", messages=MESSAGES)
        write_anchor()
    length = Conversation.objects.get(external_id="conv-0").seq
    return Site(file, length, random.Random(seed))


def missed(site: Site, *, runs: int) -> list[str]:
    """The runs whose tampering was not found, or not by its name; the triggers are gone."""
    from django.db import transaction

    wrong = []
    kept = site.file.read_bytes()
    for name, way in CLASSES.items():
        for run in range(runs):
            with transaction.atomic():
                expected = way(site)
                found = faults(site)
                transaction.set_rollback(True)
            site.file.write_bytes(kept)
            if not any(_is_named(expected, one) for one in found):
                wrong.append(f"{name}, run {run}: {expected}, found {found}")
    return wrong


def faults(site: Site) -> list[tuple[str, str, int]]:
    from conversations.services.anchor_checks import verify_anchors
    from conversations.services.anchors import signing_key
    from conversations.services.verification import verify_journal

    anchored = verify_anchors(site.file, public_key=signing_key().public_key())
    chains = [(one.kind.value, one.conversation, one.seq) for one in verify_journal().faults]
    return chains + [(one.kind.value, one.where, 0) for one in anchored.faults]


def _is_named(expected: Tampered, found: tuple[str, str, int]) -> bool:
    kind, conversation, seq = found
    if kind != expected.kind or expected.conversation not in conversation:
        return False
    return expected.seq in (0, seq)


# --- as part of `make soak` -----------------------------------------------------------------------
def _write(number: int, entries: int) -> int:
    """In a process of its own; all of them write into the same conversations."""
    import django

    django.setup()
    from conversations.genesys.events import MessageReceived, Participant
    from conversations.services.recording import record_events

    rng, written = random.Random(number), 0
    from django.utils import timezone

    while written < entries:
        mine = rng.sample(range(40), 3)
        batch = [
            MessageReceived(
                conversation_id=f"shared-{rng.choice(mine)}",
                external_id=f"{number}-{written + n}",
                sender=Participant(f"agent-{number}", "agent", "Tom"),
                recipient=None,
                text=f"{number} {written + n}",
                sent_at=timezone.now(),
                raw={},
            )
            for n in range(min(20, entries - written))
        ]
        record_events(batch, stream="messaging")
        written += len(batch)
    return written


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.tampering", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="of each class")
    parser.add_argument("--entries", type=int, default=100_000, help="honest ones")
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    import os

    import django

    with tempfile.TemporaryDirectory(prefix="parley-tampering-") as folder:
        os.environ["JOURNAL_ANCHOR_FILE"] = str(Path(folder) / "anchors.jsonl")
        os.environ["LOG_LEVEL"] = "WARNING"
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        report = _honest(options, Path(os.environ["JOURNAL_ANCHOR_FILE"]))
        report |= _tampered(options, Path(folder) / "tampered.jsonl")
    sys.stdout.write(json.dumps(report) + "\n")
    return int(bool(report["missed"] or report["false_alarms"]))


def _honest(options: argparse.Namespace, file: Path) -> dict[str, Any]:
    """While anchors are written as well; then all of it must hold."""
    from conversations.models import JournalEntry
    from conversations.services.anchors import write_anchor
    from conversations.services.verification import verify_journal
    from conversations.services.verification_jobs import verify_in_processes

    began = time.monotonic()
    share = options.entries // options.writers
    with ProcessPoolExecutor(options.writers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_write, number, share) for number in range(options.writers)]
        while not all(job.done() for job in jobs):
            time.sleep(2)
            write_anchor()
        written = sum(job.result() for job in jobs)
    write_anchor()
    took, began = time.monotonic() - began, time.monotonic()
    report = verify_journal(check_texts=False)
    verified_s, began = time.monotonic() - began, time.monotonic()
    together = verify_in_processes()  # texts compared, as `verify_audit` does
    together_s = time.monotonic() - began
    alarms = faults(Site(file, 0, random.Random()))
    return {
        "honest_entries": JournalEntry.objects.count(),
        "written_per_s": round(written / took),
        "verified_per_s": round(report.entries / verified_s),
        "verified_in_processes_per_s": round(together.entries / together_s),
        "anchors": len(file.read_text().splitlines()),
        "false_alarms": [str(alarm) for alarm in (*alarms, *together.faults)],
    }


def _tampered(options: argparse.Namespace, file: Path) -> dict[str, Any]:
    from django.conf import settings
    from django.db import transaction

    from conversations.models import AnchorState
    from tests.conversations.histories import tamper

    settings.JOURNAL_ANCHOR_FILE = str(file)
    with transaction.atomic():
        _forge().forget_everything()
        AnchorState.objects.all().delete()
        site = build(file, seed=options.seed)
        tamper("SELECT 1")  # the triggers are gone from here on
        wrong = missed(site, runs=options.runs)
        untouched = faults(site)
        transaction.set_rollback(True)
    return {
        "runs": options.runs * len(CLASSES),
        "missed": wrong[:20],
        "missed_by_class": Counter(one.split(",")[0] for one in wrong),
        "after_all_rolled_back": [str(one) for one in untouched],
    }


if __name__ == "__main__":
    sys.exit(main())
