"""Recomputes the journal's chains and says what does not hold; it reads and never mends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from django.db.models import Exists, OuterRef, QuerySet

from conversations.keys import Seal, journal_key, seal_of
from conversations.models import Conversation, JournalEntry
from conversations.services.journal import body_of
from conversations.services.verification_pages import (
    Entry,
    Page,
    newest_page,
    pages_of,
    texts_amiss,
)

FAULTS_KEPT = 100

# Keys of conversations, from the first, up to and without the last; None: no end.
Range = tuple[int | None, int | None]


class FaultKind(Enum):
    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered or inserted"
    FORKED = "forked"
    CUT_OFF = "cut off"
    HEAD_CHANGED = "head changed"
    TEXT_CHANGED = "text changed"
    REPLACED = "replaced"
    ANCHOR_MISSING = "anchor missing"
    ANCHOR_FORGED = "anchor forged"
    NOT_ANCHORED = "not anchored"


@dataclass(frozen=True, slots=True)
class Fault:
    kind: FaultKind
    conversation: str
    seq: int

    def __str__(self) -> str:
        return f"{self.kind.value}: conversation {self.conversation}, entry {self.seq}"


@dataclass(slots=True)
class Report:
    entries: int = 0
    valid_entries: int = 0
    chains: int = 0
    valid_chains: int = 0
    texts: int = 0
    is_whole: bool = True  # false where only the end of a chain was read
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.entries == self.valid_entries and self.chains == self.valid_chains


class _Chain:
    """One conversation's chain, entry after entry; keeps the first fault and goes on counting."""

    def __init__(self, first: Entry, *, seal: Seal, seq: int = 1, previous: str = "") -> None:
        self.conversation = first.external_id
        self.first_fault: Fault | None = None
        self._seal = seal
        self._expected = seq
        self._previous = previous
        self._before_previous = ""
        self._last = first

    def add(self, entry: Entry) -> bool:
        kind = self._fault_of(entry)
        if self._was_passed_by(entry):
            self.first_fault = Fault(FaultKind.REORDERED, self.conversation, self._last.seq)
        if kind is FaultKind.MISSING:
            self.note(kind, self._expected)
        elif kind is FaultKind.REPLACED:
            self.note(kind, entry.seq - 1)
        elif kind is not None:
            self.note(kind, entry.seq)
        self._expected = entry.seq + 1
        self._before_previous, self._previous = self._previous, entry.digest
        self._last = entry
        return kind is None

    def note(self, kind: FaultKind, seq: int) -> None:
        self.first_fault = self.first_fault or Fault(kind, self.conversation, seq)

    def end(self) -> None:
        """The conversation keeps the head: what is behind it must be here."""
        if self._last.head_seq >= self._expected:
            self.note(FaultKind.CUT_OFF, self._expected)
        elif self._last.head_seq < self._last.seq or self._last.head != self._last.digest:
            self.note(FaultKind.HEAD_CHANGED, self._last.head_seq)

    def _fault_of(self, entry: Entry) -> FaultKind | None:
        is_linked = entry.previous == self._previous
        if entry.seq < self._expected:
            return FaultKind.FORKED
        if entry.seq > self._expected:
            return FaultKind.MISSING
        if self._is_genuine(entry):
            if is_linked:
                return None
            if entry.seq == 1:
                return FaultKind.REORDERED
            # It was written so, and the one before is genuine too: made anew, with the key.
            shares = entry.previous == self._before_previous
            return FaultKind.FORKED if shares else FaultKind.REPLACED
        return FaultKind.CHANGED if is_linked else FaultKind.REORDERED

    def _was_passed_by(self, entry: Entry) -> bool:
        """The last one is not genuine, and this one follows the one before it: it was put in."""
        fault = self.first_fault
        if fault is None or (fault.kind, fault.seq) != (FaultKind.CHANGED, self._last.seq):
            return False
        follows = entry.previous == self._before_previous and entry.previous != self._previous
        return follows and entry.seq == self._expected

    def _is_genuine(self, entry: Entry) -> bool:
        if entry.at is None:
            return False
        # As services/journal writes it (docs/journal.md).
        body = body_of(entry.external_id, *entry[1:9])  # type: ignore[arg-type]
        return self._seal.digest(body) == entry.digest


