"""The reply box's addresses: preview, send, and the guest's language, as a page posts them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from conversations.models import Conversation, Delivery, JournalEntry, Message, MessageText
from tests.conversations.histories import said
from tests.conversations.live.histories import a_user
from tests.conversations.services.wire import assert_journal_holds
from tests.simulators import SimulatorThread
from translation import desk, views
from translation.models import ProviderState

pytestmark = pytest.mark.django_db

KEY = "0123456789abcdef"
GONE = "http://127.0.0.1:1/v2/translate"


@pytest.fixture
def provider(simulator_thread: SimulatorThread, settings: Any) -> Iterator[SimulatorThread]:
    settings.TRANSLATION_API_URL = f"{simulator_thread.base_url}/v2/translate"
    yield simulator_thread
    desk.close()


@pytest.fixture
def alice(client: Client) -> Client:
    said("Hola, necesito ayuda")
    Conversation.objects.update(
        agent_id="agent-1", guest_language="es", language_basis="messages", language_count=1
    )
    client.force_login(a_user("alice", "agent", agent_id="agent-1"))
    return client


def post(
    client: Client, where: str, body: Any, *, name: str = "conv-1"
) -> tuple[int, dict[str, Any]]:
    answer = client.post(
        f"/live/{name}/{where}/", json.dumps(body), content_type="application/json"
    )
    return answer.status_code, answer.json()


def a_reply(**more: Any) -> dict[str, Any]:
    return {"key": KEY, "text": "Good day", "target": "es", "as_written": False} | more


def test_a_preview_is_shown_and_kept_nowhere_until_it_is_sent(alice: Client, provider):
    before = (MessageText.objects.count(), JournalEntry.objects.count())

    status, shown = post(alice, "preview", {"text": "Booking 4711"})

    assert (status, shown["text"], shown["target"], shown["missing"]) == (
        200, "[stand-in en→es] Booking 4711", "es", [],
    )  # fmt: skip
    assert (MessageText.objects.count(), JournalEntry.objects.count()) == before
    preview = {"token": shown["token"], "translated": shown["text"], "text": "Reserva 4711"}
    status, sent = post(alice, "reply", a_reply(text="Booking 4711", preview=preview))

    assert status == 201
    kept = dict(MessageText.objects.filter(message=sent["message"]).values_list("role", "text"))
    assert kept == {
        "typed": "Booking 4711",
        "translated": shown["text"],
        "delivered": "Reserva 4711",
    }
    (asked,) = provider.world.ledger.entries(kinds=frozenset({"translate"}))
    assert (asked["texts"], asked["target"]) == (["Booking 4711"], "ES")
    assert_journal_holds()


def test_a_preview_of_another_text_or_of_nobodys_making_is_refused(alice: Client, provider):
    _, shown = post(alice, "preview", {"text": "Booking 4711"})
    good = {"token": shown["token"], "translated": shown["text"], "text": "Reserva 4711"}

    refused = [
        post(alice, "reply", a_reply(text=text, preview=preview))
        for text, preview in [
            ("Booking 4712", good),
            ("Booking 4711", good | {"translated": "Something else"}),
            ("Booking 4711", good | {"token": shown["token"][:-2]}),
            ("Booking 4711", {"text": "Reserva"}),
        ]
    ]

    assert {status for status, _ in refused} == {409}
    assert all("preview it again" in found["error"] for _, found in refused)
    assert not Message.objects.filter(origin="agent").exists()


def test_a_repeated_post_is_one_reply(alice: Client):
    answers = [post(alice, "reply", a_reply()) for _ in range(3)]

    assert [status for status, _ in answers] == [201, 200, 200]
    assert len({found["message"] for _, found in answers}) == 1
    assert Message.objects.filter(origin="agent").count() == 1


def test_a_reply_that_was_sent_is_found_again_when_its_language_or_preview_is_outdated(
    alice: Client, provider, monkeypatch
):
    _, shown = post(alice, "preview", {"text": "Good day"})
    preview = {"token": shown["token"], "translated": shown["text"], "text": shown["text"]}
    status, sent = post(alice, "reply", a_reply(preview=preview))
    assert status == 201

    monkeypatch.setattr(views, "PREVIEW_LASTS_S", -1)
    assert post(alice, "reply", a_reply(preview=preview)) == (200, sent)
    Conversation.objects.update(guest_language="fr")
    assert post(alice, "reply", a_reply(preview=preview)) == (200, sent)
    status, refused = post(alice, "reply", a_reply(text="Good night", preview=preview))

    assert (status, refused["was_sent"]) == (409, True)
    assert Message.objects.filter(origin="agent").count() == 1


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"text": "  "}, 400, "Write something"),
        ({"text": None}, 400, "Write something"),
        ({"text": "😀" * 2049}, 400, "4,098 characters are too many"),
        ({"key": "short"}, 400, "key: 16 to 64"),
        ({"key": None}, 400, "key: 16 to 64"),
        ({"target": "pt"}, 409, "The guest's language is Spanish now"),
        ({"preview": {"text": ""}}, 400, "preview it again"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_to_do(
    alice: Client, body: dict[str, Any], status: int, words: str
):
    found, answer = post(alice, "reply", a_reply(**body))

    assert (found, words in answer["error"]) == (status, True), answer
    assert not Message.objects.filter(origin="agent").exists()


@pytest.mark.parametrize("raw", [b"", b"[1]", b"\xff", b"{", b'{"text": "\\ud800"}'])
def test_what_is_no_json_is_refused(alice: Client, raw: bytes):
    answer = alice.post("/live/conv-1/reply/", raw, content_type="application/json")

    assert answer.status_code == 400


def test_without_a_language_a_reply_goes_out_as_written_alone(alice: Client):
    Conversation.objects.update(guest_language="", language_basis="")

    unknown = post(alice, "reply", a_reply(target=""))
    preview = post(alice, "preview", {"text": "Good day"})
    as_written = post(alice, "reply", a_reply(target="", as_written=True))

    assert (unknown[0], preview[0], as_written[0]) == (409, 409, 201)
    assert "choose it above" in unknown[1]["error"]
    assert Delivery.objects.get(message=as_written[1]["message"]).state == "queued"


def test_a_guest_who_speaks_the_agents_language_gets_what_was_typed(alice: Client):
    Conversation.objects.update(guest_language="en-GB")

    _, shown = post(alice, "preview", {"text": "Good day"})
    status, sent = post(alice, "reply", a_reply(target="en-GB"))

    assert (shown["text"], status) == ("Good day", 201)
    assert Message.objects.get(pk=sent["message"]).translation_state == "passed_through"


def test_a_provider_in_trouble_is_told_and_the_reply_can_be_sent_all_the_same(
    alice: Client, settings: Any
):
    settings.TRANSLATION_API_URL = GONE
    ProviderState.objects.create(name="deepl", state="quota")

    status, answer = post(alice, "preview", {"text": "Good day"})
    desk.close()

    assert (status, "quota is used up" in answer["error"]) == (503, True)
    assert post(alice, "reply", a_reply())[0] == 201


def test_the_guests_language_is_chosen_and_given_back_in_one_click(alice: Client):
    status, answer = post(alice, "language", {"language": "pt-BR"})

    conversation = Conversation.objects.get()
    assert (status, answer["words"]) == (200, "The guest is written to in Portuguese (Brazil).")
    assert (conversation.guest_language, conversation.language_basis) == ("pt-BR", "person")
    entry = JournalEntry.objects.get(kind="language")
    assert entry.data == '{"guest_language":"pt-BR","guest_language_basis":"person"}'
    assert entry.actor.endswith(":alice")
    said("Je voudrais changer ma réservation", number=2)
    _, answer = post(alice, "language", {"language": ""})

    conversation.refresh_from_db()
    assert (conversation.guest_language, conversation.language_basis) == ("es", "messages")
    assert answer["words"] == "Decided by what the guest writes: Spanish."
    assert post(alice, "language", {"language": "auto!"})[0] == 400
    assert post(alice, "language", {"language": 7})[0] == 400
    assert_journal_holds()


def test_a_forged_post_is_refused():
    said("Hola")
    Conversation.objects.update(agent_id="agent-1")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(a_user("alice", "agent", agent_id="agent-1"))

    statuses = {post_raw(browser, where) for where in ("preview", "reply", "language")}

    assert statuses == {403}
    assert not Message.objects.filter(origin="agent").exists()


def post_raw(browser: Client, where: str) -> int:
    body = json.dumps(a_reply(as_written=True))
    return browser.post(f"/live/conv-1/{where}/", body, content_type="application/json").status_code
