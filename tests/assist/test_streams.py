"""A call from the platform's socket to the database: real gateway and rows, simulated platform."""

from __future__ import annotations

import asyncio
import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async
from django.db import DataError, OperationalError
from django.utils import timezone

from assist import conf, streams
from assist.intake import Intake
from assist.knowledge import desk
from assist.models import Chunk, HourlyMetrics, KnowledgeFailure, Suggestion
from assist.models.watch import want
from assist.streams import QUARANTINED_AT_MOST, TranscriptionStream, TranscriptionStreams
from conversations import crossing
from conversations.gateway.leases import NO_ROOM
from conversations.genesys.events import TranscriptionReceived
from conversations.genesys.protocols.transcription import TranscriptionProtocol
from conversations.models import (
    Conversation,
    DeadLetterBody,
    JournalEntry,
    Message,
    MessageText,
    StreamState,
)
from conversations.services.verification import verify_journal
from tests.assist.calls import CALL, calls, count, texts
from tests.assist.escapes import malformed_frame

pytestmark = pytest.mark.django_db(transaction=True)

_CARD = "4111 1111 1111 1111"


async def test_what_is_said_is_stored_redacted_and_journaled(settings, simulator) -> None:
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()

        gateway.say("good morning")
        gateway.say(f"my card is {_CARD} thanks")
        await gateway.until(lambda: count() == 2)

        assert await gateway.ask(texts) == ["good morning", "my card is [CARD] thanks"]
        conversation = await gateway.ask(lambda: Conversation.objects.get(external_id=CALL))
        assert conversation.channel == Conversation.Channel.VOICE
        report = await gateway.ask(verify_journal)
        assert report.holds
        assert (report.entries, report.texts) == (2, 2)


async def test_the_stream_is_live_only_once_the_platform_has_accepted(settings, simulator) -> None:
    simulator.world.faults.add({"where": "subscribe", "kind": "error", "message": "403 scope"})
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until(lambda: StreamState.objects.filter(state="refused").exists())

        row = await gateway.ask(lambda: StreamState.objects.get(key=CALL))
        assert "likely a missing scope (analytics:conversation:read)" in row.reason


async def test_the_tail_is_stored_when_the_platform_hangs_up(settings, simulator) -> None:
    """TRAP: a buffer that flushes only at 5 loses the tail; digits that wait are no exception."""
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()

        gateway.say("one last word")
        gateway.say("my number is 12")
        simulator.calls.hang_up(CALL)
        await gateway.until(lambda: Conversation.objects.filter(state="closed").exists())

        assert await gateway.ask(texts) == ["one last word", "my number is 12"]


async def test_a_gateway_that_stops_stores_what_it_has_heard(settings, simulator) -> None:
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()
        gateway.say("platform 9")
        await asyncio.sleep(0.05)  # heard, and held back for its digits

        await gateway.stop()

        assert await gateway.ask(texts) == ["platform 9"]


async def test_a_number_completed_too_late_is_taken_out_of_what_is_stored(
    settings, simulator
) -> None:
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()
        gateway.say("card 4111 1111 11")
        await gateway.until(lambda: count() == 1)

        gateway.say("11 1111 is it")
        await gateway.until(
            lambda: JournalEntry.objects.filter(kind=JournalEntry.Kind.REDACTED).exists()
        )

        assert await gateway.ask(texts) == ["card [CARD]", "[CARD] is it"]
        report = await gateway.ask(verify_journal)
        assert report.holds


async def test_repeated_and_left_out_chunks_are_counted_and_not_stored(settings, simulator) -> None:
    moment = datetime.now(UTC) - timedelta(milliseconds=50)
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()

        gateway.say("once", media_at=moment)
        gateway.say("once", media_at=moment)
        gateway.say("opus", media_type="audio/opus")
        gateway.say("grow", final=False)
        gateway.say("ahead", latency_ms=-5000)
        await gateway.until(
            lambda: HourlyMetrics.objects.filter(dropped_codec=1, ahead=1, finals=2).exists()
        )

        assert sorted(await gateway.ask(texts)) == ["ahead", "once"]
        hour = await gateway.ask(HourlyMetrics.objects.get)
        assert (hour.repeated, hour.chunks) == (1, 4)
        ahead = await gateway.ask(lambda: Chunk.objects.get(is_ahead=True))
        assert (ahead.latency_ms, ahead.is_late) == (0, False)


