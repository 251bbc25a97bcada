"""Who may do what: the one rule that pages, sockets, exports and the admin ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django_otp import DEVICE_ID_SESSION_KEY

from conversations.models import Conversation, SecondFactor

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser, User

    from conversations.models.conversation import ConversationQuerySet

AGENT, SUPERVISOR, COMPLIANCE, ADMIN = "agent", "supervisor", "compliance", "admin"
GROUPS = (AGENT, SUPERVISOR, COMPLIANCE, ADMIN)

# Action → groups that may do it; a superuser may do all but what stands in _OWN_WORK.
# An agent's `live` and `assist` cover their own conversations only (visible_conversations), and so
# does `reply`, with all that belongs to it (conversations_to_answer); `engagement` shows them their
# own figures.
_ALLOWED: dict[str, frozenset[str]] = {
    "live": frozenset({AGENT, SUPERVISOR, ADMIN}),
    "reply": frozenset({AGENT}),
    "simulator": frozenset({AGENT, SUPERVISOR, ADMIN}),
    "assist": frozenset({AGENT, SUPERVISOR, ADMIN}),
    "engagement": frozenset({AGENT, SUPERVISOR, ADMIN}),
    "operations": frozenset({SUPERVISOR, ADMIN}),
    "review": frozenset({SUPERVISOR, ADMIN}),
    "audit": frozenset({COMPLIANCE, ADMIN}),
    "export": frozenset({COMPLIANCE}),
    "hold": frozenset({COMPLIANCE}),
    "erase": frozenset({COMPLIANCE}),
    "verify": frozenset({COMPLIANCE, ADMIN}),
    "settings": frozenset({ADMIN}),
}
_EVERY_CONVERSATION = frozenset({SUPERVISOR, ADMIN})
# Done in one's own name towards a guest: nobody does it in an agent's place.
_OWN_WORK = frozenset({"reply"})


def groups_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[str]:
    if not user.is_active:
        return frozenset()
    return frozenset(group.name for group in _as_user(user).groups.all())  # prefetched, or asked


def can(user: AbstractBaseUser | AnonymousUser, action: str) -> bool:
    """Whether `user` may do `action` at all; unknown actions are refused."""
    allowed = _ALLOWED.get(action)
    if allowed is None or not user.is_active or lacks_second_factor(user):
        return False
    if allowed & groups_of(user):
        return True
    return bool(_as_user(user).is_superuser) and action not in _OWN_WORK


def lacks_second_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether their role needs a second factor that they do not have: until then they may set one
    up, and nothing else. A superuser has every role."""
    roles = set(settings.SECOND_FACTOR_FOR)
    if not roles or not user.is_authenticated or second_factor_of(user) is not None:
        return False
    return "all" in roles or _as_user(user).is_superuser or bool(roles & groups_of(user))


def second_factor_of(user: AbstractBaseUser | AnonymousUser) -> SecondFactor | None:
    factor = getattr(user, "second_factor", None)  # asked once: Django keeps even that it is none
    return factor if factor is not None and factor.confirmed else None


def session_stands(user: AbstractBaseUser | AnonymousUser, session: Mapping[str, Any]) -> bool:
    """Whether it was begun with the second factor that the user has, or without one where there is
    none: whoever changes theirs ends all their sessions but the one they do it in."""
    factor = second_factor_of(user)
    return session.get(DEVICE_ID_SESSION_KEY, "") == (factor.persistent_id if factor else "")


def visible_conversations(user: AbstractBaseUser | AnonymousUser) -> ConversationQuerySet:
    """The conversations that `user` may watch: all, their own, or none."""
    everything = Conversation.objects.exclude(channel=Conversation.Channel.CONSOLE)
    if not can(user, "live"):
        return everything.none()
    if sees_every_conversation(user):
        return everything
    agent_id = agent_id_of(user)
    return everything.of_agent(agent_id) if agent_id else everything.none()


def conversations_to_answer(user: AbstractBaseUser | AnonymousUser) -> ConversationQuerySet:
    """Those in which `user` may write to the guest and type: chats of their own, open or not."""
    everything = Conversation.objects.all()
    agent_id = agent_id_of(user) if can(user, "reply") else ""
    if not agent_id:
        return everything.none()
    return everything.of_agent(agent_id).filter(channel=Conversation.Channel.MESSAGING)


def agent_id_of(user: AbstractBaseUser | AnonymousUser) -> str:
    """Who the user is on the platform; "" for nobody, and of no conversation's agent."""
    agent = getattr(user, "agent", None)
    return str(agent.external_id) if agent is not None else ""


def sees_every_conversation(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` may also open a call that nobody has heard of yet."""
    if not user.is_active or lacks_second_factor(user):
        return False
    return _as_user(user).is_superuser or bool(groups_of(user) & _EVERY_CONVERSATION)


def _as_user(user: AbstractBaseUser | AnonymousUser) -> User | AnonymousUser:
    """Both have `groups` and `is_superuser`; the base class alone does not say so."""
    return cast("User | AnonymousUser", user)
