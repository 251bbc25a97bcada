"""What is counted: the rows of the whole system, and what this process alone knows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.http import Http404
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations import metrics
from conversations.gateway.inbox import Inbox
from conversations.models import Conversation, Delivery, StreamState
from conversations.services.verification import verify_journal
from conversations.services.verification_runs import keep_verification
from tests.conversations import histories
from tests.conversations.services.decided import failed_translation, frame, under_review
from translation.provider_state import Seen, report

pytestmark = pytest.mark.django_db
LOCAL = RequestFactory(REMOTE_ADDR="127.0.0.1")
REMOTE = RequestFactory(REMOTE_ADDR="192.0.2.7")


def scrape() -> dict[str, float]:
    text = metrics.metrics(LOCAL.get("/metrics")).content.decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def stream(**fields) -> StreamState:
    now = timezone.now()
    values = {"kind": "messaging", "state": "live", "lease_until": now + timedelta(seconds=30)}
    return StreamState.objects.create(**(values | fields))


def test_others_learn_no_figure():
    with pytest.raises(Http404):
        metrics.metrics(REMOTE.get("/metrics"))


def test_the_token_is_enough(settings):
    settings.METRICS_TOKEN = "t" * 32
    request = REMOTE.get("/metrics", headers={"authorization": "Bearer " + "t" * 32})

    assert metrics.metrics(request).status_code == 200


def test_queues_have_a_depth_and_an_oldest_row():
    histories.said("Hola", conversation="conv-1")
    histories.translated(histories.said("Hola", conversation="conv-2"), "Hello")
    Delivery.objects.update(created_at=timezone.now() - timedelta(seconds=90))

    figures = scrape()

    assert figures['parley_queue_depth{what="translation"}'] == 1
    assert figures['parley_queue_depth{what="delivery"}'] == 1
    assert figures['parley_queue_depth{what="attributes"}'] == 0
    assert 90 <= figures['parley_oldest_waiting_seconds{what="delivery"}'] < 100
    assert 0 < figures['parley_oldest_waiting_seconds{what="translation"}'] < 10
    assert figures['parley_oldest_waiting_seconds{what="attributes"}'] == 0
    assert figures['parley_deliveries_open{state="sending"}'] == 1
    assert figures['parley_deliveries_open{state="queued"}'] == 0
    assert figures["parley_messages_estimated"] >= 2


def test_what_waits_for_a_person_is_counted():
    under_review()
    frame()
    failed_translation(conversation="conv-2")

    figures = scrape()

    assert figures['parley_queue_depth{what="review"}'] == 1
    assert figures['parley_deliveries_open{state="review"}'] == 1
    assert figures['parley_dead_letters_open{kind="frame"}'] == 1
    assert figures['parley_dead_letters_open{kind="translation"}'] == 1
    assert figures['parley_dead_letters_open{kind="attributes"}'] == 0


def test_what_stands_twice_is_counted():
    delivery = histories.translated(histories.said("Hola"), "Hello")
    Delivery.objects.filter(pk=delivery.pk).update(duplicates=1, confirmed_at=timezone.now())

    assert scrape()["parley_deliveries_duplicated"] == 1


def test_leases_are_counted_and_not_named():
    for name, owner in (("a", "worker-1"), ("b", "worker-1"), ("c", "worker-2"), ("d", "")):
        histories.said("Hola", conversation=name)
        until = timezone.now() + timedelta(seconds=10) if owner else None
        Conversation.objects.filter(external_id=name).update(lease_owner=owner, lease_until=until)

    figures = scrape()

    assert figures["parley_conversations_held"] == 3
    assert figures["parley_workers_busy"] == 2
    assert not any("worker-" in name for name in figures)


def test_a_stream_has_its_state_its_attempts_and_its_silence():
    stream(last_frame_at=timezone.now() - timedelta(seconds=40), frames=12, malformed=2)
    stream(key="b", state="waiting", lease_until=None, attempts=7)

    figures = scrape()

    assert figures['parley_streams_live{kind="messaging"}'] == 1
    assert figures['parley_streams{kind="messaging",state="live"}'] == 1
    assert figures['parley_streams{kind="messaging",state="waiting"}'] == 1
    assert figures['parley_streams{kind="messaging",state="refused"}'] == 0
    assert figures['parley_stream_attempts{kind="messaging"}'] == 7
    assert 40 <= figures['parley_stream_silent_seconds{kind="messaging"}'] < 50
    assert figures['parley_stream_frames_total{kind="messaging",outcome="malformed"}'] == 2


def test_a_live_stream_that_nobody_holds_is_not_live():
    stream(lease_until=timezone.now() - timedelta(seconds=1))

    assert scrape()['parley_streams_live{kind="messaging"}'] == 0


def test_a_provider_is_in_one_of_its_states():
    report("deepl", Seen("half_open", "status 503"))

    figures = scrape()

    assert figures['parley_provider_state{provider="deepl",state="half_open"}'] == 1
    assert figures['parley_provider_state{provider="deepl",state="ok"}'] == 0


def test_the_last_verification_is_told():
    assert "parley_journal_holds" not in scrape()

    keep_verification(verify_journal(), started_at=timezone.now())

    assert scrape()["parley_journal_holds"] == 1
    assert scrape()["parley_journal_verified_seconds"] < 10


def test_this_process_counts_its_bells_its_frames_and_itself():
    Inbox(stream="test").counts.frames += 3

    figures = scrape()

    assert figures['parley_inbox_frames_total{outcome="received",stream="test"}'] == 3
    assert figures['parley_doorbell_total{outcome="dropped"}'] >= 0
    assert figures["process_resident_memory_bytes"] > 0


def test_no_figure_names_a_conversation_or_a_person():
    histories.conversation("conv-1", messages=1)
    under_review(conversation="conv-2")

    for name in scrape():
        assert "conv-" not in name
        assert "Maria" not in name


def test_without_the_database_it_says_that_and_goes_on():
    def away(*args, **kwargs):
        raise DatabaseError

    with connection.execute_wrapper(away):
        figures = scrape()

    assert figures["parley_database_up"] == 0
    assert figures["process_resident_memory_bytes"] > 0
    assert not any("queue" in name for name in figures)


def test_a_scrape_costs_the_same_queries_however_much_there_is():
    scrape()
    with CaptureQueriesContext(connection) as few:
        scrape()
    for number in range(5):
        under_review(conversation=f"conv-{number}")
    with CaptureQueriesContext(connection) as many:
        scrape()

    assert len(few) == len(many)
    assert scrape()["parley_database_up"] == 1
