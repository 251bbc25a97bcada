"""A delivery: one text that we post into a conversation, and what is known about its fate."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.models.conversation import Conversation
from conversations.models.message import Message


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def unfinished(self) -> DeliveryQuerySet:
        """Those that a worker still has to do something about."""
        return self.filter(state__in=Delivery.UNFINISHED)

    def awaiting_attributes(self) -> DeliveryQuerySet:
        return self.filter(attributes_state=Delivery.AttributesState.PENDING)

    def under_review(self) -> DeliveryQuerySet:
        return self.filter(state=Delivery.State.REVIEW)

    def duplicated(self) -> DeliveryQuerySet:
        """Those that stand in their conversation more than once."""
        return self.filter(duplicates__gt=0)


class Delivery(models.Model):
    class Direction(models.TextChoices):
        GUEST_TO_AGENT = "guest_to_agent", "guest to agent"
        AGENT_TO_GUEST = "agent_to_guest", "agent to guest"

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        SENDING = "sending", "sending"
        CONFIRMED = "confirmed", "confirmed"
        AMBIGUOUS = "ambiguous", "ambiguous"
        REVIEW = "review", "review"
        FAILED = "failed", "failed"
        EXPIRED = "expired", "expired"
        DROPPED = "dropped", "dropped"

    class AttributesState(models.TextChoices):
        NONE = "", "none"
        PENDING = "pending", "pending"
        WRITTEN = "written", "written"
        FAILED = "failed", "failed"

    UNFINISHED: ClassVar = (State.QUEUED, State.SENDING, State.AMBIGUOUS)
    # States in which the text may already stand in the conversation: an echo can belong to them.
    # Of the queued only those with an `earlier_sending_at`.
    POSSIBLY_POSTED: ClassVar = (
        State.QUEUED,
        State.SENDING,
        State.AMBIGUOUS,
        State.REVIEW,
        State.CONFIRMED,
        State.DROPPED,
    )

    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    # None: a part that is delivered, of the delivery in `part_of`.
    message = models.OneToOneField(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="delivery"
    )
    direction = models.CharField(max_length=16, choices=Direction)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=200, blank=True)
    # Keyed digest of the posted text (NFC, white space collapsed): how an echo is recognised.
    echo_key = models.CharField(max_length=64, editable=False)
    external_id = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    sending_at = models.DateTimeField(null=True, blank=True)
    # It is sent again by a person's decision, and the earlier sending may stand there all the same.
    earlier_sending_at = models.DateTimeField(null=True, blank=True, editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.CharField(max_length=16, blank=True)
    echoed_at = models.DateTimeField(null=True, blank=True)
    # How often it stands in the conversation beside the once that it should (protocol §1).
    duplicates = models.PositiveSmallIntegerField(default=0, editable=False)

    # What the platform refuses as too long is sent in parts, one after another (services/parts.py).
    # This row is about the part at hand; each that is delivered leaves a row of its own behind.
    part_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="parts",
        db_index=False,
        editable=False,
    )
    # At most so many characters a part; 0: it is sent whole.
    part_chars = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # Where the part at hand begins: what is before it stands there.
    part_from = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # Of `attempts`, those of earlier parts.
    attempts_before = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)

    attributes_state = models.CharField(
        max_length=16, choices=AttributesState, blank=True, default=AttributesState.NONE
    )
    attributes_attempts = models.PositiveSmallIntegerField(default=0)

    objects: ClassVar = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            # One platform message can confirm only one delivery.
            models.UniqueConstraint(
                fields=["external_id", "conversation"],  # found by the id alone as well
                condition=~models.Q(external_id=""),
                name="delivery_id_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["conversation", "id"],
                condition=models.Q(state__in=["queued", "sending", "ambiguous"]),
                name="delivery_unfinished",
            ),
            models.Index(
                fields=["conversation", "id"],
                condition=models.Q(attributes_state="pending"),
                name="delivery_attributes",
            ),
            models.Index(
                fields=["created_at"],
                condition=models.Q(state="review"),
                name="delivery_under_review",
            ),
            # The echo matcher: what is not echoed yet in one conversation.
            models.Index(
                fields=["conversation", "echo_key"],
                condition=models.Q(echoed_at__isnull=True),
                name="delivery_awaiting_echo",
            ),
            # What was sent again: both sendings may be echoed. Few rows.
            models.Index(
                fields=["conversation", "echo_key"],
                condition=models.Q(earlier_sending_at__isnull=False),
                name="delivery_sent_again",
            ),
            models.Index(
                fields=["confirmed_at"],
                condition=models.Q(duplicates__gt=0),
                name="delivery_duplicated",
            ),
            models.Index(
                fields=["part_of"],
                condition=models.Q(part_of__isnull=False),
                name="delivery_parts",
            ),
            # The admin's list, newest first, and its calendar.
            models.Index(fields=["-created_at"], name="delivery_by_queuing"),
        ]

    def __str__(self) -> str:
        return f"{self.state} delivery of message {self.source_id}"

    @property
    def source(self) -> Message:
        """The message whose text it is, also of a part."""
        message = (self.part_of or self).message
        assert message is not None  # noqa: S101 - only a part has none
        return message

    @property
    def source_id(self) -> int:
        key = (self.part_of or self).message_id
        assert key is not None  # noqa: S101 - only a part has none
        return key

    @property
    def attempts_at_part(self) -> int:
        """How often the part at hand was sent; what `attempts` is where nothing was split."""
        return self.attempts - self.attempts_before

    def owes_attributes(self, conversation: Conversation) -> bool:
        """Once it is confirmed: they hold the guest's words, unless those are erased."""
        is_guests = self.direction == Delivery.Direction.GUEST_TO_AGENT
        return is_guests and not conversation.is_erased_at(self.created_at)
