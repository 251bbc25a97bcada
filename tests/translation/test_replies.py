"""An agent's reply: once, in order, with what was typed, translated and delivered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User

from conversations.exports.base import Scope
from conversations.exports.transcripts import transcript_rows
from conversations.models import Conversation, Delivery, JournalEntry, Message, MessageText
from conversations.services.replies import Reply
from tests.conversations import histories
from tests.conversations.histories import said
from tests.conversations.services.wire import AGENT, assert_journal_holds, event, kinds, record
from tests.translation.makings import made
from tests.translation.workers import Words, Worker, working
from translation.exceptions import QuotaExceeded, TextRefused
from translation.models import Translation
from translation.replies import Previewed, Sent, send_reply

pytestmark = pytest.mark.django_db

REPLY = Reply(
    key="0123456789abcdef", agent_id="agent-1", text="Good day", language="en-US", target="es"
)
TO_SPANISH = made("Buenos días", language="en", target="es")


def a_chat(**fields: object) -> Conversation:
    said("Hola, necesito ayuda")
    Conversation.objects.update(agent_id="agent-1", agent_name="Tom", **fields)
    return Conversation.objects.get()


def send(reply: Reply = REPLY, previewed: Previewed | None = None) -> Sent:
    user = User.objects.filter(username="alice").first() or histories.user("alice")
    return send_reply(Conversation.objects.get().pk, reply, previewed, user=user)


def texts(message_id: int | None) -> dict[str, str]:
    return dict(MessageText.objects.filter(message_id=message_id).values_list("role", "text"))


def test_a_previewed_reply_keeps_what_was_typed_translated_and_delivered():
    a_chat()

    sent = send(previewed=Previewed(TO_SPANISH, "Muy buenos días"))

    message = Message.objects.get(pk=sent.message_id)
    assert texts(message.pk) == {
        "typed": "Good day", "translated": "Buenos días", "delivered": "Muy buenos días",
    }  # fmt: skip
    assert kinds(message) == ["replied", "translated", "queued"]
    assert message.journal.get(kind="queued").data == '{"edited":true,"language":"es"}'
    assert message.journal.get(kind="replied").actor.endswith(":alice")
    delivery = Delivery.objects.get(message=message)
    assert (delivery.state, delivery.direction) == ("queued", "agent_to_guest")
    assert Translation.objects.get(message=message).target_language == "es"
    assert Conversation.objects.get().work_at is not None
    assert_journal_holds()
    MessageText.objects.filter(message=message, role="delivered").update(text="Otra cosa")
    with pytest.raises(AssertionError):
        assert_journal_holds()


def test_a_reply_sent_as_written_needs_no_provider():
    a_chat()

    sent = send(replace(REPLY, target=""))

    message = Message.objects.get(pk=sent.message_id)
    assert texts(message.pk) == {"typed": "Good day", "delivered": "Good day"}
    assert (message.translation_state, kinds(message)) == ("passed_through", ["replied", "queued"])
    assert_journal_holds()


def test_sent_again_with_the_same_key_it_is_the_same_reply():
    a_chat()

    results = [send(), send(previewed=Previewed(TO_SPANISH, "Hola")), send()]

    assert [sent.is_new for sent in results] == [True, False, False]
    assert len({sent.message_id for sent in results}) == 1
    assert Message.objects.filter(origin="agent").count() == 1
    assert JournalEntry.objects.filter(kind="replied").count() == 1


def test_another_text_under_the_same_key_is_not_sent_and_is_told_so():
    a_chat()
    send()

    other = send(replace(REPLY, text="Good evening"))

    assert other.message_id is None
    assert "sent already" in other.words
    assert Message.objects.filter(origin="agent").count() == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"state": "closed"}, "has ended"), ({"agent_id": "agent-2"}, "no longer yours")],
)
def test_it_is_refused_in_words_and_nothing_is_written(fields: dict[str, str], words: str):
    a_chat()
    Conversation.objects.update(**fields)
    before = JournalEntry.objects.count()

    sent = send()

    assert sent.message_id is None
    assert words in sent.words
    assert JournalEntry.objects.count() == before


def test_an_export_tells_what_was_typed_and_what_the_guest_got():
    a_chat()
    send(previewed=Previewed(TO_SPANISH, "Muy buenos días"))

    *_, row = transcript_rows(Scope())

    assert (row["direction"], row["original_text"]) == ("agent_to_guest", "Good day")
    assert (row["translated_text"], row["delivered_text"]) == ("Buenos días", "Muy buenos días")
    assert (row["original_language"], row["target_language"]) == ("en-US", "es")
    assert row["journal_digest"]


def test_the_guests_language_is_none_of_a_replys_business():
    a_chat(guest_language="es", language_basis="messages", language_count=1)

    send(previewed=Previewed(made("Hello", language="fr", target="es"), "Hello"))

    conversation = Conversation.objects.get()
    assert (conversation.guest_language, conversation.language_count) == ("es", 1)


# --- by a worker ---


def echoes_of(worker: Worker) -> list[dict[str, Any]]:
    return [one["event"] for one in worker.entries("event") if one["role"] == "echo"]


async def started(simulator, *replies: Reply) -> None:
    simulator.world.open_conversation(id="conv-1", agent_id="agent-1")
    await database_sync_to_async(a_chat)()
    for reply in replies:
        await database_sync_to_async(send)(reply)


@pytest.mark.django_db(transaction=True)
async def test_a_worker_translates_it_delivers_it_in_order_and_knows_its_echo(simulator):
    second = replace(REPLY, key="f" * 16, text="Goodbye")
    third = replace(REPLY, key="e" * 16, text="As it is", target="")
    await started(simulator, REPLY, second, third)

    async with working(simulator, translator=Words(random_s=0.05)) as worker:
        await worker.until_idle()
        posts = worker.entries("post")
        while len(echoes := echoes_of(worker)) < len(posts):  # each comes a moment after its post
            await asyncio.sleep(0.01)
        await worker.hear(*echoes)
        await worker.until_idle()

    assert [post["text"] for post in posts] == [
        "EN Hola, necesito ayuda",
        "es Good day",
        "es Goodbye",
        "As it is",
    ]
    assert [post["from"] for post in posts[1:]] == [{"id": "agent-1", "type": "agent"}] * 3
    assert await counts() == {"guest": 1, "agent": 3, "injected": 4}
    assert await states() == ["confirmed"] * 4
    # Only what a guest said has its original written into the attributes.
    assert len(worker.puts()) == 1


@pytest.mark.django_db(transaction=True)
async def test_a_post_without_an_answer_is_found_out_in_the_history_and_not_repeated(simulator):
    simulator.world.faults.add({"where": "post", "kind": "reset_after", "contains": "Good day"})
    await started(simulator, REPLY)

    async with working(simulator, head_wait_s=4.0) as worker:
        await worker.until_idle(within_s=10)

    assert [post["text"] for post in worker.entries("post")][1:] == ["es Good day"]
    assert (await states())[-1] == "confirmed"


@pytest.mark.django_db(transaction=True)
async def test_what_cannot_be_translated_is_set_aside_and_the_next_one_goes_on(simulator):
    await started(simulator, REPLY, replace(REPLY, key="f" * 16, text="Goodbye"))
    words = Words(script={"Good day": TextRefused("no")})

    async with working(simulator, translator=words) as worker:
        await worker.until_idle()

    assert [post["text"] for post in worker.entries("post")][1:] == ["es Goodbye"]
    assert await translation_states() == ["failed", "translated"]


@pytest.mark.django_db(transaction=True)
async def test_what_is_sent_as_written_does_not_wait_for_the_provider(simulator):
    """The guest's words do, and so does what was to be translated, with what follows it."""
    first, last = replace(REPLY, target=""), replace(REPLY, key="d" * 16, text="Bye", target="")
    translated = replace(REPLY, key="f" * 16, text="Goodbye")
    await started(simulator, first, translated, last)
    away = QuotaExceeded()
    words = Words(script={"Hola, necesito ayuda": away, "Goodbye": away})

    async with working(simulator, translator=words) as worker:
        await worker.until(worker.posts)
        assert worker.posts() == ["Good day"]

        words.script.clear()
        await worker.until_idle(within_s=40)

    posts = [post["text"] for post in worker.entries("post")]
    assert posts == ["Good day", "EN Hola, necesito ayuda", "es Goodbye", "Bye"]


