"""A provider that stopped is asked again on the word of whoever may do settings."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.conversations import histories
from translation.models import ProviderState

pytestmark = pytest.mark.django_db

ADDRESS = "admin:translation_providerstate_changelist"


@pytest.fixture(autouse=True)
def plain_http(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False  # the test client speaks plain HTTP


@pytest.fixture
def stopped() -> ProviderState:
    return ProviderState.objects.create(
        name="deepl", state="quota", reason="456", since=timezone.now()
    )


def ask_again(client, provider: ProviderState):
    return client.post(reverse(ADDRESS), {"action": "ask_again", "_selected_action": [provider.pk]})


def test_an_admin_has_the_provider_asked_again(client, stopped: ProviderState):
    client.force_login(histories.user("adam", "admin"))
    before = timezone.now()

    answer = ask_again(client, stopped)

    stopped.refresh_from_db()
    assert answer.status_code == 302
    assert stopped.reopened_at >= before
    assert stopped.state == "quota"


@pytest.mark.parametrize("role", ["compliance", "supervisor", "agent"])
def test_nobody_else_does(client, stopped: ProviderState, role: str):
    client.force_login(histories.user("somebody", role))

    ask_again(client, stopped)

    stopped.refresh_from_db()
    assert stopped.reopened_at is None


def test_a_translation_tells_how_it_was_made(client):
    client.force_login(histories.user("cora", "compliance"))
    histories.conversation(messages=1)

    text = client.get(reverse("admin:translation_translation_changelist")).content.decode()

    assert "es → en-US" in text
    assert "84 ms" in text
