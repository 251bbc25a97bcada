"""Changes of people in the console's chain: accounts, their roles, passwords, agents; log-ins.

An entry says what changed and not what was written: names of fields, flags and roles before and
after, never a password, its hash or a person's data. Accounts are named as the journal names
actors, so that an entry is understood when the account is gone.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from conversations.models import JournalEntry
from conversations.services.console_journal import note, noted_lately
from conversations.services.decisions import actor_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

FLAGS = ("is_active", "is_staff", "is_superuser")
_FIELDS = ("first_name", "last_name", "email")  # changed or not: what they hold is not noted
_MINUTE = timedelta(minutes=1)
REFUSALS_A_MINUTE = 100  # of log-ins, all together: the journal cannot be emptied
_Kind = JournalEntry.Kind
_actor: ContextVar[str] = ContextVar("actor", default="")


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Whatever changes meanwhile was changed by `actor`."""
    before = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(before)


def console_actor() -> str:
    """Whoever types commands on the machine; a container may know no name for its user."""
    try:
        return f"console:{getpass.getuser()}"[:100]
    except (KeyError, OSError):
        return "console"


def note_added(user: AbstractBaseUser) -> None:
    flags = [flag for flag in FLAGS if getattr(user, flag)]
    _note(_Kind.PERSON_ADDED, {"account": actor_of(user), "flags": flags})


def note_changed(user: AbstractBaseUser, before: Mapping[str, Any], *, typed: bool) -> None:
    """`before`: the row's values; `typed`: somebody gave a password, it is not only hashed anew."""
    changed = {name for name in before if before[name] != getattr(user, name)}
    fields = [name for name in _FIELDS if name in changed]
    if "password" in changed:
        fields.append("password" if typed else "password_hash")
    flags = {name: [before[name], getattr(user, name)] for name in FLAGS if name in changed}
    data: dict[str, Any] = {"account": actor_of(user)}
    if fields:
        data["fields"] = sorted(fields)
    if flags:
        data["flags"] = flags
    if "username" in changed:
        data["name"] = [before["username"], user.get_username()]
    if len(data) > 1:
        _note(_Kind.PERSON_CHANGED, data)


def watched_fields() -> tuple[str, ...]:
    return ("username", "password", *FLAGS, *_FIELDS)


def note_removed(user: AbstractBaseUser) -> None:
    _note(_Kind.PERSON_REMOVED, {"account": actor_of(user)})


def note_roles(user: AbstractBaseUser, before: Sequence[str], after: Sequence[str]) -> None:
    roles = [sorted(before), sorted(after)]
    _note(_Kind.ROLES_CHANGED, {"account": actor_of(user), "roles": roles})


def note_group(before: str | None, after: str | None) -> None:
    """Made, renamed or removed: what was its name, what is it."""
    _note(_Kind.GROUP_CHANGED, {"group": [before, after]})


def note_agent(account: str, before: str | None, after: str | None) -> None:
    """Whom an account is on the platform decides which conversations are its own."""
    _note(_Kind.AGENT_CHANGED, {"account": account, "agent": [before, after]})


def note_logged_in(user: AbstractBaseUser, *, network: str, by: str) -> None:
    """`by`: what they showed, for example `password`."""
    note(_Kind.LOGGED_IN, actor=actor_of(user), data={"network": network, "by": by})


def note_logged_out(user: AbstractBaseUser) -> None:
    note(_Kind.LOGGED_OUT, actor=actor_of(user), data={})


def note_login_refused(user: AbstractBaseUser | None, *, network: str, what: str) -> None:
    """`user`: whose name was typed, if it is anybody's; else it may have been a password.

    Once a minute for each name and network (login_limits), and so many in all.
    """
    if len(noted_lately(_Kind.LOGIN_REFUSED, within=_MINUTE)) < REFUSALS_A_MINUTE:
        account = actor_of(user) if user is not None else ""
        data = {"account": account, "network": network, "what": what}
        note(_Kind.LOGIN_REFUSED, actor="anonymous", data=data)


def _note(kind: JournalEntry.Kind, data: Mapping[str, Any]) -> None:
    note(kind, actor=_actor.get() or console_actor(), data=data)
