"""The token's page never tells what it is; admins have refused credentials asked again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from conversations.conf import genesys_config
from conversations.models import AccessToken
from conversations.services.tokens import credentials_of
from tests.conversations import histories

pytestmark = pytest.mark.django_db

LIST = "admin:conversations_accesstoken_changelist"
PAGE = "admin:conversations_accesstoken_change"


@pytest.fixture
def refused() -> AccessToken:
    return AccessToken.objects.create(
        fingerprint=credentials_of(genesys_config()), refused_at=timezone.now()
    )


def ask_again(client, *tokens: AccessToken) -> str:
    form = {"action": "ask_again", "_selected_action": [token.pk for token in tokens]}
    return client.post(reverse(LIST), form, follow=True).content.decode()


def test_an_admin_has_refused_credentials_asked_again_and_it_is_written_down(
    client, refused: AccessToken, caplog
):
    adam = histories.user("adam", "admin")
    client.force_login(adam)

    text = ask_again(client, refused)

    refused.refresh_from_db()
    assert refused.refused_at is None
    assert "1 refusal(s) forgotten" in text
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (adam, str(refused.pk))
    assert "Refusal forgotten" in entry.change_message
    assert "adam had the refusal" in caplog.text


def test_what_was_not_refused_is_left_alone(client):
    client.force_login(histories.user("adam", "admin"))
    token = AccessToken.objects.create(fingerprint="f" * 64, generation=3)

    assert "0 refusal(s) forgotten" in ask_again(client, token)

    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("role", ["compliance", "supervisor", "agent"])
def test_nobody_else_does(client, refused: AccessToken, role: str):
    client.force_login(histories.user("somebody", role))

    ask_again(client, refused)

    refused.refresh_from_db()
    assert refused.refused_at is not None


def test_the_token_is_never_shown(client):
    client.force_login(histories.user("root", is_superuser=True))
    token = AccessToken.objects.create(
        fingerprint="CANARY-fingerprint",
        secret=b"CANARY-secret",
        generation=7,
        expires_at=timezone.now() + timedelta(hours=1),
    )

    for address in (reverse(LIST), reverse(PAGE, args=[token.pk])):
        text = client.get(address).content.decode()
        assert "CANARY" not in text
        assert "valid" in text


@pytest.mark.parametrize(("missing", "shown"), [(False, "icon-yes"), (True, "icon-unknown")])
def test_the_row_of_todays_settings_is_marked(
    client, refused: AccessToken, settings, missing: bool, shown: str
):
    client.force_login(histories.user("adam", "admin"))
    if missing:
        settings.GENESYS_CLIENT_ID = ""

    text = client.get(reverse(LIST)).content.decode()

    assert "credentials refused" in text
    assert shown in text
