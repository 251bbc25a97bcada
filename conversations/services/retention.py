"""Removes what has been kept long enough, each kind after its own period; a legal hold keeps it.

Every batch is a transaction of its own, and what is gone is not found again: a run that was killed
is gone on from by the next. Audit rows and the journal are never removed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction

from conversations.models import (
    Conversation,
    DeadLetterBody,
    JournalEntry,
    LegalHold,
    Message,
    MessageAttachment,
    MessageText,
)
from conversations.services.erasing import (
    BATCH,
    enter_tombstones,
    erase_messages,
    remove_files,
)
from conversations.services.journal import Ledger, lock_conversations

_BY = {"by": "retention"}


class OutOfTime(Exception):
    """The run has used its time; what is left is due again at the next one."""


def remove_due(*, now: datetime, for_s: float = float("inf")) -> Counter[str]:
    """Everything whose period has ended at `now`; stops after `for_s` seconds."""
    counts: Counter[str] = Counter()
    run = _Run(now, time.monotonic() + for_s, counts)
    try:
        run.texts()
        run.files()
        run.extracts()
    except OutOfTime:
        counts["unfinished"] = 1
    return counts


class _Run:
    def __init__(self, now: datetime, until: float, counts: Counter[str]) -> None:
        self._now = now
        self._until = until
        self._counts = counts

    def texts(self) -> None:
        before = self._before(settings.RETAIN_TEXTS_DAYS)
        if before is not None:
            for ids in self._due(MessageText, "message", before):
                self._batch(ids, before, self._erase_texts)

    def files(self) -> None:
        before = self._before(settings.RETAIN_FILES_DAYS)
        if before is not None:
            for ids in self._due(MessageAttachment, "message", before):
                self._batch(ids, before, self._erase_files)

    def extracts(self) -> None:
        """Bodies of dead letters; those that belong to no conversation leave no tombstone."""
        before = self._before(settings.RETAIN_EXTRACTS_DAYS)
        if before is None:
            return
        last = 0
        bodies = DeadLetterBody.objects.filter(dead_letter__created_at__lt=before)
        while found := list(
            bodies.filter(pk__gt=last)
            .order_by("pk")
            .values_list("pk", "dead_letter__conversation_id")[:BATCH]
        ):
            self._look_at_the_clock()
            last = found[-1][0]
            with transaction.atomic():
                places = {pk for _, pk in found if pk}
                conversations = {row.pk: row for row in lock_conversations(places)}
                held = _held(places)
                ledger = Ledger(actor="schedule", now=self._now)
                for pk in sorted(places - held):
                    count = sum(place == pk for _, place in found)
                    ledger.enter(
                        conversations[pk],
                        JournalEntry.Kind.ERASED,
                        data={**_BY, "extracts": count},
                    )
                gone = [pk for pk, place in found if place not in held]
                self._counts["extracts"] += bodies.filter(pk__in=gone).delete()[0]
                ledger.flush()

    def _before(self, days: int) -> datetime | None:
        """What was received before is due; None: it is kept for ever."""
        return self._now - timedelta(days=days) if days else None

    def _due(self, model: type[models.Model], link: str, before: datetime) -> Iterator[list[int]]:
        """Messages with rows of `model` that are due, oldest first.

        Keys are given in the order of receipt but for seconds, so no index on the time is needed:
        what is held is passed by, and the first page without anything due is the end.
        """
        last = 0
        rows = model._default_manager.order_by("pk")
        while found := list(
            rows.filter(pk__gt=last).values_list("pk", f"{link}_id", f"{link}__received_at")[:BATCH]
        ):
            self._look_at_the_clock()
            last = found[-1][0]
            due = {message for _, message, received_at in found if received_at < before}
            if not due:
                return
            yield sorted(due)

    def _batch(self, ids: Collection[int], before: datetime, erase: Any) -> None:
        places = Message.objects.filter(pk__in=ids).values_list("conversation_id", flat=True)
        with transaction.atomic():
            conversations = {row.pk: row for row in lock_conversations(set(places))}
            free = conversations.keys() - _held(conversations)
            messages = list(Message.objects.filter(pk__in=ids, conversation_id__in=free))
            if not messages:
                return
            ledger = Ledger(actor="schedule", now=self._now)
            self._counts.update(erase(ledger, conversations, messages, before))
            ledger.flush()

    def _erase_texts(
        self,
        ledger: Ledger,
        conversations: dict[int, Conversation],
        messages: list[Message],
        before: datetime,
    ) -> Counter[str]:
        counts = erase_messages(ledger, conversations, messages, facts=_BY, each=False)
        for pk in {message.conversation_id for message in messages}:
            if not Message.objects.spoken().filter(conversation=pk, erased_at=None).exists():
                conversations[pk].guest_name = ""
        return counts

    def _erase_files(
        self,
        ledger: Ledger,
        conversations: dict[int, Conversation],
        messages: list[Message],
        before: datetime,
    ) -> Counter[str]:
        counts = remove_files([message.pk for message in messages])
        facts = {**_BY, "what": "files"}
        enter_tombstones(ledger, conversations, messages, facts=facts, each=False)
        return counts

    def _look_at_the_clock(self) -> None:
        if time.monotonic() > self._until:
            raise OutOfTime


def _held(conversation_ids: Collection[int]) -> set[int]:
    holds = LegalHold.objects.in_force().filter(conversation_id__in=list(conversation_ids))
    return set(holds.values_list("conversation_id", flat=True))
