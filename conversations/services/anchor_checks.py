"""Compares the anchors of a file with each other and with the journal; reads and never mends.

Only the newest anchored head of each conversation is looked up: the chain itself binds all that
come before it. Memory: one head a conversation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db.models import Sum

from conversations.models import AnchorState, Conversation, JournalEntry
from conversations.services.anchors import (
    LOOK_BACK,
    Anchor,
    AnchorsUnavailable,
    digest_of_line,
    read_anchor,
)
from conversations.services.verification import FAULTS_KEPT, FaultKind

_AT_ONCE = 500
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class AnchorFault:
    kind: FaultKind
    where: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.where}"


@dataclass(slots=True)
class AnchorReport:
    anchors: int = 0
    valid_anchors: int = 0
    heads: int = 0  # conversations whose newest anchored head was looked for
    faults: list[AnchorFault] = field(default_factory=list)
    count: int = 0  # of faults, kept or not

    @property
    def holds(self) -> bool:
        return not self.count

    def note(self, kind: FaultKind, where: str) -> None:
        self.count += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(AnchorFault(kind, where))


@dataclass(slots=True)
class _Walk:
    """What the lines have said so far."""

    number: int = 0
    digest: str = ""
    entries: int = 0
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    upto: int = 0
    settled: int = 0  # entries with keys up to this were there when the newest anchor looked
    unsettled: deque[tuple[datetime, int]] = field(default_factory=deque)  # when, up to which key

    def follow(self, anchor: Anchor) -> bool:
        """Whether it says no less than those before: nothing that was there is ever gone."""
        goes_on = anchor.entries >= self.entries and anchor.upto >= self.upto
        self.upto = max(self.upto, anchor.upto)
        self.unsettled.append((anchor.at, anchor.upto))
        while self.unsettled[0][0] <= anchor.at - LOOK_BACK:
            _, self.settled = self.unsettled.popleft()
        return goes_on


def verify_anchors(path: Path, *, public_key: Ed25519PublicKey) -> AnchorReport:
    """Raises AnchorsUnavailable where the file cannot be read."""
    report, walk = AnchorReport(), _Walk()
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for place, line in enumerate(lines, start=1):
                _read(line, place, walk, report, public_key=public_key)
    except FileNotFoundError:
        pass  # nothing was anchored yet, or the file was taken away: the row knows
    except OSError as error:
        raise AnchorsUnavailable(f"Cannot read {path} ({error.strerror}).") from error
    _compare_row(walk, report)
    if report.holds:  # else the line that named it may be one that is gone
        _compare_unnamed(walk, report)
    _compare_heads(walk.heads, report)
    if (Conversation.objects.aggregate(sum=Sum("seq"))["sum"] or 0) < walk.entries:
        report.note(FaultKind.CUT_OFF, f"fewer entries than the {walk.entries} that were anchored")
    return report


def _read(
    line: str, place: int, walk: _Walk, report: AnchorReport, *, public_key: Ed25519PublicKey
) -> None:
    report.anchors += 1
    line = line.removesuffix("\n")
    try:
        anchor, signature = read_anchor(line)
        public_key.verify(signature, anchor.body().encode())
    except (ValueError, InvalidSignature):
        report.note(FaultKind.ANCHOR_FORGED, f"line {place} of the anchors")
        walk.number, walk.digest = walk.number + 1, digest_of_line(line)
        return
    if anchor.number != walk.number + 1 or anchor.previous != walk.digest:
        first, last = walk.number + 1, anchor.number - 1
        gap = f"{first} to {last}" if first < last else f"{min(first, anchor.number)}"
        report.note(FaultKind.ANCHOR_MISSING, f"anchor {gap}, before line {place}")
    else:
        report.valid_anchors += 1
        if not walk.follow(anchor):
            report.note(FaultKind.CUT_OFF, f"before anchor {anchor.number}, which counted fewer")
    walk.number, walk.digest = anchor.number, digest_of_line(line)
    walk.entries = max(walk.entries, anchor.entries)
    walk.heads |= anchor.heads


def _compare_row(walk: _Walk, report: AnchorReport) -> None:
    """The database knows the newest; one more may be in the file, where a writer died."""
    state = AnchorState.objects.filter(pk=1).first()
    if state is not None and state.number > walk.number:
        report.note(
            FaultKind.ANCHOR_MISSING, f"anchor {walk.number + 1} to {state.number}, at the end"
        )
    elif state is not None and state.number == walk.number and state.digest != walk.digest:
        report.note(FaultKind.ANCHOR_FORGED, f"anchor {walk.number}, the last")


def _compare_heads(heads: Mapping[str, tuple[int, str]], report: AnchorReport) -> None:
    for part in _parts(heads.items()):
        wanted = dict(part)
        entries = JournalEntry.objects.filter(
            conversation__external_id__in=wanted, seq__in={seq for seq, _ in wanted.values()}
        )
        found = {
            (key, seq): digest
            for key, seq, digest in entries.values_list(
                "conversation__external_id", "seq", "digest"
            )
        }
        for key, (seq, head) in wanted.items():
            report.heads += 1
            digest = found.get((key, seq))
            if digest is None:
                report.note(FaultKind.CUT_OFF, f"conversation {key}, entry {seq} was anchored")
            elif digest != head:
                report.note(FaultKind.REPLACED, f"conversation {key}, up to entry {seq}")


def _compare_unnamed(walk: _Walk, report: AnchorReport) -> None:
    """Each anchor names what moved: nothing that was there when the newest looked is in none."""
    rows = Conversation.objects.filter(seq__gt=0).values_list("pk", "external_id", "seq")
    later = (
        (pk, key, seq)
        for pk, key, seq in rows.iterator(chunk_size=10_000)
        if seq > walk.heads.get(key, (0, ""))[0]
    )
    for part in _parts(later):
        newest = JournalEntry.objects.filter(
            conversation_id__in={pk for pk, _, _ in part}, seq__in={seq for _, _, seq in part}
        )
        settled = newest.filter(pk__lte=walk.settled).values_list("conversation_id", "seq")
        there = set(settled)
        for pk, key, seq in part:
            if (pk, seq) in there:
                report.note(FaultKind.NOT_ANCHORED, f"conversation {key}, entry {seq}")


def _parts(rows: Iterable[_T]) -> Iterator[list[_T]]:
    left = iter(rows)
    while part := list(islice(left, _AT_ONCE)):
        yield part
