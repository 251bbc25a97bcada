"""Transcript streams in a real gateway: wanted ones are held, merged, bounded, and told apart."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conversations.gateway import keeper, settling
from conversations.gateway.transcripts import transcript_url
from conversations.live import marks
from conversations.models import Conversation, Message, MessageCopy, StreamState
from tests.conversations.gateway.gateways import Gateway, gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch, settings):
    """What a person would not notice is not waited for; no delay is what a test is about."""
    defaults = settling.Settling.__init__.__kwdefaults__
    quick = defaults | {"settle_s": 0.3, "bound": 50}
    monkeypatch.setattr(settling.Settling.__init__, "__kwdefaults__", quick)
    monkeypatch.setattr(keeper, "LOOK_S", 0.1)
    settings.TRANSCRIPT_STREAMS = "all"


def transcripts(**fields):
    return StreamState.objects.filter(kind="transcript", **fields)


def is_live(name: str):
    return lambda: transcripts(key=name, state="live").exists()


async def begin(running: Gateway, name: str = "conv-1"):
    """A conversation that the org socket has told of, with its transcript live."""
    await running.until_connected()
    world = running.simulator.world
    conversation = world.conversation(name)
    world.say_as_guest(conversation, "Hola", language="ES")
    await running.until(is_live(name))
    return conversation


async def test_a_message_of_both_sockets_is_stored_once(settings, simulator):
    async with gateway(settings, simulator) as running:
        conversation = await begin(running)

        simulator.world.say_as_guest(conversation, "¿Qué tal?", language="ES")
        simulator.world.say_as_agent(conversation, "Fine")

        await running.until(lambda: MessageCopy.objects.count() == 2)
        assert await running.ask(Message.objects.count) == 3


async def test_what_the_org_socket_lost_is_there_all_the_same(settings, simulator):
    async with gateway(settings, simulator) as running:
        conversation = await begin(running)
        simulator.world.faults.add({"where": "socket", "kind": "lost", "contains": "perdido"})

        simulator.world.say_as_guest(conversation, "perdido", language="ES")

        await running.until(lambda: Message.objects.count() == 2)
        message = await running.ask(lambda: Message.objects.latest("pk"))
        assert (message.origin, message.translation_state) == ("guest", "")


async def test_what_a_transcript_brought_takes_no_place_before_what_the_org_socket_lacks(
    settings, simulator
):
    """The order is the org socket's, and its gap holds a message that is older than the copy."""
    async with gateway(settings, simulator) as running:
        conversation = await begin(running)
        await running.until(lambda: Message.objects.count() == 1)
        simulator.world.faults.add({"where": "handshake", "kind": "503", "times": 1})
        simulator.world.faults.add({"where": "transcript", "kind": "lost", "contains": "primero"})
        running.drop_sockets()
        await running.until(lambda: not simulator.world.sockets)

        simulator.world.say_as_guest(conversation, "primero", language="ES")
        simulator.world.say_as_guest(conversation, "segundo", language="ES")

        await running.until(lambda: Message.objects.count() == 3)
        rows = await running.ask(
            lambda: list(Message.objects.order_by("seq").values_list("texts__text", flat=True))
        )
        assert rows == ["Hola", "primero", "segundo"]
        await running.until(lambda: MessageCopy.objects.filter(is_alone=False).exists())


async def test_the_end_is_recorded_and_the_stream_is_let_go(settings, simulator):
    async with gateway(settings, simulator) as running:
        conversation = await begin(running)

        simulator.world.close_conversation(conversation)

        await running.until(lambda: Conversation.objects.filter(state="closed").exists())
        await running.until(lambda: transcripts(owner="", state="stopped").exists())
        row = await running.ask(transcripts().get)
        assert row.reason == "the conversation is closed"
        assert simulator.transcripts.count == 0


