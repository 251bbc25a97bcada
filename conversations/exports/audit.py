"""The audit trail: the journal's entries as they were digested, so that a reader with the key can
recompute each of them, and one without can follow how each names the one before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from conversations.exports.base import PAGE, Page, Position, Row, Scope, iso
from conversations.exports.covered import conversations_in
from conversations.exports.in_database import Column, Select
from conversations.exports.transcripts_sql import moment
from conversations.models import Conversation, JournalEntry

COLUMNS = (
    "conversation_id",
    "seq",
    "kind",
    "actor",
    "at",
    "message_key",
    "message_id",
    "data",
    "commitment",
    "previous",
    "digest",
)
SQL_COLUMNS = (
    Column("conversation_id", "conversation.external_id"),
    Column("seq", "page.seq", "plain"),
    Column("kind", "page.kind", "ours"),
    Column("actor", "page.actor"),
    Column("at", moment("page.at"), "ours"),
    Column("message_key", "page.message_id", "plain"),
    Column("message_id", "nullif(message.external_id, '')"),
    Column("data", "page.data"),
    Column("commitment", "page.commitment", "ours"),
    Column("previous", "page.previous", "ours"),
    Column("digest", "page.digest", "ours"),
)
_JOINS = (
    "JOIN conversations_conversation conversation ON conversation.id = page.conversation_id "
    "LEFT JOIN conversations_message message ON message.id = page.message_id"
)
_READ = (
    "conversation__external_id",
    "seq",
    "kind",
    "actor",
    "at",
    "message_id",
    "message__external_id",
    "data",
    "commitment",
    "previous",
    "digest",
    "conversation_id",
)


class Audit:
    """By conversation, and within it in the order of the chain."""

    columns = COLUMNS
    formats = ("csv", "jsonl")
    sql_columns = SQL_COLUMNS

    def select(self, scope: Scope) -> Select:
        where: list[str] = []
        parameters: list[Any] = []
        for condition, value in (("one.at >= %s", scope.since), ("one.at < %s", scope.until)):
            if value is not None:
                where.append(condition)
                parameters.append(value)
        return Select("conversations_journalentry", where, parameters, _JOINS)

    def conversations(self, scope: Scope) -> QuerySet[Conversation]:
        own = JournalEntry.objects.filter(conversation=OuterRef("pk"))
        found = conversations_in(scope, with_console=True)
        return found.filter(Exists(_within(own, scope)))

    def count(self, scope: Scope) -> int:
        return _entries(scope).count()

    def pages(
        self, scope: Scope, *, after: Position | None = None, size: int = PAGE
    ) -> Iterator[Page]:
        entries = _entries(scope).order_by("conversation_id", "seq").values_list(*_READ)
        wanted = _past(entries, *after) if after else entries
        while page := list(wanted[:size]):
            last = (page[-1][-1], page[-1][1])
            yield Page([_row(values) for values in page], last)
            wanted = _past(entries, *last)


def _entries(scope: Scope) -> QuerySet[Any]:
    entries = _within(JournalEntry.objects.all(), scope)
    if scope.export is not None:
        return entries.filter(
            conversation__export_heads__export=scope.export,
            seq__lte=F("conversation__export_heads__seq"),
        )
    if scope.names() or scope.language:
        return entries.filter(conversation__in=conversations_in(scope, with_console=True))
    return entries


def _within(entries: QuerySet[Any], scope: Scope) -> QuerySet[Any]:
    if scope.since is not None:
        entries = entries.filter(at__gte=scope.since)
    if scope.until is not None:
        entries = entries.filter(at__lt=scope.until)
    return entries


def _past(entries: QuerySet[Any], conversation_id: int, seq: int) -> QuerySet[Any]:
    further = Q(conversation_id__gt=conversation_id) | Q(seq__gt=seq)
    return entries.filter(further, conversation_id__gte=conversation_id)


def _row(values: tuple[Any, ...]) -> Row:
    row = dict(zip(COLUMNS, values, strict=False))
    row["at"] = iso(row["at"])
    row["message_id"] = row["message_id"] or None
    return row
