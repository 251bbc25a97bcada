"""Erases a guest: everything they and those who answered them said, up to the request.

The request is a row, and what is done is not found again: a run that was killed is gone on from.
Conversations go on: what is said after the request is new, and stays.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from conversations.genesys.events import MessageReceived
from conversations.keys import content_key
from conversations.models import (
    Conversation,
    DeadLetter,
    DeadLetterBody,
    Erasure,
    JournalEntry,
    LegalHold,
    Message,
)
from conversations.net.strict_json import clean_text
from conversations.services.compaction import compact
from conversations.services.erasing import BATCH, erase_messages
from conversations.services.journal import Ledger, lock_conversations
from conversations.services.reasons import NAMES_THE_GUEST
from conversations.services.recognition import CLOCK_SKEW
from conversations.signals import journals_moved, texts_erased

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

logger = logging.getLogger(__name__)

_NAMED = 5  # conversations that a refusal names
ERASED_GUEST = "erased:"  # how a conversation names a guest who was erased


class ErasureRefused(ValueError):
    """Nothing was changed; its text says why, for the person who asked."""


class _Held(ErasureRefused):
    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"A legal hold keeps {', '.join(names[:_NAMED])}. Nothing is erased until it is lifted"
            " (admin, Legal holds)."
        )
        self.names = names


@dataclass(frozen=True, slots=True)
class Extent:
    """What an erasure would remove."""

    conversations: int
    messages: int
    open: int


def digest_of_guest(guest_id: str) -> str:
    return content_key("guest", guest_id)


def request_erasure(
    guest_id: str,
    *,
    reason: str,
    actor: str,
    named: Collection[str] = (),
    user: AbstractBaseUser | None = None,
) -> Erasure:
    """Write the request down, to be run; a refused one changes nothing.

    `named`: further conversations, which name no guest (calls), by the platform's ids.
    """
    guest_id, now = guest_id.strip(), timezone.now()
    reason = clean_text(reason).strip()[:200]
    digest = digest_of_guest(guest_id or "\n".join(sorted(named)))
    conversations = _conversations_of(guest_id, named)
    _refuse_what_cannot_be(guest_id, reason, named, conversations)
    waiting = _waiting(digest, named, conversations)
    if waiting is not None:
        return waiting
    return Erasure.objects.create(
        guest_id=guest_id,
        guest_digest=digest,
        named=sorted(named),
        reason=reason,
        actor=actor,
        requested_by_id=user.pk if user else None,
        requested_at=now,
    )


def _waiting(
    digest: str, named: Collection[str], conversations: QuerySet[Conversation]
) -> Erasure | None:
    """A request that is not done yet and covers all that is asked for now."""
    for erasure in Erasure.objects.unfinished().filter(guest_digest=digest).order_by("pk"):
        since = Message.objects.filter(
            conversation__in=conversations, received_at__gt=erasure.requested_at
        )
        if set(named) <= set(erasure.named) and not since.spoken().exists():
            return erasure
    return None


def extent_of(guest_id: str, named: Collection[str] = ()) -> Extent:
    conversations = _conversations_of(guest_id, named)
    messages = Message.objects.filter(conversation__in=conversations, erased_at__isnull=True)
    return Extent(
        conversations=conversations.count(),
        messages=messages.spoken().count(),
        open=conversations.filter(state=Conversation.State.OPEN).count(),
    )


def run_erasure(erasure: Erasure) -> Erasure:
    """To its end, from wherever an earlier run was stopped; safe to run twice at once."""
    pks = list(_conversations_of_request(erasure).order_by("pk").values_list("pk", flat=True))
    try:
        _refuse_held(pks)
        for pk in pks:
            for _ in _erase_conversation(erasure, pk):
                pass
    except _Held as refusal:
        note = _note_of_begun(erasure, pks, refusal) or str(refusal)
        _end(erasure, Erasure.State.REFUSED, note=note[:500])
        return erasure
    _erase_copies(erasure, pks, guest_id=erasure.guest_id)
    Erasure.objects.filter(pk=erasure.pk).update(guest_id="")  # the last that names the guest
    compact()
    _end(erasure, Erasure.State.FINISHED)
    return erasure


def _note_of_begun(erasure: Erasure, pks: Sequence[int], refusal: _Held) -> str:
    """A hold came half-way: finish those that are erased already, and name them; empty: none is."""
    rows = Conversation.objects.filter(pk__in=pks, erased_at__gte=erasure.requested_at)
    begun = dict(rows.order_by("pk").values_list("pk", "external_id"))
    if not begun:
        return ""
    held = {*refusal.names, *_held(pks)}
    if free := [pk for pk, name in begun.items() if name not in held]:
        _erase_copies(erasure, free, guest_id="")  # frames of what is held may name the guest
    names = [
        f"{name} (in part)" if _left(erasure, pk).exists() else name
        for pk, name in [*begun.items()][:_NAMED]
    ]
    return (
        f"A legal hold keeps {', '.join(refusal.names[:_NAMED])}. It came half-way; erased before"
        f" it: {', '.join(names)}. Ask again once it is lifted (admin, Legal holds)."
    )


def erased_guests(guest_ids: Collection[str]) -> dict[str, datetime]:
    """Since when what these guests said is not to be stored; for those alone who were erased."""
    digests = {digest_of_guest(one): one for one in guest_ids if one}
    rows = Erasure.objects.filter(guest_digest__in=digests).exclude(state=Erasure.State.REFUSED)
    found: dict[str, datetime] = {}
    for digest, at in rows.order_by("requested_at").values_list("guest_digest", "requested_at"):
        found[digests[digest]] = at
    return found


def said_before_erasure(
    events: Sequence[MessageReceived], names: Collection[str]
) -> list[MessageReceived]:
    """Events of conversations among `names`, unknown so far, that an erased guest had before the
    request."""
    unknown = [event for event in events if event.conversation_id in names]
    erased = erased_guests({person for event in unknown for person in _people(event)})
    return [
        event
        for event in unknown
        if any(event.sent_at + CLOCK_SKEW <= erased[one] for one in _people(event) if one in erased)
    ]


def _people(event: MessageReceived) -> set[str]:
    return {event.sender.id, event.recipient.id if event.recipient else ""}


def _refuse_what_cannot_be(
    guest_id: str,
    reason: str,
    named: Collection[str],
    conversations: QuerySet[Conversation],
) -> None:
    if not (guest_id or named):
        raise ErasureRefused("Say which guest: an empty id would be nobody.")
    if not reason:
        raise ErasureRefused("An erasure needs a reason; it stays in the journal.")
    missing = sorted(set(named) - {*conversations.values_list("external_id", flat=True)})
    if missing:
        raise ErasureRefused(f"There is no conversation {missing[0]}.")
    if not conversations.exists():
        earlier = Erasure.objects.filter(guest_digest=digest_of_guest(guest_id))
        if not earlier.exists():
            raise ErasureRefused(f"There is no guest {guest_id}.")
        return
    names = conversations.exclude(guest_name="").values_list("guest_name", flat=True)
    said = reason.casefold()
    if (guest_id and guest_id.casefold() in said) or any(name.casefold() in said for name in names):
        raise ErasureRefused(f"{NAMES_THE_GUEST} The number of the request will do.")
    _refuse_held(conversations.values_list("pk", flat=True))


def _held(pks: Iterable[int]) -> list[str]:
    holds = LegalHold.objects.in_force().filter(conversation__in=list(pks))
    return list(holds.order_by("pk").values_list("conversation__external_id", flat=True))


def _refuse_held(pks: Iterable[int]) -> None:
    held = _held(pks)
    if held:
        raise _Held(held)


def _conversations_of(guest_id: str, named: Collection[str]) -> QuerySet[Conversation]:
    theirs = Q(guest_id=guest_id) if guest_id else Q()
    return Conversation.objects.filter(theirs | Q(external_id__in=list(named)))


def _conversations_of_request(erasure: Erasure) -> QuerySet[Conversation]:
    """Those that an earlier run has finished have the pseudonym already."""
    ids = [one for one in (erasure.guest_id, _pseudonym(erasure)) if one]
    return Conversation.objects.filter(Q(guest_id__in=ids) | Q(external_id__in=erasure.named))


def _pseudonym(erasure: Erasure) -> str:
    return f"{ERASED_GUEST}{erasure.guest_digest[:32]}"


def _erase_conversation(erasure: Erasure, pk: int) -> Iterator[int]:
    """A batch at a time, each a transaction."""
    while True:
        with transaction.atomic():
            ledger = Ledger(actor=erasure.actor, now=timezone.now())
            (conversation,) = lock_conversations([pk])
            _refuse_held([pk])
            if _is_erased(erasure, conversation):
                return
            is_first = _begin(erasure, conversation, ledger)
            messages = list(_left(erasure, pk).order_by("seq")[:BATCH])
            counts = erase_messages(
                ledger,
                {pk: conversation},
                messages,
                facts={"by": "request", "erasure": erasure.pk},
                each=True,
            )
            if len(messages) < BATCH:
                _finish(erasure, conversation, ledger)
            counts["conversations"] += is_first
            moved = ledger.flush()
            if is_first:
                Conversation.objects.filter(pk=pk).update(erased_at=erasure.requested_at)
            _count(erasure, counts)
        journals_moved.send(sender=Erasure, moved=moved)
        yield len(messages)
        if len(messages) < BATCH:
            return


def _is_erased(erasure: Erasure, conversation: Conversation) -> bool:
    """By an earlier request, or an earlier run of this one: nothing is left."""
    is_nameless = conversation.guest_id in ("", _pseudonym(erasure)) and not conversation.guest_name
    is_begun = conversation.erased_at is not None
    return is_begun and is_nameless and not _left(erasure, conversation.pk).exists()


def _begin(erasure: Erasure, conversation: Conversation, ledger: Ledger) -> bool:
    """Whether this is the first that is done about the conversation."""
    if conversation.erased_at is not None and conversation.erased_at >= erasure.requested_at:
        return False
    conversation.guest_name = ""
    facts = {"by": "request", "erasure": erasure.pk, "reason": erasure.reason}
    ledger.enter(conversation, JournalEntry.Kind.ERASED, data=facts)
    return True


def _finish(erasure: Erasure, conversation: Conversation, ledger: Ledger) -> None:
    """The guest's id goes last, for a run that is resumed finds the conversation by it; and stays
    where the guest has written again since."""
    rows = Message.objects.filter(conversation=conversation)
    is_going_on = rows.filter(
        origin=Message.Origin.GUEST, erased_at__isnull=True, sent_at__gt=erasure.requested_at
    ).exists()
    if conversation.guest_id and not is_going_on:
        conversation.guest_id = _pseudonym(erasure)
    if erasure.guest_id:
        guests = rows.filter(sender_id=erasure.guest_id, erased_at__isnull=False)
        guests.update(sender_id=_pseudonym(erasure))
    ledger.touch(conversation)


def _left(erasure: Erasure, pk: int) -> QuerySet[Message]:
    return Message.objects.filter(
        Q(sent_at__lte=erasure.requested_at) | Q(received_at__lte=erasure.requested_at),
        conversation_id=pk,
        erased_at__isnull=True,
    )


def _erase_copies(erasure: Erasure, pks: Sequence[int], *, guest_id: str) -> None:
    """What stands elsewhere of these conversations: in dead letters, and in files of exports."""
    extracts = _erase_frames(erasure, pks, guest_id=guest_id)
    answers = texts_erased.send(
        sender=Erasure, conversation_ids=pks, reason=f"erasure {erasure.pk}"
    )
    files = sum(int(count or 0) for _, count in answers)
    _count(erasure, Counter(extracts=extracts, export_files=files))


def _erase_frames(erasure: Erasure, pks: Sequence[int], *, guest_id: str) -> int:
    """Bodies of dead letters: of these conversations, and frames that name them or the guest."""
    named = Conversation.objects.filter(pk__in=pks).values_list("external_id", flat=True)
    marks = [one.encode() for one in (guest_id, *named) if one]
    bodies = DeadLetterBody.objects.filter(dead_letter__created_at__lte=erasure.requested_at)
    gone = list(bodies.filter(dead_letter__conversation__in=pks).values_list("pk", flat=True))
    frames = bodies.filter(
        dead_letter__kind=DeadLetter.Kind.FRAME, dead_letter__conversation__isnull=True
    )
    for pk, body, stream in frames.values_list("pk", "body", "dead_letter__stream").iterator(
        chunk_size=50
    ):
        where = bytes(body) + b"\n" + stream.encode()
        if any(mark in where for mark in marks):
            gone.append(pk)
    count = 0
    for start in range(0, len(gone), BATCH):
        count += DeadLetterBody.objects.filter(pk__in=gone[start : start + BATCH]).delete()[0]
    return count


def _count(erasure: Erasure, counts: Counter[str]) -> None:
    changes: dict[str, Any] = {name: F(name) + count for name, count in counts.items() if count}
    Erasure.objects.filter(pk=erasure.pk).update(active_at=timezone.now(), **changes)


def _end(erasure: Erasure, state: Erasure.State, *, note: str = "") -> None:
    now = timezone.now()
    changes = {"state": state, "finished_at": now, "note": note, "guest_id": ""}
    Erasure.objects.unfinished().filter(pk=erasure.pk).update(**changes)
    erasure.refresh_from_db()
    logger.info("erasure %s is %s: %s messages", erasure.pk, state, erasure.messages)
