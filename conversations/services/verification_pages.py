"""Reads the journal for verification: pages by (conversation, seq), and which texts are not theirs.

Pages need the same memory at any size. Each page comes with the heads of its conversations from the
same statement, so that writers need not stand still.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, NamedTuple

from django.db import DataError, connection
from django.db.models import (
    Case,
    Exists,
    Min,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast

from conversations.models import Conversation, JournalEntry, MessageText
from conversations.services.journal import commitment as commitment_of

PAGE = 5_000
_SHARE = 50_000  # entries looked at in one statement for texts that are amiss

# Whose text an entry's commitment binds.
_ROLE_OF_KIND = {
    JournalEntry.Kind.RECEIVED.value: MessageText.Role.ORIGINAL.value,
    JournalEntry.Kind.TRANSLATED.value: MessageText.Role.TRANSLATED.value,
    JournalEntry.Kind.REPLIED.value: MessageText.Role.TYPED.value,
    JournalEntry.Kind.QUEUED.value: MessageText.Role.DELIVERED.value,
}

_BINDING = JournalEntry.objects.filter(kind__in=_ROLE_OF_KIND).annotate(
    role=Case(*(When(kind=kind, then=Value(role)) for kind, role in _ROLE_OF_KIND.items()))
)


class Entry(NamedTuple):
    """A journal entry as it is stored, with the head of its conversation at the same moment."""

    conversation_id: int
    seq: int
    kind: str
    actor: str
    at: datetime | None  # None: what is stored is no time
    message_id: int | None
    data: str
    commitment: str
    previous: str
    digest: str
    external_id: str
    head_seq: int
    head: str
    pk: int


_COLUMNS = (
    *Entry._fields[:10],
    "conversation__external_id",
    "conversation__seq",
    "conversation__head",
    "pk",
)


class Page(NamedTuple):
    """`altered`: the (conversation, seq) of entries whose text is another than the one they bind;
    `texts`: how many were compared."""

    entries: list[Entry]
    altered: frozenset[tuple[int, int]] = frozenset()
    texts: int = 0


def pages_of(journal: QuerySet[JournalEntry], *, check_texts: bool) -> Iterator[Page]:
    """All of it. The next page is read while one is verified: the database is another process."""
    pages = map(_compared, _pages(journal)) if check_texts else map(Page, _pages(journal))
    # Not within a transaction, which another connection cannot see into.
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return pages
    return _ahead(pages)


def newest_page(journal: QuerySet[JournalEntry], *, limit: int) -> Page:
    """The last `limit` entries of one conversation, in their order."""
    rows = journal.order_by("-seq").values_list(*_COLUMNS)[:limit]
    return _compared(_entries(rows)[::-1])


def texts_amiss(conversations: QuerySet[Conversation], *, since: int = 0) -> dict[str, int]:
    """By the platform's id of the conversation the first entry (`since`: from there) about a text
    that stands there although no entry binds it, or is gone although it was not erased.

    A text and its entry are committed together, as are an erasure and what it removes: one
    statement sees both or none of them.
    """
    amiss: dict[str, int] = {}
    for keys in _shares(conversations):
        for rows in (_unbound(keys, since), _gone(keys, since)):
            for name, seq in rows:
                amiss[name] = min(seq, amiss.get(name, seq))
    return amiss


def _shares(conversations: QuerySet[Conversation]) -> Iterator[tuple[int, int]]:
    """First and last key of so many that one statement is quick."""
    first, size, last = 0, 0, 0
    sizes = conversations.order_by("pk").values_list("pk", "seq")
    for key, seq in sizes.iterator(chunk_size=10_000):
        first, last, size = first or key, key, size + seq + 1
        if size >= _SHARE:
            yield first, last
            first, size = 0, 0
    if first:
        yield first, last


def _unbound(keys: tuple[int, int], since: int) -> QuerySet[MessageText, tuple[str, int]]:
    binding = _BINDING.filter(
        message_id=OuterRef("message_id"),
        conversation_id=OuterRef("message__conversation_id"),
        role=OuterRef("role"),
    )
    texts = MessageText.objects.filter(
        ~Exists(binding),
        message__conversation_id__gte=keys[0],
        message__conversation_id__lte=keys[1],
        message__seq__gte=since,
    )
    names = texts.values_list("message__conversation__external_id")
    return names.annotate(first=Min("message__seq"))


def _gone(keys: tuple[int, int], since: int) -> QuerySet[JournalEntry, tuple[str, int]]:
    there = MessageText.objects.filter(message_id=OuterRef("message_id"), role=OuterRef("role"))
    entries = _BINDING.filter(
        ~Exists(there),
        conversation_id__gte=keys[0],
        conversation_id__lte=keys[1],
        seq__gte=since,
        message__erased_at__isnull=True,
    )
    return entries.values_list("conversation__external_id").annotate(first=Min("seq"))


def _pages(journal: QuerySet[JournalEntry]) -> Iterator[list[Entry]]:
    rows = journal.order_by("conversation_id", "seq").values_list(*_COLUMNS)
    wanted = rows
    place, twins = (0, 0), set[int]()
    while page := _entries(wanted[:PAGE]):
        yield page
        last = page[-1]
        if (last.conversation_id, last.seq) != place:
            place, twins = (last.conversation_id, last.seq), set()
        # Without its constraint, more than one may have that number.
        here = takewhile(lambda entry: entry[:2] == place, reversed(page))  # noqa: B023
        twins |= {entry.pk for entry in here}
        # The first condition lets the index begin there, the others leave out what was read.
        further = Q(conversation_id__gt=last.conversation_id) | Q(seq__gte=last.seq)
        wanted = rows.filter(further, conversation_id__gte=last.conversation_id)
        wanted = wanted.exclude(pk__in=twins)


def _entries(rows: QuerySet[JournalEntry, tuple[Any, ...]]) -> list[Entry]:
    try:
        return [Entry(*row) for row in rows]
    except (DataError, ValueError, AttributeError):
        # A time that nobody could have written: `infinity`, or on SQLite anything at all.
        columns = [Cast("at", TextField()) if name == "at" else name for name in _COLUMNS]
        found = [Entry(*row) for row in rows.values_list(*columns)]
        return [entry._replace(at=_moment(str(entry.at))) for entry in found]


def _moment(stored: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(stored)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _ahead(pages: Iterator[Page]) -> Iterator[Page]:
    with ThreadPoolExecutor(1, thread_name_prefix="verification") as reader:
        try:
            coming = reader.submit(next, pages, None)
            while (page := coming.result()) is not None:
                coming = reader.submit(next, pages, None)
                yield page
        finally:
            reader.submit(lambda: connection.close()).result()  # the thread has its own


def _compared(entries: Sequence[Entry]) -> Page:
    """An erased text is fine."""
    bound = {
        (entry.message_id, _ROLE_OF_KIND[entry.kind]): entry
        for entry in entries
        if entry.commitment and entry.kind in _ROLE_OF_KIND
    }
    altered, count = set(), 0
    for message_id, role, text, salt in _texts_of({message for message, _ in bound}):
        entry = bound.get((message_id, role))
        if entry is None:
            continue
        count += 1
        proof = commitment_of(bytes(salt), text)
        if proof != entry.commitment and not _is_redacted(message_id, proof):
            altered.add((entry.conversation_id, entry.seq))
    return Page(list(entries), frozenset(altered), count)


def _texts_of(messages: Iterable[int | None]) -> Iterable[tuple[int, str, str, bytes | memoryview]]:
    wanted = list(messages)
    if not wanted:
        return ()
    texts = MessageText.objects.filter(message_id__in=wanted)
    return texts.values_list("message_id", "role", "text", "salt")


def _is_redacted(message_id: int, proof: str) -> bool:
    """Something was taken out of the text afterwards, and that entry is bound to what is left."""
    entries = JournalEntry.objects.filter(message_id=message_id, kind=JournalEntry.Kind.REDACTED)
    return entries.filter(commitment=proof).exists()
