"""What stands before a person: deliveries under review, letters of every kind, and the persons."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from conversations.models import Conversation, DeadLetter, Delivery, Message
from conversations.services.attributes import RecordAttributes
from conversations.services.delivery import Confirm, Settle
from tests.conversations import histories
from tests.conversations.services.wire import apply

State = Delivery.State


def under_review(*, conversation: str = "conv-1", number: int = 1) -> Delivery:
    """Sent once; nobody knows whether it is there, and no worker has anything to do."""
    message = histories.said("Hola", conversation=conversation, number=number)
    histories.translated(message, "Hello")
    histories.left_in(message, State.REVIEW, reason="neither echo nor history shows it")
    Conversation.objects.update(work_at=None)
    return Delivery.objects.get(message=message)


def never_sent() -> Delivery:
    """Under review because it grew old before its turn came."""
    delivery = under_review()
    Delivery.objects.update(attempts=0, sending_at=None)
    delivery.refresh_from_db()
    return delivery


def made_old(delivery: Delivery, **age: float) -> None:
    moment = timezone.now() - timedelta(**age)
    Message.objects.filter(pk=delivery.message_id).update(received_at=moment, sent_at=moment)


def failed_translation(text: str = "Hola", *, conversation: str = "conv-1") -> DeadLetter:
    histories.not_translated(histories.said(text, conversation=conversation))
    return _last_letter()


def failed_delivery(*, conversation: str = "conv-1") -> DeadLetter:
    message = histories.said("Hola", conversation=conversation)
    histories.translated(message, "Hello")
    failed = (State.FAILED, "status 404", 404, "gone")
    apply(Settle(message.conversation_id, message.pk, "", *failed))
    return _last_letter()


def failed_attributes(*, number: int = 1) -> DeadLetter:
    message = histories.said(f"Hola {number}", number=number)
    histories.translated(message, f"Hello {number}")
    where = (message.conversation_id, message.pk, "")
    apply(Confirm(*where, by="answer", external_id=f"x-{message.pk}"))
    apply(
        RecordAttributes(
            *where,
            original_language="ES",
            target_language="EN-US",
            translation_timestamp=message.received_at,
            http_status=400,
            reason="status 400",
        )
    )
    return _last_letter()


def frame(raw: bytes = b"{", **fields: Any) -> DeadLetter:
    histories.not_understood(raw)
    DeadLetter.objects.filter(kind="frame").update(**fields or {"stream": "messaging"})
    return _last_letter()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """All of them side by side, each on a connection of its own: they come as far as they can
    without the conversations' rows, and are let go together."""

    def one(call: Callable[[], Any]) -> Any:
        try:
            be_patient()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        with transaction.atomic():
            list(Conversation.objects.select_for_update())
            running = [threads.submit(one, call) for call in calls]
            wait(running, timeout=0.4)
        return [future.result() for future in running]


def be_patient() -> None:
    """Who comes first is asked here, not how long a busy machine makes the others wait."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '60s'")
            cursor.execute("SET statement_timeout = '60s'")


def _last_letter() -> DeadLetter:
    Conversation.objects.update(work_at=None)
    letter = DeadLetter.objects.order_by("-pk").first()
    assert letter is not None
    return letter
