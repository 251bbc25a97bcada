"""The append-only record: every change of state, chained per conversation (see docs/journal.md)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conversations.models.append_only import AppendOnlyModel, AppendOnlyQuerySet
from conversations.models.conversation import Conversation
from conversations.models.message import Message


class JournalQuerySet(AppendOnlyQuerySet):
    """In the model's own module: mypy's second run does not find the manager of another one."""


class JournalEntry(AppendOnlyModel):
    class Kind(models.TextChoices):
        RECEIVED = "received", "message received"
        MATCHED = "matched", "message received again"
        REPLIED = "replied", "reply written"
        QUEUED = "queued", "queued for delivery"
        LANGUAGE = "language", "guest's language decided"
        TRANSLATED = "translated", "translated"
        PASSED_THROUGH = "passed_through", "passed through"
        TRANSLATION_FAILED = "translation_failed", "translation failed"
        SENDING = "sending", "sending"
        CONFIRMED = "confirmed", "delivery confirmed"
        PART_CONFIRMED = "part_confirmed", "part of it delivered"
        ECHOED = "echoed", "echo received"
        DUPLICATE = "duplicate", "duplicate incident"
        AMBIGUOUS = "ambiguous", "delivery ambiguous"
        REVIEW = "review", "put under review"
        REQUEUED = "requeued", "queued again"
        FAILED = "failed", "delivery failed"
        EXPIRED = "expired", "delivery expired"
        DROPPED = "dropped", "delivery dropped"
        ATTRIBUTES_WRITTEN = "attributes_written", "attributes written"
        ATTRIBUTES_FAILED = "attributes_failed", "attributes not written"
        REPLAYED = "replayed", "dead letter replayed"
        DEAD_LETTER_CLOSED = "dead_letter_closed", "dead letter closed"
        READ = "read", "read"
        CLOSED = "closed", "conversation closed"
        REDACTED = "redacted", "redacted"
        SUGGESTED = "suggested", "knowledge suggested"
        KNOWLEDGE_FAILED = "knowledge_failed", "knowledge lookup failed"
        EXPORTED = "exported", "exported"
        # In the console's own chain (services/console_journal.py).
        EXPORT_REQUESTED = "export_requested", "export requested"
        EXPORT_PREVIEWED = "export_previewed", "export previewed"
        EXPORT_FINISHED = "export_finished", "export finished"
        EXPORT_FAILED = "export_failed", "export failed"
        EXPORT_CANCELLED = "export_cancelled", "export cancelled"
        EXPORT_FETCHED = "export_fetched", "export fetched"
        EXPORT_VERIFIED = "export_verified", "export verified"
        EXPORT_ERASED = "export_erased", "export erased"
        EXPORT_REFUSED = "export_refused", "export refused"
        # There as well: who may do what, and who came in (services/people.py).
        PERSON_ADDED = "person_added", "account added"
        PERSON_CHANGED = "person_changed", "account changed"
        PERSON_REMOVED = "person_removed", "account removed"
        ROLES_CHANGED = "roles_changed", "roles changed"
        GROUP_CHANGED = "group_changed", "group changed"
        AGENT_CHANGED = "agent_changed", "agent of an account changed"
        LOGGED_IN = "logged_in", "logged in"
        LOGGED_OUT = "logged_out", "logged out"
        LOGIN_REFUSED = "login_refused", "log-in refused"
        FACTOR_SET = "factor_set", "second factor set up"
        FACTOR_REMOVED = "factor_removed", "second factor removed"
        FACTOR_RESET = "factor_reset", "second factor reset"
        CODES_RENEWED = "codes_renewed", "recovery codes renewed"
        CODE_USED = "code_used", "recovery code used"
        ERASED = "erased", "erased"
        HELD = "held", "legal hold placed"
        RELEASED = "released", "legal hold lifted"
        VIEWED = "viewed", "viewed"
        VIEW_REFUSED = "view_refused", "view refused"

    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="journal", db_index=False
    )
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=32, choices=Kind)
    actor = models.CharField(max_length=100)
    at = models.DateTimeField()
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="journal"
    )
    # Canonical JSON, digested exactly as it stands here (jsonb would rewrite numbers).
    data = models.TextField(blank=True)
    commitment = models.CharField(max_length=64, blank=True)
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    objects: ClassVar = JournalQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "journal entries"
        constraints: ClassVar = [
            # A gap-free sequence, and no fork: two entries cannot follow the same one.
            models.UniqueConstraint(fields=["conversation", "seq"], name="journal_seq_once"),
        ]
        # The admin's list, newest first, and its calendar.
        indexes: ClassVar = [models.Index(fields=["-at"], name="journal_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} ({self.conversation_id}/{self.seq})"
