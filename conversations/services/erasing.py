"""Removes what was said: texts with their salts, files' names and addresses, extracts, names.

What is left is the row of each message and the proof of it; a tombstone in the chain says that
its text is gone, when and why. The caller has locked the conversations and commits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q
from django.utils.module_loading import import_string

from conversations.models import (
    AttributeAudit,
    Conversation,
    DeadLetterBody,
    Delivery,
    JournalEntry,
    Message,
    MessageAttachment,
    MessageText,
)
from conversations.net.faultpoints import point
from conversations.services.journal import Ledger

BATCH = 500  # messages a transaction: nobody waits long for a conversation's row
REASON = "erased"
_Kind = JournalEntry.Kind
_Attributes = Delivery.AttributesState


def erase_messages(
    ledger: Ledger,
    conversations: Mapping[int, Conversation],
    messages: Sequence[Message],
    *,
    facts: Mapping[str, Any],
    each: bool,
) -> Counter[str]:
    """Everything of `messages`; a tombstone for each of them, or one for all of a conversation.

    `facts` stand in the tombstones and hold no text.
    """
    ids = [message.pk for message in messages]
    _settle_unfinished(ledger, conversations, ids)
    counts = _remove_texts(ids) + remove_files(ids)
    letters = DeadLetterBody.objects.filter(dead_letter__message_id__in=ids)
    counts["extracts"] += letters.delete()[0]
    _remove_names(conversations, messages)
    point("K13")  # content deleted, no tombstone
    Message.objects.filter(pk__in=ids).update(erased_at=ledger.now)
    spoken = [message for message in messages if message.origin != Message.Origin.INJECTED]
    enter_tombstones(ledger, conversations, spoken, facts=facts, each=each)
    counts["messages"] += len(spoken)
    return counts


def enter_tombstones(
    ledger: Ledger,
    conversations: Mapping[int, Conversation],
    messages: Sequence[Message],
    *,
    facts: Mapping[str, Any],
    each: bool,
) -> None:
    if each:
        for message in messages:
            conversation = conversations[message.conversation_id]
            ledger.enter(conversation, _Kind.ERASED, message=message.pk, data=facts)
        return
    by_conversation: dict[int, list[int]] = defaultdict(list)
    for message in messages:
        by_conversation[message.conversation_id].append(message.seq)
    for pk, seqs in by_conversation.items():
        extent = {"messages": len(seqs), "first": min(seqs), "last": max(seqs)}
        ledger.enter(conversations[pk], _Kind.ERASED, data={**facts, **extent})


def remove_files(message_ids: Collection[int]) -> Counter[str]:
    """Names and addresses of files. Their bytes were never here: the platform keeps them."""
    files = MessageAttachment.objects.filter(message_id__in=message_ids)
    return Counter(attachments=files._raw_delete(DEFAULT_DB_ALIAS) or 0)


def _remove_texts(message_ids: Collection[int]) -> Counter[str]:
    for path in settings.ERASURE_CONTRIBUTIONS:
        import_string(path)(message_ids)
    # What the platform answered could quote what was said.
    AttributeAudit.objects.filter(message_id__in=message_ids).update(text=None, answer="")
    texts = MessageText.objects.filter(message_id__in=message_ids)
    return Counter(texts=texts._raw_delete(DEFAULT_DB_ALIAS) or 0)


def _remove_names(conversations: Mapping[int, Conversation], messages: Sequence[Message]) -> None:
    """The guest's; an agent's name is the staff's own record."""
    guests = [
        message.pk
        for message in messages
        if message.origin in (Message.Origin.GUEST, Message.Origin.SYSTEM)
        or message.sender_id == (conversations[message.conversation_id].guest_id or None)
    ]
    named = Message.objects.exclude(sender_name="")
    named.filter(pk__in=guests).update(sender_name="")
    named.filter(echo_of__message_id__in=guests).update(sender_name="")
    named.filter(echo_of__part_of__message_id__in=guests).update(sender_name="")


def _settle_unfinished(
    ledger: Ledger, conversations: Mapping[int, Conversation], message_ids: Collection[int]
) -> None:
    """Nothing is left to be said: whoever works on it finds it settled under the same lock."""
    pending = Message.objects.awaiting_translation().filter(pk__in=message_ids)
    for message in list(pending):
        _enter(ledger, conversations, _Kind.TRANSLATION_FAILED, message.conversation_id, message.pk)
    pending.update(translation_state=Message.TranslationState.FAILED, translation_reason=REASON)
    deliveries = Delivery.objects.filter(message_id__in=message_ids)
    open_ones = deliveries.filter(Q(state__in=[*Delivery.UNFINISHED, Delivery.State.REVIEW]))
    for delivery in list(open_ones):
        where = (delivery.conversation_id, delivery.source_id)
        _enter(ledger, conversations, _Kind.DROPPED, *where)
    open_ones.update(state=Delivery.State.DROPPED, reason=REASON)
    due = deliveries.filter(attributes_state=_Attributes.PENDING)
    for delivery in list(due):
        where = (delivery.conversation_id, delivery.source_id)
        _enter(ledger, conversations, _Kind.ATTRIBUTES_FAILED, *where)
    due.update(attributes_state=_Attributes.FAILED)


def _enter(
    ledger: Ledger,
    conversations: Mapping[int, Conversation],
    kind: JournalEntry.Kind,
    conversation_id: int,
    message_id: int,
) -> None:
    ledger.enter(conversations[conversation_id], kind, message=message_id, data={"reason": REASON})
