"""The heart's tables."""

from conversations.models.access_token import AccessToken
from conversations.models.agent import Agent
from conversations.models.anchor_state import AnchorState
from conversations.models.attachment import MessageAttachment
from conversations.models.attribute_audit import AttributeAudit
from conversations.models.conversation import Conversation
from conversations.models.dead_letter import DeadLetter, DeadLetterBody
from conversations.models.delivery import Delivery
from conversations.models.erasure import Erasure
from conversations.models.export import Export, ExportFetch, ExportHead
from conversations.models.hold import LegalHold
from conversations.models.journal import JournalEntry
from conversations.models.login_attempts import LoginAttempts
from conversations.models.message import Message
from conversations.models.message_copy import MessageCopy
from conversations.models.second_factor import RecoveryCode, SecondFactor
from conversations.models.stream_state import StreamState
from conversations.models.text import MessageText
from conversations.models.verification_run import VerificationRun
from conversations.models.watch import Watch

__all__ = [
    "AccessToken",
    "Agent",
    "AnchorState",
    "AttributeAudit",
    "Conversation",
    "DeadLetter",
    "DeadLetterBody",
    "Delivery",
    "Erasure",
    "Export",
    "ExportFetch",
    "ExportHead",
    "JournalEntry",
    "LegalHold",
    "LoginAttempts",
    "Message",
    "MessageAttachment",
    "MessageCopy",
    "MessageText",
    "RecoveryCode",
    "SecondFactor",
    "StreamState",
    "VerificationRun",
    "Watch",
]