async def test_a_dropped_socket_comes_back_and_stores_nothing_twice(settings, simulator) -> None:
    moment = datetime.now(UTC)
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()
        gateway.say("before", media_at=moment)
        await gateway.until(lambda: count() == 1)

        simulator.calls.hang_up(CALL, code=1006)
        await gateway.until(lambda: not simulator.calls.interactions()[CALL])
        await gateway.until_open()
        gateway.say("before", media_at=moment)
        gateway.say("after")
        await gateway.until(
            lambda: HourlyMetrics.objects.filter(repeated=1, reconnects=1).exists() and count() == 2
        )

        assert await gateway.ask(texts) == ["before", "after"]


async def test_one_call_too_many_waits_and_says_so_over_two_gateways(settings, simulator) -> None:
    settings.MAX_CONCURRENT_STREAMS = 2
    names = [f"call-quiet-{number}" for number in range(3)]
    async with calls(settings, simulator, *names) as gateway:
        gateway.start(owner="one")
        gateway.start(owner="two")
        await gateway.until(
            lambda: StreamState.objects.filter(reason=NO_ROOM).count() == 1, within_s=25
        )

        assert sum(simulator.calls.interactions().values()) == 2
        held = StreamState.objects.filter(lease_until__gt=timezone.now())
        assert await gateway.ask(held.count) == 2


async def test_malformed_frames_stop_nothing_and_are_kept_redacted(settings, simulator) -> None:
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()

        for frame in (
            '{"type":"transcription"',
            f'{{"text": "{_CARD}"',
            "[]",
            '{"type": 7}',
            '{"type":"transcription","interactionId":"other","text":"x","final":true}',
            '{"a":"\\u0034111 1111 1111 1111"}}',
        ):
            simulator.calls.send_raw(CALL, frame)
        gateway.say("still here")
        await gateway.until(lambda: count() == 1 and DeadLetterBody.objects.count() == 6)

        bodies = await gateway.ask(
            lambda: [bytes(row.body).decode() for row in DeadLetterBody.objects.order_by("pk")]
        )
        assert bodies[1] == '{"text": "[CARD]"'
        assert bodies[5] == '{"a":"[CARD]"}}'


async def test_knowledge_comes_beside_and_its_failures_are_audited(settings, simulator) -> None:
    async with calls(settings, simulator, CALL) as gateway:
        settings.KNOWLEDGE_API_URL = f"{simulator.base_url}/knowledge/query"
        gateway.start()
        await gateway.until_open()

        gateway.say("can I get a refund")
        await gateway.until(Suggestion.objects.exists)
        simulator.world.faults.add({"where": "knowledge", "kind": "503"})
        gateway.say("and bring the dog")
        await gateway.until(KnowledgeFailure.objects.exists)

        found = await gateway.ask(lambda: Suggestion.objects.order_by("place").first())
        assert found.title.startswith("Refunds")
        failure = await gateway.ask(KnowledgeFailure.objects.get)
        assert "503" in failure.error
        kinds = await gateway.ask(lambda: set(JournalEntry.objects.values_list("kind", flat=True)))
        assert {"suggested", "knowledge_failed"} <= kinds


async def test_a_slow_knowledge_service_holds_up_no_chunk(settings, simulator, monkeypatch) -> None:
    monkeypatch.setattr(desk, "LATE_MS", 300)
    simulator.world.faults.add({"where": "knowledge", "kind": "slow", "ms": 1000, "times": 9})
    async with calls(settings, simulator, CALL) as gateway:
        settings.KNOWLEDGE_API_URL = f"{simulator.base_url}/knowledge/query"
        gateway.start()
        await gateway.until_open()

        gateway.say("can I get a refund")
        gateway.say("that is all for today")
        await gateway.until(lambda: count() == 2)
        answered_by_then = await gateway.ask(Suggestion.objects.exists)
        await gateway.until(Suggestion.objects.exists)

        assert not answered_by_then
        found = await gateway.ask(Suggestion.objects.first)
        assert found.is_late
        hour = await gateway.ask(HourlyMetrics.objects.get)
        assert hour.knowledge_late >= 1


async def test_a_broken_knowledge_service_is_left_alone_and_the_call_goes_on(
    settings, simulator, monkeypatch
) -> None:
    monkeypatch.setattr(desk, "FAILURES", 2)
    monkeypatch.setattr(desk, "WORKERS", 1)
    simulator.world.faults.add({"where": "knowledge", "kind": "503", "times": 100})
    async with calls(settings, simulator, CALL) as gateway:
        settings.KNOWLEDGE_API_URL = f"{simulator.base_url}/knowledge/query"
        gateway.start()
        await gateway.until_open()

        for word in ("one", "two", "three", "four", "five"):
            gateway.say(f"what about the {word} of them")
        await gateway.until(lambda: HourlyMetrics.objects.filter(knowledge_dropped=3).exists())

        assert await gateway.ask(count) == 5
        errors = await gateway.ask(
            lambda: list(KnowledgeFailure.objects.order_by("pk").values_list("error", flat=True))
        )
        assert len(errors) == 2
        assert "not asked for 15 s" in errors[-1]


