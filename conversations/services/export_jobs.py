"""The life of an export: asked for, claimed by one worker at a time, finished once.

Every step is a compare-and-set on the row, so that a worker that was thought dead changes nothing
when it wakes. What people did is in the console's chain (`console_journal`); that a conversation's
texts left the house is in the conversation's own.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from conversations.models import Conversation, Export, ExportFetch, ExportHead, JournalEntry
from conversations.services.console_journal import note
from conversations.services.exports import FREE, delete_files
from conversations.services.journal import (
    Ledger,
    canonical,
    commitment,
    lock_conversations,
    new_salt,
)
from conversations.signals import export_wanted

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LEASE = timedelta(seconds=60)
BARREN_AT_MOST = 5  # runs in a row that ended without a step forward
_ENTERED_AT_ONCE = 100  # a chat must not wait long for its conversation's row
_HEADS_AT_ONCE = 5_000
_KIND = JournalEntry.Kind


class Lost(Exception):
    """The job is another's now, was cancelled, or begins again: whoever worked on it stops."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to have, checked by whoever asks for it."""

    kind: str
    file_format: str
    asked: Mapping[str, Any]
    reason: str


def request_export(
    wish: Wish, *, actor: str, user: User | None = None, is_command: bool = False
) -> Export:
    """Put a job in the queue, or, for a command, one that the caller runs itself."""
    now, salt, key = timezone.now(), new_salt(), os.urandom(16).hex()
    with transaction.atomic():
        export = Export.objects.create(
            key=key,
            kind=wish.kind,
            file_format=wish.file_format,
            asked=canonical(wish.asked) or "{}",
            requester=user,
            requested_by=actor,
            reason=wish.reason,
            reason_salt=salt,
            is_command=is_command,
            requested_at=now,
        )
        asked = {"export": key, "kind": wish.kind, "format": wish.file_format, **wish.asked}
        proof = commitment(salt, wish.reason)
        note(_KIND.EXPORT_REQUESTED, actor=actor, data=asked, commitment=proof, now=now)
        if not is_command:
            transaction.on_commit(lambda: export_wanted.send(sender=Export), robust=True)
    return export


def claim_next(owner: str) -> Export | None:
    """The oldest job that nobody works on, now leased to `owner`."""
    now = timezone.now()
    for export in Export.objects.runnable(now)[:10]:
        if claimed := claim(export, owner, now=now):
            return claimed
    return None


def claim(export: Export, owner: str, *, now: datetime | None = None) -> Export | None:
    """None where another was faster."""
    now = now or timezone.now()
    as_seen = {"run": export.run, "state": export.state, "lease_owner": export.lease_owner}
    won = Export.objects.filter(pk=export.pk, **as_seen).update(
        state=Export.State.RUNNING,
        lease_owner=owner,
        lease_until=now + LEASE,
        run=F("run") + 1,
        barren=F("barren") + 1,
        started_at=export.started_at or now,
    )
    return Export.objects.get(pk=export.pk) if won else None


def fix_heads(export: Export, conversations: QuerySet[Conversation]) -> None:
    """Where each covered journal stands at one moment: the export ends there. Once."""
    now = timezone.now()
    chosen = conversations.order_by().values_list("pk", "seq", "head")
    sql, parameters = chosen.query.sql_with_params()
    table = ExportHead._meta.db_table
    with transaction.atomic(), patience():
        # By one statement, so that all of them are of one moment.
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (export_id, conversation_id, seq, head) "  # noqa: S608
                f"SELECT %s, chosen.* FROM ({sql}) chosen",
                [export.pk, *parameters],
            )
        export.heads_digest, export.heads = _digest_of_heads(export)
        export.heads_at = now
        _change(
            export, heads_digest=export.heads_digest, heads=export.heads, heads_at=export.heads_at
        )


def heads_of(export: Export, *, at_most: int) -> dict[str, tuple[int, str]]:
    """By the platform's id of the conversation, in the order of the rows."""
    rows = ExportHead.objects.filter(export=export).order_by("conversation_id")
    values = rows.values_list("conversation__external_id", "seq", "head")
    return {name: (seq, head) for name, seq, head in values[:at_most]}


