"""What can be said through a door: every message, export and action has a verdict."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory

from assist.consumers import AssistConsumer
from conversations import access
from conversations.guest_page import actions
from conversations.live import consumers
from tests.conversations import histories
from tests.doors.verdicts import (
    ACTIONS,
    EXPORT_KINDS,
    FOR_STAFF,
    MESSAGES,
    ROLES,
    SOCKETS,
)


def somebody(role: str) -> User | AnonymousUser:
    if role == "anonymous":
        return AnonymousUser()
    is_whole = role in ("superuser", "deactivated")
    groups = {role} & set(access.GROUPS)
    return histories.user(role, *groups, is_superuser=is_whole, is_active=role != "deactivated")


def test_every_message_of_every_socket_has_a_verdict():
    assert set(MESSAGES) == {door.route for door in SOCKETS}
    assert set(consumers.WallConsumer._numbers) == MESSAGES["ws/live/"]
    watching = consumers.ConversationConsumer._numbers
    assert set(watching) == MESSAGES["ws/live/<str:external_id>/"]
    assert set(AssistConsumer._numbers) == MESSAGES["ws/assist/<str:external_id>/"]
    assert set(actions._READERS) == MESSAGES["ws/simulator/"]


@pytest.mark.parametrize("word", sorted(MESSAGES["ws/simulator/"]))
def test_what_acts_on_the_platform_itself_is_for_users_who_are_logged_in(word: str):
    made = {
        "reply": {"text": "x"},
        "fault": {"name": "drop", "on": True},
        "play": {"script": "x"},
        "connect": {"name": "", "email": ""},
        "send": {"text": ""},
        "again": {"ref": ""},
        "upload": {"uploadId": ""},
        "typing": {"state": "active"},
    }

    action = actions._READERS[word](made.get(word, {}))

    assert isinstance(action, actions.STAFF_ONLY) is (word in FOR_STAFF)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_every_export_and_every_action_is_for_those_that_the_table_names(role: str):
    column = ROLES.index(role)
    request = RequestFactory().get("/")
    request.user = somebody(role)

    found = {name: access.can(request.user, "export") for name in settings.EXPORTS}
    for model, model_admin in admin.site._registry.items():
        offered = model_admin.get_actions(request) if model_admin.actions else {}
        for name in model_admin.actions or ():
            found[f"{model._meta.app_label}_{model._meta.model_name}.{name}"] = name in offered

    expected = EXPORT_KINDS | ACTIONS
    assert found == {name: verdicts.split()[column] == "in" for name, verdicts in expected.items()}
