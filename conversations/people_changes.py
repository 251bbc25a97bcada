"""Sees every change of an account, a group or an agent that goes through its model.

Receivers of Django's own signals, against our custom: it is the only place that the admin, the
commands of the machine and a shell all pass. They write the journal and start nothing. What goes
past the models (`QuerySet.update`, SQL) goes past them.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver

from conversations.models import Agent
from conversations.services import people
from conversations.services.decisions import actor_of

_BEFORE = "_parley_before"
_UNNOTED = {"last_login"}  # a log-in has its own entry


@receiver(pre_save, sender=User)
def remember_account(instance: User, update_fields: Any, raw: bool, **kwargs: Any) -> None:
    if raw or (update_fields and set(update_fields) <= _UNNOTED):
        return
    rows = User.objects.filter(pk=instance.pk).values(*people.watched_fields())
    instance.__dict__[_BEFORE] = rows.first()


@receiver(post_save, sender=User)
def note_account(instance: User, created: bool, raw: bool, **kwargs: Any) -> None:
    before = instance.__dict__.pop(_BEFORE, None)
    if created and not raw:
        people.note_added(instance)
    elif before is not None:
        # Django keeps what was typed until the end of `save`.
        people.note_changed(instance, before, typed=instance._password is not None)  # type: ignore[attr-defined]


@receiver(post_delete, sender=User)
def note_account_removed(instance: User, **kwargs: Any) -> None:
    people.note_removed(instance)


@receiver(m2m_changed, sender=User.groups.through)
def note_roles(
    instance: User | Group, action: str, reverse: bool, pk_set: set[int] | None, **kwargs: Any
) -> None:
    """Of one account, or of all that are put into a group or taken out of it."""
    when = action.partition("_")[0]
    if when == "pre":
        instance.__dict__[_BEFORE] = _roles_of(_touched(instance, pk_set))
        return
    before: dict[int, list[str]] = instance.__dict__.pop(_BEFORE, {})
    after = _roles_of(set(before))
    for user in User.objects.filter(pk__in=before).order_by("pk"):
        if before[user.pk] != after[user.pk]:
            people.note_roles(user, before[user.pk], after[user.pk])


def _touched(instance: User | Group, pk_set: set[int] | None) -> set[int]:
    if isinstance(instance, User):
        return {instance.pk}
    return set(instance.user_set.values_list("pk", flat=True)) if pk_set is None else pk_set


def _roles_of(keys: set[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {key: [] for key in keys}
    pairs = User.groups.through.objects.filter(user_id__in=keys).order_by("group__name")
    for key, name in pairs.values_list("user_id", "group__name"):
        found[key].append(name)
    return found


@receiver(pre_save, sender=Group)
@receiver(pre_save, sender=Agent)
def remember_row(sender: type[Group | Agent], instance: Group | Agent, **kwargs: Any) -> None:
    instance.__dict__[_BEFORE] = sender._default_manager.filter(pk=instance.pk).first()


@receiver(post_save, sender=Group)
def note_group(instance: Group, raw: bool, **kwargs: Any) -> None:
    before = instance.__dict__.pop(_BEFORE, None)
    old = before.name if before else None
    if old != instance.name and not raw:
        people.note_group(old, instance.name)


@receiver(post_delete, sender=Group)
def note_group_removed(instance: Group, **kwargs: Any) -> None:
    people.note_group(instance.name, None)


@receiver(post_save, sender=Agent)
def note_agent(instance: Agent, raw: bool, **kwargs: Any) -> None:
    before: Agent | None = instance.__dict__.pop(_BEFORE, None)
    if raw:
        return
    if before is not None and before.user_id != instance.user_id:
        people.note_agent(actor_of(before.user), before.external_id, None)
        before = None
    old = before.external_id if before else None
    if old != instance.external_id:
        people.note_agent(actor_of(instance.user), old, instance.external_id)


@receiver(post_delete, sender=Agent)
def note_agent_removed(instance: Agent, **kwargs: Any) -> None:
    people.note_agent(actor_of(instance.user), instance.external_id, None)


@receiver(user_logged_out)
def note_logged_out(user: Any, **kwargs: Any) -> None:
    if user is not None and user.is_authenticated:
        people.note_logged_out(user)
