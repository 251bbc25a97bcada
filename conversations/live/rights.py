"""Whether those who watch may still watch: asked again for all sockets of a process together.

The rule itself is `conversations.access`; this only brings its answers to open sockets.
Synchronous: called in the threads of `live.database`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.core.exceptions import EmptyResultSet
from django.utils.crypto import constant_time_compare

from conversations import access
from conversations.live import frames

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from conversations.models.conversation import ConversationQuerySet


@dataclass(frozen=True, slots=True)
class Claim:
    """Who watches what, since the socket was opened: one conversation, or a wall of a scope."""

    user_id: int
    session_key: str
    session_hash: str
    conversation: int | None = None
    scope: str = ""
    action: str = "live"


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer to a new socket: a close code, or what it may watch."""

    code: int = 0
    conversation: int | None = None
    scope: str = ""
    visible: ConversationQuerySet | None = None


def admit(user_id: int, external_id: str | None, *, action: str = "live") -> Admission:
    """A foreign conversation and a missing one have the same answer."""
    user = get_user_model().objects.filter(pk=user_id).first()
    if user is None or not access.can(user, action):
        return Admission(code=frames.FORBIDDEN)
    visible = access.visible_conversations(user)
    if external_id is None:
        return Admission(scope=scope_of(visible), visible=visible)
    pk = visible.filter(external_id=external_id).values_list("pk", flat=True).first()
    return Admission(conversation=pk) if pk else Admission(code=frames.NOT_FOUND)


def verdicts(claims: Iterable[Claim]) -> dict[Claim, int]:
    """The close code of each claim that no longer holds."""
    by_user: dict[int, set[Claim]] = defaultdict(set)
    for claim in claims:
        by_user[claim.user_id].add(claim)
    users = get_user_model().objects.in_bulk(list(by_user))
    found: dict[Claim, int] = {}
    for user_id, theirs in by_user.items():
        found |= _verdicts_of(users.get(user_id), theirs)
    return found


def scope_of(visible: ConversationQuerySet) -> str:
    """Equal for users who see the same conversations, so that they share one wall."""
    try:
        return str(visible.query)
    except EmptyResultSet:
        return ""


def _verdicts_of(user: AbstractBaseUser | None, claims: set[Claim]) -> dict[Claim, int]:
    if user is None or not user.is_active:
        return dict.fromkeys(claims, frames.UNAUTHENTICATED)
    sessions = {claim.session_key: _is_open(claim, user) for claim in claims}
    able = {claim for claim in claims if access.can(user, claim.action)}
    rights = dict.fromkeys(claims - able, frames.FORBIDDEN)
    rights |= _rights(access.visible_conversations(user), able)
    gone = {c: frames.UNAUTHENTICATED for c in claims if not sessions[c.session_key]}
    return rights | gone


def _rights(visible: ConversationQuerySet, claims: set[Claim]) -> dict[Claim, int]:
    watched = {claim.conversation for claim in claims if claim.conversation is not None}
    still = set(visible.filter(pk__in=watched).values_list("pk", flat=True)) if watched else set()
    scope = scope_of(visible)
    found = {}
    for claim in claims:
        if claim.conversation is None and claim.scope != scope:
            found[claim] = frames.RESTART  # they see other conversations now: open again
        elif claim.conversation is not None and claim.conversation not in still:
            found[claim] = frames.FORBIDDEN
    return found


def _is_open(claim: Claim, user: AbstractBaseUser) -> bool:
    """Neither logged out nor expired, and the password is the one they logged in with."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(claim.session_key)
    if store.get(SESSION_KEY) != str(user.pk):
        return False
    return constant_time_compare(claim.session_hash, user.get_session_auth_hash())