async def test_a_hundred_thousand_malformed_frames_stop_nothing(settings) -> None:
    """Without a socket; over one, with real processes: `test_no_card_escapes`."""
    settings.GENESYS_TRANSCRIPTION_SOCKET_URL = "ws://127.0.0.1:1/"
    rng = random.Random(3)
    frames = [malformed_frame(rng) for _ in range(2_000)]
    kinds = TranscriptionStreams()
    stream = kinds.stream(CALL)
    protocol = TranscriptionProtocol(conf.subscription(CALL))
    try:
        for number in range(100_000):
            await stream._on_event(protocol.frame_received(frames[number % len(frames)]))
        progress = stream.progress()
    finally:
        await kinds.close()

    assert (progress.frames, progress.malformed + progress.ignored) == (100_000, 100_000)
    assert await database_sync_to_async(DeadLetterBody.objects.count)() == QUARANTINED_AT_MOST
    assert await database_sync_to_async(count)() == 0


async def test_an_ended_call_is_wanted_no_more(settings, simulator) -> None:
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()
        simulator.calls.hang_up(CALL)
        await gateway.until(lambda: Conversation.objects.filter(state="closed").exists())

        await gateway.ask(lambda: want(CALL, now=timezone.now()))
        await asyncio.sleep(1.5)

        assert simulator.calls.interactions()[CALL] == 0


async def test_a_chunk_is_nobodys_message_and_awaits_no_translation(settings, simulator) -> None:
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()
        gateway.say("hola, buenos días")
        await gateway.until(lambda: count() == 1)

        message = await gateway.ask(Message.objects.get)
        assert (message.origin, message.translation_state) == ("system", "")
        assert await gateway.ask(MessageText.objects.count) == 1


def hear(stream: TranscriptionStream, text: str, *, at_s: float) -> None:
    """A final chunk at a second of the stream's own clock, handed on at once."""
    moment = datetime(2024, 6, 15, 10, 30, tzinfo=UTC) + timedelta(seconds=at_s)
    event = TranscriptionReceived(CALL, moment, text, 0.9, True)
    batches = stream._call.final(event, received_at=moment, now=at_s, active=1)
    stream._hand_on([*batches, *stream._call.flush(at_s)])


async def test_what_comes_while_the_database_is_away_is_stored_in_its_order(monkeypatch) -> None:
    """And what a chunk completes is taken out of the one before, which was not stored yet."""
    monkeypatch.setattr(crossing, "_RETRY_S", (0.01,) * 4)
    monkeypatch.setattr(streams, "STORE_AGAIN_S", 0.05)
    both_heard = threading.Event()
    record = Intake._record
    failures = iter(range(5))  # one round: then it waits in the stream

    def away_for_a_round(intake, items):
        both_heard.wait(20)
        if next(failures, None) is not None:
            raise OperationalError("away")
        return record(intake, items)

    monkeypatch.setattr(Intake, "_record", away_for_a_round)
    kinds = TranscriptionStreams()
    stream = kinds.stream(CALL)
    try:
        hear(stream, "card 4111 1111 11", at_s=0)
        await asyncio.sleep(0)  # its round begins
        hear(stream, "11 1111 is it", at_s=5)
        both_heard.set()
        await stream._all_stored()
    finally:
        both_heard.set()
        await kinds.close()

    assert await database_sync_to_async(texts)() == ["card [CARD]", "[CARD] is it"]
    hour = await database_sync_to_async(HourlyMetrics.objects.get)()
    assert (hour.finals, hour.repeated) == (2, 0)
    report = await database_sync_to_async(verify_journal)()
    assert report.holds


async def test_a_chunk_that_cannot_be_stored_takes_no_other_with_it(monkeypatch, caplog) -> None:
    all_heard = threading.Event()
    record = Intake._record

    def refusing(intake, items):
        all_heard.wait(20)
        if any(heard.redacted.text == "bad" for item in items for heard in item.chunks):
            raise DataError("refused")
        return record(intake, items)

    monkeypatch.setattr(Intake, "_record", refusing)
    kinds = TranscriptionStreams()
    stream = kinds.stream(CALL)
    try:
        for second, text in enumerate(["first", "second", "bad", "third", "fourth"]):
            hear(stream, text, at_s=second)
            await asyncio.sleep(0)
        all_heard.set()
        await stream._all_stored()
    finally:
        all_heard.set()
        await kinds.close()

    assert await database_sync_to_async(texts)() == ["first", "second", "third", "fourth"]
    assert "1 chunks could not be stored" in caplog.text
