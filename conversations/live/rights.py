"""Whether those who watch may still watch: asked again for all sockets of a process together.

The rule itself is `conversations.access`; this only brings its answers to open sockets.
Synchronous: called in the threads of `live.database`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.core.exceptions import EmptyResultSet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from conversations import access
from conversations.live import frames
from conversations.services.views import note_lines, note_refusal, note_view
from conversations.sessions import SessionStore, row_key

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
    agent_id: str = ""  # who may type there; the platform's id


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer to a new socket: a close code, or what it may watch, and as whom it may type."""

    code: int = 0
    conversation: int | None = None
    scope: str = ""
    agent_id: str = ""
    is_agent: bool = False  # answers, if not in this conversation
    visible: ConversationQuerySet | None = None


def admit(user_id: int, external_id: str | None, *, action: str = "live") -> Admission:
    """A foreign conversation and a missing one have the same answer."""
    user = get_user_model().objects.filter(pk=user_id).first()
    if user is None or not access.can(user, action):
        if user is not None and external_id is not None:
            note_refusal(user, external_id, where=action)
        return Admission(code=frames.FORBIDDEN)
    visible = access.visible_conversations(user)
    if external_id is None:
        note_lines(user, where="wall")
        return Admission(scope=scope_of(visible), visible=visible)
    pk = visible.filter(external_id=external_id).values_list("pk", flat=True).first()
    if pk is None:
        note_refusal(user, external_id, where=action)
        return Admission(code=frames.NOT_FOUND)
    note_view(user, pk, where=action)
    may_type = access.conversations_to_answer(user).filter(pk=pk).exists()
    agent_id = access.agent_id_of(user)
    return Admission(
        conversation=pk, agent_id=agent_id if may_type else "", is_agent=bool(agent_id)
    )


def verdicts(claims: Iterable[Claim]) -> dict[Claim, int]:
    """The close code of each claim that no longer holds.

    Users and sessions are read all together, conversations once for those who see the same ones.
    """
    by_user: dict[int, set[Claim]] = defaultdict(set)
    for claim in claims:
        by_user[claim.user_id].add(claim)
    known = (
        get_user_model().objects.select_related("agent", "second_factor").prefetch_related("groups")
    )
    users = known.in_bulk(list(by_user))
    sessions = _open_sessions({claim.session_key for mine in by_user.values() for claim in mine})
    found: dict[Claim, int] = {}
    others: set[Claim] = set()  # may watch, and type as somebody else or nobody: open again
    by_scope: dict[str, tuple[ConversationQuerySet, set[Claim]]] = {}
    for user_id, mine in by_user.items():
        user = users.get(user_id)
        if user is None or not user.is_active:
            found |= dict.fromkeys(mine, frames.UNAUTHENTICATED)
            continue
        still = {claim for claim in mine if _is_open(sessions.get(claim.session_key), claim, user)}
        found |= dict.fromkeys(mine - still, frames.UNAUTHENTICATED)
        able = {claim for claim in still if access.can(user, claim.action)}
        found |= dict.fromkeys(still - able, frames.FORBIDDEN)
        if not able:
            continue
        others |= {claim for claim in able if _types_as_another(claim, user)}
        visible = access.visible_conversations(user)
        by_scope.setdefault(scope_of(visible), (visible, set()))[1].update(able)
    for scope, (visible, theirs) in by_scope.items():
        found |= _out_of_sight(visible, scope, theirs)
    return dict.fromkeys(others, frames.SCOPE_CHANGED) | found


def scope_of(visible: ConversationQuerySet) -> str:
    """Equal for users who see the same conversations, so that they share one wall."""
    try:
        return str(visible.query)
    except EmptyResultSet:
        return ""


def _out_of_sight(
    visible: ConversationQuerySet, scope: str, claims: set[Claim]
) -> dict[Claim, int]:
    watched = {claim.conversation for claim in claims if claim.conversation is not None}
    rows = visible.filter(pk__in=watched).values_list("pk", "agent_id") if watched else ()
    still = dict(rows)
    found = {}
    for claim in claims:
        if claim.conversation is None:
            if claim.scope != scope:
                found[claim] = frames.SCOPE_CHANGED  # they see other conversations now: open again
        elif claim.conversation not in still:
            found[claim] = frames.FORBIDDEN
        elif claim.agent_id and still[claim.conversation] != claim.agent_id:
            found[claim] = frames.SCOPE_CHANGED  # to be watched still, and another's to answer
    return found


def _types_as_another(claim: Claim, user: AbstractBaseUser) -> bool:
    if not claim.agent_id:
        return False
    return not access.can(user, "reply") or access.agent_id_of(user) != claim.agent_id


def _open_sessions(keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """Those that are neither logged out nor expired."""
    by_row = {row_key(key): key for key in keys}
    rows = SessionStore.get_model_class().objects.filter(
        session_key__in=by_row, expire_date__gt=timezone.now()
    )
    return {by_row[row.session_key]: row.get_decoded() for row in rows}


def _is_open(session: dict[str, Any] | None, claim: Claim, user: AbstractBaseUser) -> bool:
    """Somebody's own session; password and second factor are those they logged in with."""
    if session is None or session.get(SESSION_KEY) != str(user.pk):
        return False
    if not access.session_stands(user, session):
        return False
    return constant_time_compare(claim.session_hash, user.get_session_auth_hash())
