"""Who may do settings edits users; nobody gives more than they have."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from conversations.models import Agent
from tests.conversations import histories

pytestmark = pytest.mark.django_db


@pytest.fixture
def adam(client):
    client.force_login(histories.user("adam", "admin"))
    return client


def fields(user: User, **changes) -> dict:
    groups = list(user.groups.values_list("pk", flat=True))
    return {"username": user.username, "is_active": "on", "groups": groups} | changes


def test_an_admin_gives_a_role(adam):
    anna = histories.user("anna", "agent")
    supervisor = Group.objects.get_or_create(name="supervisor")[0]

    answer = adam.post(
        reverse("admin:auth_user_change", args=[anna.pk]), fields(anna, groups=[supervisor.pk])
    )

    assert answer.status_code == 302
    assert [group.name for group in anna.groups.all()] == ["supervisor"]


def test_an_admin_makes_no_superuser(adam):
    anna = histories.user("anna", "agent")

    adam.post(
        reverse("admin:auth_user_change", args=[anna.pk]),
        fields(anna, is_superuser="on", is_staff="on"),
    )

    anna.refresh_from_db()
    assert (anna.is_superuser, anna.is_staff) == (False, False)


def test_an_admin_does_not_touch_a_superuser_nor_their_password(adam):
    root = histories.user("root", is_superuser=True)
    passwords = {"password1": "another-password-9", "password2": "another-password-9"}

    edited = adam.post(reverse("admin:auth_user_change", args=[root.pk]), fields(root))
    reset = adam.post(reverse("admin:auth_user_password_change", args=[root.pk]), passwords)

    assert (edited.status_code, reset.status_code) == (403, 403)


def test_an_account_is_deactivated_and_not_deleted(adam):
    anna = histories.user("anna", "agent")

    answer = adam.post(reverse("admin:auth_user_delete", args=[anna.pk]), {"post": "yes"})

    assert answer.status_code == 403
    assert User.objects.filter(pk=anna.pk).exists()


def test_a_role_keeps_its_name(adam):
    group = Group.objects.get_or_create(name="agent")[0]

    adam.post(reverse("admin:auth_group_change", args=[group.pk]), {"name": "bosses"})
    deleted = adam.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"})

    group.refresh_from_db()
    assert group.name == "agent"
    assert deleted.status_code == 403


def test_an_agent_is_tied_to_the_platforms_agent(adam):
    anna = histories.user("anna", "agent")

    adam.post(reverse("admin:conversations_agent_add"), {"user": anna.pk, "external_id": "agent-7"})

    assert Agent.objects.get(user=anna).external_id == "agent-7"


def test_compliance_sees_no_accounts(client):
    client.force_login(histories.user("cora", "compliance"))

    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403
