"""The org stream stores what it hears, and after each opening what it could not hear."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from conversations.gateway import org_stream as org_stream_module
from conversations.gateway.org_stream import KEY, KIND
from conversations.genesys.rest import GenesysRest
from conversations.models import AccessToken, Conversation, DeadLetter, Message, StreamState
from conversations.services.tokens import forget_refusal
from conversations.services.verification import verify_journal
from tests.conversations.gateway.gateways import Gateway, gateway, org_stream
from tests.conversations.services.wire import event, record

pytestmark = pytest.mark.django_db(transaction=True)


def stored(*texts: str):
    def are_stored() -> bool:
        rows = Message.objects.in_order().filter(texts__role="original")
        return list(rows.values_list("texts__text", flat=True)) == list(texts)

    return are_stored


def say(running: Gateway, text: str, *, conversation: str = "conv-1") -> None:
    world = running.simulator.world
    world.say_as_guest(world.conversation(conversation), text)


async def test_what_is_said_is_stored_as_it_comes(settings, simulator):
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        for number in range(5):
            say(running, f"{number}")

        await running.until(stored(*"01234"))
        assert (await running.ask(verify_journal)).holds


async def test_what_was_said_before_the_first_opening_is_fetched(settings, simulator):
    world = simulator.world
    world.say_as_guest(world.conversation("conv-1"), "before")
    async with gateway(settings, simulator) as running:
        await running.until(stored("before"))

        message = await running.ask(Message.objects.get)
        assert message.backfilled


async def test_a_gap_that_a_dead_gateway_left_open_is_read_although_live_frames_came_since(
    settings, simulator
):
    world, now = simulator.world, datetime.now(UTC)
    place = world.conversation("conv-1")
    world.now = lambda: now - timedelta(minutes=20)
    world.say_as_guest(place, "in the gap")
    await asyncio.to_thread(_died_in_its_backfill, now)

    async with gateway(settings, simulator) as running:
        await running.until(stored("heard since", "in the gap"))
        await running.until(lambda: org_stream().gap_since is None)


def _died_in_its_backfill(now: datetime) -> None:
    """It had stored a live frame already, of a conversation with a gap before that."""
    record(event("heard since", sent_at=now))
    StreamState.objects.create(
        kind=KIND, key=KEY, last_frame_at=now, gap_since=now - timedelta(minutes=30)
    )
    connection.close()


async def test_without_the_call_a_conversation_that_was_quiet_before_the_gap_is_read(
    settings, simulator
):
    world, now = simulator.world, datetime.now(UTC)
    place = world.conversation("conv-1")
    world.say_as_guest(place, "in the gap")
    world.faults.add({"where": "active", "kind": "404"})
    await asyncio.to_thread(_was_quiet, now - timedelta(minutes=10), now)

    async with gateway(settings, simulator) as running:
        await running.until(stored("before it", "in the gap"))


def _was_quiet(since: datetime, now: datetime) -> None:
    record(event("before it", sent_at=since))
    Conversation.objects.update(last_event_at=since)
    StreamState.objects.create(kind=KIND, key=KEY, last_frame_at=now)
    connection.close()


def test_every_open_conversation_is_known_the_newest_first():
    now = datetime.now(UTC)
    ended = Conversation(external_id="ended", state="closed")
    call = Conversation(external_id="call", channel="voice")
    rows = [Conversation(external_id=f"c{number:04}") for number in range(1101)]
    for minutes, row in enumerate([ended, call, *rows]):
        row.created_at = row.last_event_at = now - timedelta(minutes=minutes)
    Conversation.objects.bulk_create([ended, call, *rows])

    names = org_stream_module._known_since(now + timedelta(minutes=1))

    assert names == [row.external_id for row in rows]
    assert org_stream_module._known([*names, "unknown"]) == set(names)


async def test_what_is_said_while_a_dead_connections_backfill_goes_on_stays_a_gap(
    settings, simulator, monkeypatch
):
    """Its history was read before; what others' histories bring must not hide it."""
    release, read = asyncio.Event(), asyncio.Event()
    honest = GenesysRest.conversation_messages

    async def slow(self, external_id: str, *, since: Any = None) -> Any:
        messages = await honest(self, external_id, since=since)
        read.set()
        await release.wait()
        return messages

    monkeypatch.setattr(GenesysRest, "conversation_messages", slow)
    simulator.world.say_as_guest(simulator.world.conversation("conv-1"), "before")
    async with gateway(settings, simulator) as running:
        async with asyncio.timeout(30):
            await read.wait()
        simulator.world.faults.add({"where": "handshake", "kind": "503", "tag": "down"})
        running.drop_sockets()
        await running.until(lambda: org_stream().state == "waiting")
        gap, waits_since = (await running.ask(org_stream)).gap_since, datetime.now(UTC)
        release.set()
        await running.until(stored("before"))

        await running.until(lambda: org_stream().gap_since != gap)
        after = (await running.ask(org_stream)).gap_since
        assert after is not None
        assert after <= waits_since - timedelta(seconds=60)