def digest_of_head(name: str, seq: int, head: str) -> bytes:
    """What one head adds to the digest of all of them."""
    return json.dumps([name, seq, head], separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _digest_of_heads(export: Export) -> tuple[str, int]:
    digest, count, last = hashlib.sha256(), 0, 0
    rows = ExportHead.objects.filter(export=export).order_by("conversation_id")
    read = rows.values_list("conversation_id", "conversation__external_id", "seq", "head")
    while page := list(read.filter(conversation_id__gt=last)[:_HEADS_AT_ONCE]):
        for last, name, seq, head in page:  # noqa: B007 - where the next page begins
            digest.update(digest_of_head(name, seq, head))
            count += 1
    return digest.hexdigest(), count


def enter_into_chains(export: Export) -> bool:
    """One more batch of conversations gets its entry `exported`; False where all have theirs."""
    covered = ExportHead.objects.filter(
        export=export, conversation_id__gt=export.entered_upto
    ).order_by("conversation_id")
    seqs = dict(covered.values_list("conversation_id", "seq")[:_ENTERED_AT_ONCE])
    if not seqs:
        return False
    upto = max(seqs)
    with transaction.atomic():
        ledger = Ledger(actor=export.requested_by, now=timezone.now())
        for conversation in lock_conversations(seqs):
            data = {"export": export.key, "kind": export.kind, "upto": seqs[conversation.pk]}
            ledger.enter(conversation, _KIND.EXPORTED, data=data)
        ledger.flush()
        _change(export, entered_upto=upto, barren=0, lease_until=timezone.now() + LEASE)
    export.entered_upto = upto
    return True


def checkpoint(export: Export, *, rows: int, size: int, position: str, part: str) -> None:
    """So much of the part is durable; the lease is good for as long again. Raises Lost."""
    _change(
        export,
        rows=rows,
        size=size,
        position=position,
        file_name=part,
        lease_until=timezone.now() + LEASE,
        **({"barren": 0} if rows > export.rows else {}),
    )
    export.rows, export.size, export.position, export.file_name = rows, size, position, part


def expect(export: Export, rows: int | None) -> None:
    _change(export, expected=rows)
    export.expected = rows


def hand_on(export: Export) -> None:
    """Let whoever comes next go on from the last checkpoint."""
    _change(export, **FREE)
    export_wanted.send(sender=Export)


def finish(export: Export, *, file_name: str, sha256: str, manifest: str) -> None:
    now = timezone.now()
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    with transaction.atomic():
        _change(
            export,
            state=Export.State.FINISHED,
            file_name=file_name,
            sha256=sha256,
            manifest=manifest,
            finished_at=now,
            **FREE,
        )
        facts = {"rows": export.rows, "size": export.size, "sha256": sha256, "manifest": digest}
        data = {"export": export.key, **facts}
        note(_KIND.EXPORT_FINISHED, actor=export.requested_by, data=data, now=now)


def fail(export: Export, reason: str) -> None:
    """`reason` is for people; it holds no text of a message."""
    with transaction.atomic():
        _change(
            export,
            state=Export.State.FAILED,
            failure=reason[:300],
            finished_at=timezone.now(),
            **FREE,
        )
        data = {"export": export.key, "reason": reason[:300]}
        note(_KIND.EXPORT_FAILED, actor=export.requested_by, data=data)
    delete_files(export.key)


def cancel(export: Export, *, actor: str) -> bool:
    """False where it has already ended. A worker that is at it finds its lease gone."""
    with transaction.atomic():
        won = Export.objects.filter(pk=export.pk, state__in=Export.UNFINISHED).update(
            state=Export.State.CANCELLED, finished_at=timezone.now(), **FREE
        )
        if won:
            note(_KIND.EXPORT_CANCELLED, actor=actor, data={"export": export.key})
    if won:
        delete_files(export.key)
    return bool(won)


def note_fetch(export: Export, *, what: str, actor: str, range_asked: str = "") -> None:
    """Somebody is given a file, or the rest of it (`range_asked` as they wrote it)."""
    now = timezone.now()
    part = {"range": range_asked[:60]} if range_asked else {}
    data = {"export": export.key, "what": what, **part}
    with transaction.atomic():
        ExportFetch.objects.create(export=export, what=what, by=actor, at=now)
        note(_KIND.EXPORT_FETCHED, actor=actor, data=data, now=now)


def _change(export: Export, **values: Any) -> None:
    """Only as the run that holds the lease."""
    held = Export.objects.filter(pk=export.pk, state=Export.State.RUNNING, run=export.run)
    if not held.update(**values):
        raise Lost(export.key)


@contextmanager
def patience() -> Iterator[None]:
    """Within it a statement may take longer than one of a chat (15 s). SQLite has no such limit,
    and a transaction there would keep everybody else from writing."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '600s'")
        yield
