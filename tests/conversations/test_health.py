"""Alive and ready; the reasons are for observers only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from conversations import health
from conversations.models import StreamState

pytestmark = pytest.mark.django_db

LOCAL = RequestFactory(REMOTE_ADDR="127.0.0.1")
REMOTE = RequestFactory(REMOTE_ADDR="192.0.2.7")


def stream(**fields) -> StreamState:
    until = timezone.now() + timedelta(seconds=30)
    values = {"kind": "messaging", "state": "live", "owner": "host-1", "lease_until": until}
    return StreamState.objects.create(**(values | fields))


def body(answer) -> str:
    return answer.content.decode()


def test_a_process_that_answers_is_alive_for_everybody():
    answer = health.healthz(REMOTE.get("/healthz"))

    assert (answer.status_code, body(answer)) == (200, "ok\n")


def test_ready_with_database_broker_and_a_live_stream():
    stream()

    answer = health.readyz(LOCAL.get("/readyz"))

    assert (answer.status_code, body(answer)) == (200, "ready\n")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (None, "no gateway has run"),
        ({"state": "waiting", "reason": "closed 1006"}, "is waiting, closed 1006"),
        ({"lease_until": None}, "held by no gateway"),
        ({"lease_until": timezone.now() - timedelta(seconds=1)}, "held by no gateway"),
    ],
)
def test_not_ready_without_a_live_stream_and_says_why(fields: dict | None, words: str):
    if fields is not None:
        stream(**fields)

    answer = health.readyz(LOCAL.get("/readyz"))

    assert answer.status_code == 503
    assert words in body(answer)


def test_not_ready_when_redis_does_not_answer(settings):
    stream()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = health.readyz(LOCAL.get("/readyz"))

    assert answer.status_code == 503
    assert "broker: not reachable" in body(answer)
    assert "127.0.0.1:1" not in body(answer)


@pytest.mark.parametrize(
    "request_of_others",
    [
        REMOTE.get("/readyz"),
        LOCAL.get("/readyz", headers={"x-forwarded-for": "192.0.2.7"}),
        LOCAL.get("/readyz", headers={"forwarded": "for=192.0.2.7"}),
        RequestFactory(REMOTE_ADDR="").get("/readyz"),
    ],
    ids=["remote", "by a proxy", "by a proxy, standard header", "unknown"],
)
def test_others_learn_no_reason(request_of_others):
    answer = health.readyz(request_of_others)

    assert (answer.status_code, body(answer)) == (503, "not ready\n")


def test_whoever_has_the_token_learns_the_reason(settings):
    settings.METRICS_TOKEN = "t" * 32

    answer = health.readyz(REMOTE.get("/readyz", headers={"authorization": "Bearer " + "t" * 32}))

    assert (answer.status_code, "no gateway has run" in body(answer)) == (503, True)


def test_no_view_takes_anything_but_a_read():
    assert health.readyz(LOCAL.post("/readyz")).status_code == 405