async def test_typing_and_receipts_are_counted_and_no_messages(settings, simulator):
    async with gateway(settings, simulator) as running:
        conversation = await begin(running)
        simulator.world.type_(conversation, "guest", "active")
        simulator.world.read(conversation, "agent")
        simulator.transcripts.tell_update("conv-1")
        simulator.transcripts.send_raw("conv-1", '{"event": "news"}')
        simulator.transcripts.send_raw("conv-1", b"\x00")
        simulator.transcripts.send_raw("conv-1", "{")
        simulator.transcripts.tell_system(conversation, "Agent joined")

        await running.until(lambda: Message.objects.filter(origin="system").exists())
        await running.until(lambda: transcripts(ignored=4, malformed=2).exists())
        assert await running.ask(Message.objects.count) == 2


async def test_each_refusal_has_its_words_and_the_slot_is_free(settings, simulator):
    words = {"403": "scope view:conversation", "1008": "(1008)", "1002": "(1002)", "401": "(401)"}
    for kind in words:
        simulator.world.faults.add(
            {"where": "transcript_handshake", "kind": kind, "nth": [1, 2], "conversation": kind}
        )
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        for kind in words:
            conversation = simulator.world.conversation(kind)
            simulator.world.say_as_guest(conversation, "Hola", language="ES")

        await running.until(lambda: transcripts(state="refused", owner="").count() == 4)

        rows = await running.ask(lambda: {row.key: row for row in transcripts()})
        for kind, said in words.items():
            assert said in rows[kind].reason
            assert rows[kind].resume_at > datetime.now(UTC) + timedelta(seconds=200)


async def test_sockets_are_bounded_and_what_waits_is_said(settings, simulator, monkeypatch):
    settings.TRANSCRIPT_SOCKETS = 2
    monkeypatch.setattr("conversations.gateway.leases._NO_ROOM_AFTER_S", 0.2)
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        for number in range(5):
            conversation = simulator.world.conversation(f"conv-{number}")
            simulator.world.say_as_guest(conversation, "Hola", language="ES")

        await running.until(lambda: transcripts(state="live").count() == 2)
        await running.until(lambda: transcripts(reason__contains="waits for room").count() == 3)
        assert simulator.transcripts.count == 2


async def test_only_what_somebody_has_open_is_followed(settings, simulator):
    settings.TRANSCRIPT_STREAMS = "watched"
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        for name in ("conv-1", "conv-2"):
            simulator.world.say_as_guest(simulator.world.conversation(name), "Hola", language="ES")
        await running.until(lambda: Conversation.objects.count() == 2)
        pk = (await running.ask(lambda: Conversation.objects.get(external_id="conv-2"))).pk

        await running.ask(lambda: marks.write("web-1", [pk]))
        await running.until(is_live("conv-2"))
        assert simulator.transcripts.of("conv-1") == 0

        await running.ask(lambda: marks.write("web-1", []))
        await running.until(lambda: transcripts(owner="", state="stopped").exists())
        assert simulator.transcripts.count == 0


async def test_one_that_fails_disturbs_no_other(settings, simulator):
    simulator.world.faults.add(
        {"where": "transcript_handshake", "kind": "403", "conversation": "conv-1"}
    )
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        for name in ("conv-1", "conv-2"):
            simulator.world.say_as_guest(simulator.world.conversation(name), "Hola", language="ES")

        await running.until(is_live("conv-2"))
        await running.until(lambda: transcripts(key="conv-1", state="refused").exists())
        assert await running.ask(StreamState.objects.filter(kind="messaging", state="live").count)


async def test_an_end_in_good_order_loses_nothing_that_was_held_back(settings, simulator):
    async with gateway(settings, simulator) as running:
        conversation = await begin(running)
        simulator.world.faults.add({"where": "socket", "kind": "lost", "contains": "último"})
        simulator.world.say_as_guest(conversation, "último", language="ES")
        await running.until(lambda: transcripts(frames__gte=1).exists())

        running.supervisor.stop()
        await running.task

        assert await running.ask(Message.objects.count) == 2
        assert not await running.ask(transcripts().exclude(owner="").count)


async def test_a_conversations_id_stays_one_segment_of_the_address(settings, simulator):
    await asyncio.sleep(0)
    assert transcript_url("wss://h/{conversation_id}/t", "a/../b?c") == "wss://h/a%2F..%2Fb%3Fc/t"
