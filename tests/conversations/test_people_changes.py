"""Whoever changes who may do what stands in the console's chain, with what was changed (S15)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from conversations.models import Agent, JournalEntry
from conversations.services import people
from conversations.services.console_journal import CONSOLE_ID
from conversations.services.decisions import actor_of
from conversations.services.verification import verify_journal
from tests.conversations import histories
from tests.conversations.histories import put_into_groups

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password-7"


@pytest.fixture(autouse=True)
def plain_http(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def ada(client: Client) -> User:
    user = histories.user("ada", "admin")
    client.force_login(user)
    return user


@pytest.fixture
def cora() -> User:
    return histories.user("cora", "compliance", password=PASSWORD, email="cora@example.org")


def entries() -> list[tuple[str, str, dict[str, Any]]]:
    chain = JournalEntry.objects.filter(conversation__external_id=CONSOLE_ID).order_by("seq")
    return [(one.kind, one.actor, json.loads(one.data or "{}")) for one in chain]


def form_of(user: User, **changes: Any) -> dict[str, Any]:
    groups = list(user.groups.values_list("pk", flat=True))
    return {"username": user.username, "is_active": "on", "groups": groups} | changes


def test_what_an_admin_changes_of_an_account_is_one_entry_each(client: Client, ada: User, cora):
    put_into_groups(ada, "supervisor")  # there is such a role
    page = reverse("admin:auth_user_change", args=[cora.pk])
    supervisor = Group.objects.get(name="supervisor")

    client.post(page, form_of(cora, groups=[supervisor.pk], email="c@example.org", is_active=""))
    client.post(page, form_of(cora, groups=[supervisor.pk], email="c@example.org", is_active=""))

    account = actor_of(cora)
    assert entries() == [
        (
            "person_changed",
            actor_of(ada),
            {"account": account, "fields": ["email"], "flags": {"is_active": [True, False]}},
        ),
        ("roles_changed", actor_of(ada), {"account": account, "roles": [["compliance"], []]}),
        ("roles_changed", actor_of(ada), {"account": account, "roles": [[], ["supervisor"]]}),
    ]
    assert verify_journal().holds


def test_a_password_is_noted_and_never_what_it_is(client: Client, ada: User, cora: User):
    typed = "another-password-9"

    client.post(
        reverse("admin:auth_user_password_change", args=[cora.pk]),
        {"password1": typed, "password2": typed, "usable_password": "true"},
    )

    cora.refresh_from_db()
    assert cora.check_password(typed)
    assert [data for _, _, data in entries()] == [
        {"account": actor_of(cora), "fields": ["password"]}
    ]
    written = "".join(JournalEntry.objects.values_list("data", flat=True))
    assert typed not in written
    assert cora.password not in written
    assert cora.email not in written


def test_adding_an_account_a_group_and_an_agent_says_who_did_it(client: Client, ada: User):
    client.post(
        reverse("admin:auth_user_add"),
        {
            "username": "tom",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "usable_password": "true",
        },
    )
    tom = User.objects.get(username="tom")
    client.post(reverse("admin:auth_group_add"), {"name": "night shift"})
    shift = Group.objects.get(name="night shift")
    client.post(reverse("admin:auth_group_change", args=[shift.pk]), {"name": "late shift"})
    client.post(reverse("admin:auth_group_delete", args=[shift.pk]), {"post": "yes"})
    client.post(
        reverse("admin:conversations_agent_add"), {"user": tom.pk, "external_id": "agent-7"}
    )
    agent = Agent.objects.get()
    page = reverse("admin:conversations_agent_change", args=[agent.pk])
    client.post(page, {"user": ada.pk, "external_id": "agent-7"})
    client.post(reverse("admin:conversations_agent_delete", args=[agent.pk]), {"post": "yes"})

    assert {actor for _, actor, _ in entries()} == {actor_of(ada)}
    assert [(kind, data) for kind, _, data in entries()] == [
        ("person_added", {"account": actor_of(tom), "flags": ["is_active"]}),
        ("group_changed", {"group": [None, "night shift"]}),
        ("group_changed", {"group": ["night shift", "late shift"]}),
        ("group_changed", {"group": ["late shift", None]}),
        ("agent_changed", {"account": actor_of(tom), "agent": [None, "agent-7"]}),
        ("agent_changed", {"account": actor_of(tom), "agent": ["agent-7", None]}),
        ("agent_changed", {"account": actor_of(ada), "agent": [None, "agent-7"]}),
        ("agent_changed", {"account": actor_of(ada), "agent": ["agent-7", None]}),
    ]


def test_the_machines_commands_are_noted_as_the_consoles(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--username", "root", "--email", "r@example.org")
    root = User.objects.get()
    monkeypatch.setattr("getpass.getpass", lambda prompt: "another-password-9")
    call_command("changepassword", "root")

    flags = ["is_active", "is_staff", "is_superuser"]
    account = actor_of(root)
    assert entries() == [
        ("person_added", people.console_actor(), {"account": account, "flags": flags}),
        ("person_changed", people.console_actor(), {"account": account, "fields": ["password"]}),
    ]


def test_somebody_who_is_deleted_is_named_by_what_they_did_and_the_chain_holds(cora: User):
    Agent.objects.create(user=cora, external_id="agent-1")
    named = actor_of(cora)
    people.note_logged_in(cora, network="192.0.2.0/24", by="password")

    cora.delete()

    assert [(kind, data.get("account")) for kind, _, data in entries()] == [
        ("agent_changed", named),
        ("logged_in", None),
        ("agent_changed", named),
        ("person_removed", named),
    ]
    assert entries()[1][1] == named
    assert verify_journal().holds


def test_an_entry_that_cannot_be_written_takes_the_change_with_it(
    client: Client, ada: User, cora: User, monkeypatch: pytest.MonkeyPatch
):
    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("no journal")

    monkeypatch.setattr("conversations.services.people.note", fail)
    client.raise_request_exception = False
    typed = "another-password-9"

    with transaction.atomic():
        changed = client.post(
            reverse("admin:auth_user_change", args=[cora.pk]), form_of(cora, is_active="")
        )
        reset = client.post(
            reverse("admin:auth_user_password_change", args=[cora.pk]),
            {"password1": typed, "password2": typed, "usable_password": "true"},
        )

    cora.refresh_from_db()
    assert (changed.status_code, reset.status_code) == (500, 500)
    assert (cora.is_active, cora.check_password(PASSWORD)) == (True, True)


def test_members_that_a_group_gets_and_loses_are_named(cora: User):
    group = Group.objects.get(name="compliance")
    tom = histories.user("tom", "agent")

    group.user_set.add(cora, tom)
    group.user_set.clear()

    assert [(data["account"], data["roles"]) for _, _, data in entries()] == [
        (actor_of(tom), [["agent"], ["agent", "compliance"]]),
        (actor_of(cora), [["compliance"], []]),
        (actor_of(tom), [["agent", "compliance"], ["agent"]]),
    ]


# --- log-ins ------------------------------------------------------------------------------------
@pytest.mark.parametrize("door", ["login", "admin:login"])
def test_who_comes_in_and_goes_out_is_noted_and_who_is_refused_once_a_minute(
    client: Client, cora: User, door: str
):
    there = {"REMOTE_ADDR": "192.0.2.7"}
    for name, password in (("cora", "guess"), ("cora", "guess"), ("my-password", "x"),
                           ("my-password", "x"), ("another", "x"), ("cora", PASSWORD)):  # fmt: skip
        client.post(reverse(door), {"username": name, "password": password}, **there)
    client.post(reverse("logout" if door == "login" else "admin:logout"))

    network = "192.0.2.0/24"
    refused = {"network": network, "what": "password"}
    assert entries() == [
        ("login_refused", "anonymous", refused | {"account": actor_of(cora)}),
        # Each name for itself: else its time would tell whether there is such an account.
        ("login_refused", "anonymous", refused | {"account": ""}),
        ("login_refused", "anonymous", refused | {"account": ""}),
        ("logged_in", actor_of(cora), {"network": network, "by": "password"}),
        ("logged_out", actor_of(cora), {}),
    ]


def test_a_flood_of_refused_log_ins_fills_no_journal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(people, "REFUSALS_A_MINUTE", 3)

    for n in range(9):
        people.note_login_refused(None, network=f"198.51.{n}.0/24", what="password")

    assert len(entries()) == 3


def test_the_admins_list_shows_them(client: Client, ada: User, cora: User):
    cora.is_active = False
    cora.save()
    cora.groups.clear()

    page = client.get(reverse("admin:conversations_journalentry_changelist")).content.decode()

    assert "account changed" in page
    assert "roles changed" in page
    histories.conversation(messages=1)
    listed = client.get(reverse("admin:conversations_conversation_changelist")).content.decode()
    assert CONSOLE_ID in listed
    assert "__year=2000" not in listed  # its row has a date of long ago, which counts for nothing
