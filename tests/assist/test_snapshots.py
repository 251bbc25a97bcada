"""What the assist page is told of a call's stream."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assist.snapshots import events_past, stream_of
from conversations.models import Conversation, StreamState
from tests.assist.histories import say

pytestmark = pytest.mark.django_db


def a_stream(*, held: bool = True, silent_s: float = 1.0, **fields) -> None:
    now = timezone.now()
    StreamState.objects.create(
        kind=StreamState.Kind.TRANSCRIPTION,
        key="call-1",
        lease_until=now + timedelta(seconds=5 if held else -5),
        last_frame_at=now - timedelta(seconds=silent_s),
        **{"state": "live"} | fields,
    )


def test_a_call_that_nobody_has_taken_waits() -> None:
    assert stream_of("call-1") == {"state": "waiting", "reason": "no gateway has taken it yet"}


def test_a_held_call_is_what_its_gateway_says() -> None:
    a_stream(state="refused", reason="likely a missing scope")

    assert stream_of("call-1") == {"state": "refused", "reason": "likely a missing scope"}


def test_a_call_whose_gateway_is_gone_is_not_live() -> None:
    a_stream(held=False)

    assert stream_of("call-1")["state"] == "waiting"


def test_a_call_that_says_nothing_for_six_minutes_is_said_to_be_silent() -> None:
    """Reliability J2: its end was perhaps not heard."""
    a_stream(silent_s=361)

    assert stream_of("call-1") == {"state": "live", "reason": "silent for more than 6 minutes"}


def test_what_has_changed_is_read_at_once_however_many_calls(django_assert_num_queries) -> None:
    for number in range(12):
        say(f"call-{number}", "one")
        say(f"call-{number}", "two")
    cursors = dict(Conversation.objects.values_list("pk", "seq"))
    for number in range(12):
        say(f"call-{number}", "three")

    with django_assert_num_queries(6):
        found = events_past({pk: seq - 1 for pk, seq in cursors.items()})

    assert len(found) == 12
    assert {len(changes.events) for changes in found.values()} == {3}  # two lines and the figures
