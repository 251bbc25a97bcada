"""Who may see a call: the rule is `conversations.access`; here is what a call adds to it.

Somebody who sees every conversation may also open a call that nobody has heard of yet: that is how
its transcription begins. An agent's own call is known to be theirs before they open it.
"""

from __future__ import annotations

import re

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from assist.conf import listed_agents
from assist.services.recording import open_call
from conversations import access
from conversations.live import frames
from conversations.live.rights import Admission
from conversations.models import Conversation
from conversations.services.views import note_refusal, note_view

ACTION = "assist"
_NAME = re.compile(r"[\w.:@-]{1,200}")
_VOICE = Conversation.Channel.VOICE


def visible_call(user: AbstractBaseUser | AnonymousUser, interaction_id: str) -> bool:
    """Whether `user` may open its page; a call of somebody else answers as a missing one does."""
    if not access.can(user, ACTION) or not _NAME.fullmatch(interaction_id):
        return False
    known = Conversation.objects.filter(external_id=interaction_id).first()
    if known is None:
        return access.sees_every_conversation(user) or _is_listed_as_own(user, interaction_id)
    if known.channel != _VOICE:
        return False
    return access.visible_conversations(user).filter(pk=known.pk).exists()


def admit(user_id: int, interaction_id: str | None) -> Admission:
    """For a socket: opens the call where that is what opening its page means."""
    user = get_user_model().objects.filter(pk=user_id).first()
    if user is None or interaction_id is None:
        return Admission(code=frames.FORBIDDEN)
    if not visible_call(user, interaction_id):
        note_refusal(user, interaction_id, where=ACTION)
        may = access.can(user, ACTION)
        return Admission(code=frames.NOT_FOUND if may else frames.FORBIDDEN)
    call = open_call(interaction_id, now=timezone.now())
    note_view(user, call.pk, where=ACTION)
    return Admission(conversation=call.pk)


def _is_listed_as_own(user: AbstractBaseUser | AnonymousUser, interaction_id: str) -> bool:
    agent = getattr(user, "agent", None)
    return agent is not None and listed_agents().get(interaction_id) == agent.external_id
