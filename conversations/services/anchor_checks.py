"""Compares the anchors of a file with each other and with the journal; reads and never mends.

Only the newest anchored head of each conversation is looked up: the chain itself binds all that
come before it. Memory: one head a conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db.models import Sum

from conversations.models import AnchorState, Conversation, JournalEntry
from conversations.services.anchors import AnchorsUnavailable, digest_of_line, read_anchor
from conversations.services.verification import FAULTS_KEPT, FaultKind

_AT_ONCE = 500


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


def _parts(
    heads: Iterable[tuple[str, tuple[int, str]]],
) -> Iterator[list[tuple[str, tuple[int, str]]]]:
    left = iter(heads)
    while part := list(islice(left, _AT_ONCE)):
        yield part