@database_sync_to_async
def counts() -> dict[str, int]:
    origins = list(Message.objects.values_list("origin", flat=True))
    return {origin: origins.count(origin) for origin in set(origins)}


@database_sync_to_async
def states() -> list[str]:
    return list(Delivery.objects.order_by("message__seq").values_list("state", flat=True))


@database_sync_to_async
def translation_states() -> list[str]:
    rows = Message.objects.filter(origin="agent").order_by("seq")
    return list(rows.values_list("translation_state", flat=True))


def test_what_the_agent_writes_elsewhere_is_recorded_beside_it():
    """An agent's message by another client is no echo of a reply that has not gone out yet."""
    a_chat()
    send(replace(REPLY, target=""))

    record(event("Good day", sender=AGENT, id="other-1"))

    assert Message.objects.filter(origin="agent").count() == 2


@pytest.mark.django_db(transaction=True)
async def test_an_echo_in_another_name_makes_nobody_else_the_agent(simulator):
    await started(simulator, replace(REPLY, target=""))

    async with working(simulator) as worker:
        await worker.until_idle()
        while "Good day" not in (echoes := {one["text"]: one for one in echoes_of(worker)}):
            await asyncio.sleep(0.01)  # it comes a moment after its post
        echo = echoes["Good day"]
        await worker.hear(echo | {"from": {"id": "integration", "type": "agent", "name": "Bot"}})

    assert await agent_of_the_chat() == ("agent-1", "Tom")
    assert (await counts())["agent"] == 1


@database_sync_to_async
def agent_of_the_chat() -> tuple[str, str]:
    conversation = Conversation.objects.get()
    return conversation.agent_id, conversation.agent_name
