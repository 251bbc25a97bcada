"""Reasons that people type: they stay in the journal for ever, so that none may name the guest."""

from __future__ import annotations

import re

from conversations.models import Conversation

NAMES_THE_GUEST = (
    "The reason names the guest, and it is kept for ever. Write it without the name or id."
)


def names_guest(reason: str, conversation: Conversation) -> bool:
    """By name or id as a word of its own: "Al" is not named by "legal"."""
    said = reason.casefold()
    names = (conversation.guest_name.strip(), conversation.guest_id.strip())
    return any(
        re.search(rf"(?<![a-z0-9]){re.escape(name.casefold())}(?![a-z0-9])", said)
        for name in names
        if name
    )
