"""What could not be processed: kept where a person can see it, its body in a deletable row."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string

from conversations.models.conversation import Conversation
from conversations.models.message import Message

BODY_LIMIT = 64 * 1024


class DeadLetterQuerySet(models.QuerySet["DeadLetter"]):
    def awaiting_decision(self) -> DeadLetterQuerySet:
        return self.filter(decided_at__isnull=True)


class DeadLetter(models.Model):
    class Kind(models.TextChoices):
        FRAME = "frame", "malformed frame"
        TRANSLATION = "translation", "translation"
        DELIVERY = "delivery", "delivery"
        ATTRIBUTES = "attributes", "attributes"

    class Decision(models.TextChoices):
        NONE = "", "none yet"
        REPLAYED = "replayed", "replayed"
        CLOSED = "closed", "closed"

    kind = models.CharField(max_length=16, choices=Kind)
    stream = models.CharField(max_length=100, blank=True)
    conversation = models.ForeignKey(
        Conversation,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="dead_letters",
    )
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="dead_letters"
    )
    reason = models.CharField(max_length=200)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    size = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    # What a person did about it; a letter is decided once (services/dead_letters). The database
    # has the defaults too: during a rolling restart older processes still write letters.
    decision = models.CharField(
        max_length=16,
        choices=Decision,
        blank=True,
        default=Decision.NONE,
        db_default="",
        editable=False,
    )
    decision_reason = models.CharField(
        max_length=200, blank=True, default="", db_default="", editable=False
    )
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects: ClassVar = DeadLetterQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-created_at"], name="dead_letter_by_time"),
            # The operations page and the metrics: what nobody has decided about.
            models.Index(
                fields=["created_at"],
                condition=models.Q(decided_at__isnull=True),
                name="dead_letter_undecided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"

    def decide(self, decision: Decision, *, user_id: int, now: datetime, reason: str = "") -> bool:
        """Write the decision down; False: somebody else was first (compare-and-set)."""
        changes = {
            "decision": decision,
            "decision_reason": reason[:200],
            "decided_at": now,
            "decided_by_id": user_id,
        }
        won = DeadLetter.objects.awaiting_decision().filter(pk=self.pk).update(**changes)
        if won:
            for name, value in changes.items():
                setattr(self, name, value)
        return won == 1


class DeadLetterBody(models.Model):
    """What was received or answered, at most 64 KiB; deleted on its own at erasure."""

    dead_letter = models.OneToOneField(DeadLetter, on_delete=models.CASCADE, related_name="body")
    body = models.BinaryField()

    class Meta:
        verbose_name_plural = "dead letter bodies"

    def __str__(self) -> str:
        return f"body of dead letter {self.dead_letter_id}"


def readable(body: bytes) -> str:
    """What a page can show of any bytes: at most `BODY_LIMIT`, what is not text replaced.

    EXTRACT_REDACTION names what takes personal data out of it first.
    """
    text = body[:BODY_LIMIT].decode("utf-8", errors="replace")
    if settings.EXTRACT_REDACTION:
        text = import_string(settings.EXTRACT_REDACTION)(text)
    return "".join(
        character if character.isprintable() or character in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
