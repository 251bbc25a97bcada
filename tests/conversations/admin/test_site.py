"""The admin asks the one access rule, at its door and on every page; nobody edits a record."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse

from conversations.admin.records import RecordAdmin
from tests.conversations import histories

pytestmark = pytest.mark.django_db

RECORDS = sorted(
    f"{model._meta.app_label}_{model._meta.model_name}"
    for model, model_admin in admin.site._registry.items()
    if isinstance(model_admin, RecordAdmin)
)
AUDIT = {
    "assist_chunk",
    "assist_hourlymetrics",
    "assist_knowledgefailure",
    "assist_suggestion",
    "conversations_attributeaudit",
    "conversations_conversation",
    "conversations_deadletter",
    "conversations_delivery",
    "conversations_erasure",
    "conversations_journalentry",
    "conversations_legalhold",
    "conversations_message",
    "translation_translation",
}
OPERATIONS = {
    "assist_assistwatch",
    "assist_engagement",
    "assist_interaction",
    "conversations_streamstate",
}
VERIFY = {"conversations_verificationrun"}
SETTINGS = {
    "conversations_accesstoken",
    "translation_providerstate",
    "auth_user",
    "auth_group",
    "conversations_agent",
    "conversations_loginattempts",
}
# Role → the lists it may open; the rest is refused.
VERDICTS = {
    "compliance": AUDIT | VERIFY,
    "admin": AUDIT | VERIFY | OPERATIONS | SETTINGS,
    "superuser": AUDIT | VERIFY | OPERATIONS | SETTINGS,
    "agent": set(),
    "supervisor": set(),
}


def log_in(client, role: str):
    if role == "superuser":
        user = histories.user("root", is_superuser=True)
    else:
        user = histories.user(role, role)
    client.force_login(user)
    return user


def test_every_list_has_a_verdict_for_every_role():
    registered = {
        f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry
    }

    assert registered == AUDIT | VERIFY | OPERATIONS | SETTINGS


@pytest.mark.parametrize("role", VERDICTS)
@pytest.mark.parametrize("name", sorted(AUDIT | VERIFY | OPERATIONS | SETTINGS))
def test_a_list_opens_for_those_who_may_and_for_nobody_else(client, role: str, name: str):
    log_in(client, role)

    answer = client.get(reverse(f"admin:{name}_changelist"))

    expected = 200 if name in VERDICTS[role] else (403 if VERDICTS[role] else 302)
    assert answer.status_code == expected


@pytest.mark.parametrize("name", RECORDS)
def test_nobody_adds_or_edits_or_deletes_a_record_not_even_a_superuser(client, name: str):
    log_in(client, "superuser")
    model = {
        f"{model._meta.app_label}_{model._meta.model_name}": model for model in admin.site._registry
    }[name]
    model_admin = admin.site._registry[model]
    histories.conversation(messages=1)
    record = model.objects.first()

    assert client.get(reverse(f"admin:{name}_add")).status_code == 403
    assert client.post(reverse(f"admin:{name}_add")).status_code == 403
    assert "delete_selected" not in list(model_admin.actions or [])
    if record is not None:
        for page in ("change", "delete"):
            address = reverse(f"admin:{name}_{page}", args=[record.pk])
            assert client.post(address, {"post": "yes"}).status_code == 403


def test_somebody_without_the_staff_mark_logs_in_by_role(client):
    histories.user("cora", "compliance", password="a-long-password-7")

    answer = client.post(
        reverse("admin:login"), {"username": "cora", "password": "a-long-password-7"}
    )

    assert answer.status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200


def test_the_staff_mark_alone_opens_nothing(client):
    histories.user("stefan", "supervisor", password="a-long-password-7", is_staff=True)

    answer = client.post(
        reverse("admin:login"), {"username": "stefan", "password": "a-long-password-7"}
    )

    assert "may not read the records" in answer.content.decode()
    assert client.get(reverse("admin:index")).status_code == 302


def test_a_deactivated_account_is_outside_at_once(client):
    user = log_in(client, "compliance")
    assert client.get(reverse("admin:index")).status_code == 200

    user.is_active = False
    user.save()

    assert client.get(reverse("admin:index")).status_code == 302
