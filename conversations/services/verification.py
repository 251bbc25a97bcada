"""Recomputes the journal's chains and says what does not hold; it reads and never mends.

Bounded memory at any size: entries come in pages by (conversation, seq), each page with the heads
of its conversations from the same statement, so that writers need not stand still.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from conversations.keys import Seal, journal_key, seal_of
from conversations.models import Conversation, JournalEntry, MessageText
from conversations.services.journal import body_of
from conversations.services.journal import commitment as commitment_of

PAGE = 5_000
FAULTS_KEPT = 100

# Keys of conversations, from the first, up to and without the last; None: no end.
Range = tuple[int | None, int | None]

# Whose text an entry's commitment binds.
_ROLE_OF_KIND = {
    JournalEntry.Kind.RECEIVED.value: MessageText.Role.ORIGINAL.value,
    JournalEntry.Kind.TRANSLATED.value: MessageText.Role.TRANSLATED.value,
    JournalEntry.Kind.REPLIED.value: MessageText.Role.TYPED.value,
    JournalEntry.Kind.QUEUED.value: MessageText.Role.DELIVERED.value,
}


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


class Entry(NamedTuple):
    """A journal entry as it is stored, with the head of its conversation at the same moment."""

    conversation_id: int
    seq: int
    kind: str
    actor: str
    at: datetime
    message_id: int | None
    data: str
    commitment: str
    previous: str
    digest: str
    external_id: str
    head_seq: int
    head: str


_COLUMNS = (
    *Entry._fields[:10],
    "conversation__external_id",
    "conversation__seq",
    "conversation__head",
)


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
        # As services/journal writes it (docs/journal.md).
        return self._seal.digest(body_of(entry.external_id, *entry[1:9])) == entry.digest


def verify_journal(
    *, conversation: str | None = None, between: Range = (None, None), check_texts: bool = True
) -> Report:
    """Every chain from its first entry, or the one of `conversation` (the platform's id), or those
    whose keys are in `between`."""
    first, last = between
    conversations = Conversation.objects.filter(seq__gt=0)
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
    _walk(_pages(entries), report, check_texts=check_texts)
    _find_emptied(conversations, report)
    return report


def verify_recent(conversation_id: int, *, limit: int) -> Report:
    """The last `limit` entries of one conversation: quick enough for a page."""
    newest = JournalEntry.objects.filter(conversation_id=conversation_id).order_by("-seq")
    entries = [Entry(*row) for row in newest.values_list(*_COLUMNS)[:limit]][::-1]
    report = Report()
    _walk([entries] if entries else [], report, check_texts=True, from_start=len(entries) < limit)
    _find_emptied(Conversation.objects.filter(pk=conversation_id, seq__gt=0), report)
    return report


def _pages(entries: QuerySet[JournalEntry]) -> Iterator[list[Entry]]:
    rows = entries.order_by("conversation_id", "seq").values_list(*_COLUMNS)
    wanted = rows
    while page := [Entry(*row) for row in wanted[:PAGE]]:
        yield page
        last = page[-1]
        # The first condition lets the index begin there, the second leaves out what was read.
        further = Q(conversation_id__gt=last.conversation_id) | Q(seq__gt=last.seq)
        wanted = rows.filter(further, conversation_id__gte=last.conversation_id)


def _walk(
    pages: Iterable[list[Entry]], report: Report, *, check_texts: bool, from_start: bool = True
) -> None:
    seal = seal_of(journal_key())
    chain: _Chain | None = None
    current = None
    for page in pages:
        altered = _altered_texts(page, report) if check_texts else frozenset()
        for entry in page:
            if entry.conversation_id != current:
                _close(chain, report)
                current = entry.conversation_id
                chain = _Chain(entry, seal=seal)
                if not from_start:
                    chain = _Chain(entry, seal=seal, seq=entry.seq, previous=entry.previous)
                    report.is_whole = entry.seq == 1
            assert chain is not None  # noqa: S101 - the first entry made it
            report.entries += 1
            is_valid = chain.add(entry)
            if is_valid and (entry.conversation_id, entry.seq) in altered:
                chain.note(FaultKind.TEXT_CHANGED, entry.seq)
                is_valid = False
            report.valid_entries += is_valid
    _close(chain, report)


def _close(chain: _Chain | None, report: Report) -> None:
    if chain is None:
        return
    chain.end()
    report.chains += 1
    if chain.first_fault is None:
        report.valid_chains += 1
    elif len(report.faults) < FAULTS_KEPT:
        report.faults.append(chain.first_fault)


def _altered_texts(page: Sequence[Entry], report: Report) -> frozenset[tuple[int, int]]:
    """Entries whose text is there and is not the one they are bound to; an erased text is fine."""
    bound = {
        (entry.message_id, _ROLE_OF_KIND[entry.kind]): entry
        for entry in page
        if entry.commitment and entry.kind in _ROLE_OF_KIND
    }
    if not bound:
        return frozenset()
    messages = {message_id for message_id, _ in bound}
    texts = MessageText.objects.filter(message_id__in=messages)
    altered = set()
    for message_id, role, text, salt in texts.values_list("message_id", "role", "text", "salt"):
        entry = bound.get((message_id, role))
        if entry is None:
            continue
        report.texts += 1
        proof = commitment_of(bytes(salt), text)
        if proof != entry.commitment and not _is_redacted(message_id, proof):
            altered.add((entry.conversation_id, entry.seq))
    return frozenset(altered)


def _is_redacted(message_id: int, proof: str) -> bool:
    """Something was taken out of the text afterwards, and that entry is bound to what is left."""
    entries = JournalEntry.objects.filter(message_id=message_id, kind=JournalEntry.Kind.REDACTED)
    return entries.filter(commitment=proof).exists()


def _find_emptied(conversations: QuerySet[Conversation], report: Report) -> None:
    """Conversations whose head says that there were entries, and there is none at all."""
    journal = JournalEntry.objects.filter(conversation_id=OuterRef("pk"))
    emptied = conversations.filter(~Exists(journal)).order_by("pk")
    for external_id in emptied.values_list("external_id", flat=True).iterator():
        report.chains += 1
        if len(report.faults) < FAULTS_KEPT:
            report.faults.append(Fault(FaultKind.CUT_OFF, external_id, 1))
