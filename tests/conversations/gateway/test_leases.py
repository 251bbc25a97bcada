"""Two gateways share a stream: one holds it, the other stands by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.gateway import leases
from conversations.gateway.leases import Progress
from conversations.models import StreamState
from conversations.services.org_socket import is_read_up_to, nothing_was_missed
from tests.dead_process import dead_process

pytestmark = pytest.mark.django_db
ORG = ("messaging", "org")
KIND, KEY = ORG


def progress(**more: Any) -> Progress:
    values: dict[str, Any] = {
        "state": "live",
        "attempts": 0,
        "reason": "",
        "frames": 3,
        "malformed": 1,
        "ignored": 2,
        "last_frame_at": None,
        "backfilled_at": None,
    }
    return Progress(**(values | more))


def take(owner: str) -> bool:
    return leases.take(KIND, [KEY], owner=owner).keys == [KEY]


def renew(owner: str, seen: Progress) -> bool:
    return leases.renew(KIND, {KEY: seen}, owner=owner) == {KEY}


def run_out() -> None:
    StreamState.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))


def test_one_takes_it_and_the_other_does_not():
    assert take("one")
    assert not take("two")


def test_the_other_takes_it_when_it_has_run_out_and_the_first_notices():
    take("one")
    run_out()

    assert take("two")

    assert not renew("one", progress())
    assert renew("two", progress())
    assert StreamState.objects.get().epoch == 2


def test_nobody_waits_for_the_lease_of_a_gateway_that_is_certainly_dead():
    take(dead_process())

    assert take("two")
    assert StreamState.objects.get().epoch == 2


def test_what_the_last_holder_said_of_its_connection_does_not_hold_after_a_takeover():
    now = timezone.now()
    owner, long_ago = dead_process(), now - timedelta(minutes=10)
    assert take(owner)
    assert renew(owner, progress(connected_at=long_ago, backfilled_at=long_ago))
    assert nothing_was_missed(long_ago, now)
    assert is_read_up_to(now)

    assert take("two")

    assert not nothing_was_missed(long_ago, now)
    assert not is_read_up_to(now)


def test_an_owner_may_come_back_after_a_restart_under_the_same_name():
    take("one")

    assert take("one")


def test_a_renewal_adds_what_was_seen_since_the_last_one():
    take("one")
    moment = datetime.now(UTC)

    renew("one", progress(last_frame_at=moment))
    renew("one", progress(reason="x" * 300))

    row = StreamState.objects.get()
    assert (row.frames, row.malformed, row.ignored) == (6, 2, 4)
    assert row.last_frame_at == moment
    assert (row.state, len(row.reason)) == ("live", 200)


def test_what_is_given_back_is_free_at_once():
    take("one")

    leases.give_back(KIND, [KEY], owner="one", reason="gateway stopped")

    assert StreamState.objects.get().state == "stopped"
    assert take("two")


def test_whoever_lost_it_cannot_give_it_back():
    take("two")

    leases.give_back(KIND, [KEY], owner="one", reason="gateway stopped")

    assert not take("three")


def test_a_gap_outlives_the_gateway_that_could_not_close_it():
    """The next one must not believe the live frames that came while the history was read."""
    moment = timezone.now()
    first = leases.open_gap(*ORG, stored_until=None, first=moment)
    StreamState.objects.update(last_frame_at=moment + timedelta(minutes=10))

    second = leases.open_gap(*ORG, stored_until=moment + timedelta(minutes=10), first=moment)

    assert first.since == second.since == moment - timedelta(seconds=60)


def test_a_closed_gap_is_not_read_again():
    moment = timezone.now()
    leases.close_gap(*ORG, leases.open_gap(*ORG, stored_until=None, first=moment))
    later = moment + timedelta(minutes=10)

    gap = leases.open_gap(*ORG, stored_until=later, first=moment)

    assert gap.since == later - timedelta(seconds=60)


def test_a_gap_that_was_read_beside_a_dead_connection_leaves_one_since_its_end():
    """What a history brought moves nothing: others were read before it, and nobody listened."""
    ended = timezone.now()
    gap = leases.open_gap(*ORG, stored_until=None, first=ended - timedelta(minutes=10))

    leases.close_gap(*ORG, gap, heard_until=ended)

    after = leases.open_gap(*ORG, stored_until=ended + timedelta(minutes=3), first=ended)
    assert after.since == ended - timedelta(seconds=60)


def test_whoever_lost_the_lease_closes_no_gap_of_his_successor():
    moment = timezone.now()
    assert take("one")
    mine = leases.open_gap(*ORG, stored_until=None, first=moment)
    run_out()
    assert take("two")
    leases.open_gap(*ORG, stored_until=None, first=moment)

    leases.close_gap(*ORG, mine)

    assert StreamState.objects.get().gap_since == mine.since