def verify_journal(
    *, conversation: str | None = None, between: Range = (None, None), check_texts: bool = True
) -> Report:
    """Every chain from its first entry, or the one of `conversation` (the platform's id), or those
    whose keys are in `between`."""
    first, last = between
    conversations = Conversation.objects.all()
    entries = JournalEntry.objects.all()
    if first is not None:
        conversations = conversations.filter(pk__gte=first)
        entries = entries.filter(conversation_id__gte=first)
    if last is not None:
        conversations = conversations.filter(pk__lt=last)
        entries = entries.filter(conversation_id__lt=last)
    if conversation is not None:
        conversations = conversations.filter(external_id=conversation)
        entries = entries.filter(conversation__external_id=conversation)
    report = Report()
    amiss = texts_amiss(conversations) if check_texts else {}
    _walk(pages_of(entries, check_texts=check_texts), report, amiss)
    _find_emptied(conversations, report, amiss)
    return report


def verify_recent(conversation_id: int, *, limit: int) -> Report:
    """The last `limit` entries of one conversation: quick enough for a page."""
    page = newest_page(JournalEntry.objects.filter(conversation_id=conversation_id), limit=limit)
    conversations = Conversation.objects.filter(pk=conversation_id)
    is_whole = len(page.entries) < limit
    amiss = texts_amiss(conversations, since=0 if is_whole else page.entries[0].seq)
    report = Report()
    _walk([page] if page.entries else [], report, amiss, from_start=is_whole)
    _find_emptied(conversations, report, amiss)
    return report


def _walk(
    pages: Iterable[Page], report: Report, amiss: dict[str, int], *, from_start: bool = True
) -> None:
    """Takes the conversations that it comes by out of `amiss`."""
    seal = seal_of(journal_key())
    chain: _Chain | None = None
    current = None
    for page in pages:
        report.texts += page.texts
        for entry in page.entries:
            if entry.conversation_id != current:
                _close(chain, report, amiss)
                current = entry.conversation_id
                chain = _Chain(entry, seal=seal)
                if not from_start:
                    chain = _Chain(entry, seal=seal, seq=entry.seq, previous=entry.previous)
                    report.is_whole = entry.seq == 1
            assert chain is not None  # noqa: S101 - the first entry made it
            report.entries += 1
            is_valid = chain.add(entry)
            if is_valid and (entry.conversation_id, entry.seq) in page.altered:
                chain.note(FaultKind.TEXT_CHANGED, entry.seq)
                is_valid = False
            report.valid_entries += is_valid
    _close(chain, report, amiss)


def _close(chain: _Chain | None, report: Report, amiss: dict[str, int]) -> None:
    if chain is None:
        return
    chain.end()
    if (seq := amiss.pop(chain.conversation, None)) is not None:
        chain.note(FaultKind.TEXT_CHANGED, seq)
    report.chains += 1
    if chain.first_fault is None:
        report.valid_chains += 1
    elif len(report.faults) < FAULTS_KEPT:
        report.faults.append(chain.first_fault)


def _find_emptied(
    conversations: QuerySet[Conversation], report: Report, amiss: dict[str, int]
) -> None:
    """Conversations whose head says that there were entries, and there is none at all; and those
    that have texts and never had an entry."""
    journal = JournalEntry.objects.filter(conversation_id=OuterRef("pk"))
    emptied = conversations.filter(~Exists(journal), seq__gt=0).order_by("pk")
    for external_id in emptied.values_list("external_id", flat=True).iterator():
        amiss.pop(external_id, None)
        _add_without_entries(Fault(FaultKind.CUT_OFF, external_id, 1), report)
    for external_id, seq in amiss.items():
        _add_without_entries(Fault(FaultKind.TEXT_CHANGED, external_id, seq), report)


def _add_without_entries(fault: Fault, report: Report) -> None:
    report.chains += 1
    if len(report.faults) < FAULTS_KEPT:
        report.faults.append(fault)