async def test_a_database_error_while_the_gap_is_read_ends_no_backfill(
    settings, simulator, monkeypatch
):
    known, failures = org_stream_module._known, [OperationalError("gone"), LookupError("no such")]

    def failing(names: list[str]) -> set[str]:
        if failures:
            raise failures.pop()
        return known(names)

    monkeypatch.setattr(org_stream_module, "_known", failing)
    world = simulator.world
    world.say_as_guest(world.conversation("conv-1"), "before")
    async with gateway(settings, simulator) as running:
        await running.until(stored("before"))
        await running.until(lambda: org_stream().gap_since is None)


async def test_a_frame_that_cannot_be_read_is_kept_and_the_next_one_is_stored(settings, simulator):
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        simulator.world.send_raw("{half a frame")
        simulator.world.send_raw(b"\xff\xfe")
        say(running, "whole")

        await running.until(stored("whole"))
        assert await running.ask(DeadLetter.objects.count) == 2


async def test_typing_and_unknown_events_are_counted_and_never_stored(settings, simulator):
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        world = simulator.world
        say(running, "Hola")
        world.type_(world.conversation("conv-1"), "guest", "active")
        world.send_raw('{"type": "news"}')

        await running.until(lambda: StreamState.objects.filter(ignored=1).exists())
        await running.until(Message.objects.exists)
        assert await running.ask(Message.objects.count) == 1


async def test_a_revoked_token_is_renewed_and_the_stream_comes_back(settings, simulator):
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        simulator.world.tokens.revoke_all()
        running.drop_sockets(1008)
        await running.until_connected()
        say(running, "again")

        await running.until(stored("again"))
        assert len(running.entries("token")) == 2


async def test_wrong_credentials_are_said_and_not_asked_again(settings, simulator):
    settings.GENESYS_CLIENT_SECRET = "wrong"
    async with gateway(settings, simulator) as running:
        await running.until(lambda: StreamState.objects.filter(state="refused").exists())

        row = await running.ask(org_stream)
        assert "GENESYS_CLIENT_SECRET" in row.reason
        assert len(running.entries("token")) == 1


def forget() -> None:
    assert forget_refusal(AccessToken.objects.get().pk)


def is_refused_again() -> bool:
    return AccessToken.objects.filter(refused_at__isnull=False).exists()


async def test_a_forgotten_refusal_is_asked_once_and_live_as_soon_as_the_platform_is_mended(
    settings, simulator
):
    settings.GENESYS_CLIENT_SECRET = "new-secret"
    async with gateway(settings, simulator) as running:
        await running.until(lambda: StreamState.objects.filter(state="refused").exists())
        await asyncio.sleep(2.5)  # it has looked, more than once
        assert len(running.entries("token")) == 1

        # In vain: it is asked once and remembered again.
        await running.ask(forget)
        await running.until(is_refused_again)
        await asyncio.sleep(2.5)
        assert len(running.entries("token")) == 2

        # The platform's side is mended: only now somebody says so again.
        world = simulator.world
        world.config = replace(world.config, client_secret="new-secret")
        await asyncio.sleep(1.5)
        assert len(running.entries("token")) == 2
        await running.ask(forget)
        await running.until_connected(within_s=20)  # the other way takes 300
        assert len(running.entries("token")) == 3


async def test_a_stream_that_is_refused_for_another_reason_waits_its_time(settings, simulator):
    async with gateway(settings, simulator) as running:
        settings.GENESYS_SCOPES = "webchat:send"  # webchat:read is what the socket needs
        await running.until(lambda: StreamState.objects.filter(state="refused").exists())
        asked = len(running.entries("token"))
        await asyncio.sleep(2.5)

        assert len(running.entries("token")) == asked


async def test_a_gateway_that_restarts_for_ever_asks_no_refused_credentials(settings, simulator):
    settings.GENESYS_CLIENT_SECRET = "wrong"
    for _ in range(4):
        async with gateway(settings, simulator) as running:
            await running.until(lambda: StreamState.objects.filter(state="refused").exists())
            assert len(running.entries("token")) == 1


async def test_the_state_is_written_down_for_whoever_looks(settings, simulator):
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        say(running, "Hola")

        await running.until(
            lambda: StreamState.objects.filter(
                state="live", last_frame_at__isnull=False, backfilled_at__isnull=False
            ).exists()
        )


async def test_an_end_in_good_order_gives_the_lease_back_and_loses_nothing(settings, simulator):
    async with gateway(settings, simulator) as running:
        await running.until_connected()
        say(running, "last words")
        await running.until(lambda: Conversation.objects.exists())
        running.supervisor.stop()
        await running.task

        row = await running.ask(org_stream)
        assert (row.state, row.owner, row.lease_until) == ("stopped", "", None)
        assert await running.ask(stored("last words"))


async def test_what_a_page_set_before_its_guest_spoke_is_known_once_they_do(settings, simulator):
    talk = simulator.world.open_conversation(id="conv-1")
    async with gateway(settings, simulator) as running:
        await running.until_connected()

        talk.context = {"preferredLanguage": "es"}
        simulator.world.set_context(talk)
        simulator.world.say_as_guest(talk, "12345")

        await running.until(
            lambda: Conversation.objects.filter(
                guest_language="es", language_basis="context"
            ).exists()
        )
