"""What a database's owner can do to a journal once the triggers are gone, by SQL."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from conversations.keys import journal_key, seal_of
from conversations.models import Conversation, JournalEntry
from conversations.services.journal import body_of

_TABLE = "conversations_journalentry"
_FAR = 1_000_000


def run(statement: str, parameters: Sequence[Any] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters))


def entry_of(name: str, seq: int) -> JournalEntry:
    return JournalEntry.objects.get(conversation__external_id=name, seq=seq)


def set_value(name: str, seq: int, column: str, *, rng: random.Random) -> None:
    entry = entry_of(name, seq)
    other: dict[str, Any] = {
        "kind": rng.choice(
            [kind for kind in ("confirmed", "failed", "read") if kind != entry.kind]
        ),
        "actor": f"somebody-{rng.random()}",
        "at": connection.ops.adapt_datetimefield_value(
            entry.at - timedelta(microseconds=rng.randrange(1, 10**9))
        ),
        "data": f'{{"n":{rng.random()}}}',
        "commitment": rng.randbytes(32).hex(),
        "message_id": None
        if entry.message_id
        else JournalEntry.objects.exclude(message=None)[0].message_id,
        "digest": rng.randbytes(32).hex(),
    }
    run(f"UPDATE {_TABLE} SET {column} = %s WHERE id = %s", [other[column], entry.pk])  # noqa: S608


def delete(name: str, *, first: int, last: int) -> None:
    pk = Conversation.objects.get(external_id=name).pk
    run(
        f"DELETE FROM {_TABLE} WHERE conversation_id = %s AND seq BETWEEN %s AND %s",  # noqa: S608
        [pk, first, last],
    )


def set_head(name: str, seq: int) -> None:
    Conversation.objects.filter(external_id=name).update(seq=seq, head=entry_of(name, seq).digest)


def insert(name: str, seq: int, *, rng: random.Random) -> None:
    """A forged entry that follows the one before it; the later ones make room."""
    conversation = Conversation.objects.get(external_id=name)
    before = entry_of(name, seq - 1)
    where = "WHERE conversation_id = %s AND seq >= %s"
    run(f"UPDATE {_TABLE} SET seq = seq + {_FAR} {where}", [conversation.pk, seq])  # noqa: S608
    run(f"UPDATE {_TABLE} SET seq = seq - {_FAR - 1} {where}", [conversation.pk, _FAR])  # noqa: S608
    JournalEntry.objects.bulk_create(
        [
            JournalEntry(
                conversation=conversation,
                seq=seq,
                kind="read",
                actor="worker",
                at=before.at,
                previous=before.digest,
                digest=rng.randbytes(32).hex(),
            )
        ]
    )
    Conversation.objects.filter(pk=conversation.pk).update(seq=conversation.seq + 1)


def swap(name: str, one: int, other: int) -> None:
    first, second = entry_of(name, one), entry_of(name, other)
    for pk, seq in ((first.pk, _FAR), (second.pk, one), (first.pk, other)):
        run(f"UPDATE {_TABLE} SET seq = %s WHERE id = %s", [seq, pk])  # noqa: S608


def rename(name: str, other: str) -> None:
    Conversation.objects.filter(external_id=name).update(external_id=other)


def digest_again(name: str, *, first: int, last: int, key: bytes | None = None) -> None:
    """Another actor, and digests that fit from there to `last`; by default with the right key."""
    previous = entry_of(name, first - 1).digest if first > 1 else ""
    conversation = Conversation.objects.get(external_id=name)
    for entry in JournalEntry.objects.filter(
        conversation=conversation, seq__range=(first, last)
    ).order_by("seq"):
        body = body_of(
            conversation=name,
            seq=entry.seq,
            kind=entry.kind,
            actor="somebody else",
            at=entry.at,
            message_id=entry.message_id,
            data=entry.data,
            commitment=entry.commitment,
            previous=previous,
        )
        digest = seal_of(key or journal_key()).digest(body)
        run(
            f"UPDATE {_TABLE} SET actor = 'somebody else', previous = %s, digest = %s "  # noqa: S608
            "WHERE id = %s",
            [previous, digest, entry.pk],
        )
        previous = digest
    if last == conversation.seq:
        Conversation.objects.filter(pk=conversation.pk).update(head=previous)


def forget_everything() -> None:
    """An empty database, for as long as the transaction lasts."""
    tables = ", ".join(
        f'"{name}"' for name in connection.introspection.table_names()
        if name.startswith(("conversations_", "translation_", "assist_"))
    )  # fmt: skip
    run(f"ALTER TABLE {_TABLE} DISABLE TRIGGER USER")
    run(f"TRUNCATE {tables} CASCADE")
    run(f"ALTER TABLE {_TABLE} ENABLE TRIGGER USER")
