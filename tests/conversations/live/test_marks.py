"""What is open on a page is marked for the gateways: one write for all, ending by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.live import marks
from conversations.models import Watch

pytestmark = pytest.mark.django_db


def test_all_processes_together_say_what_is_watched():
    marks.write("web-1", [1, 2])
    marks.write("web-2", [2, 3])

    assert marks.watched(timezone.now()) == {1, 2, 3}


def test_a_mark_ends_by_itself():
    marks.write("web-1", [1])

    later = timezone.now() + timedelta(seconds=marks.LASTS_S + 1)

    assert marks.watched(later) == set()


def test_a_mark_is_one_write_however_many_pages_are_open():
    marks.write("web-1", [1])

    with CaptureQueriesContext(
        connection,
    ) as queries:
        marks.write("web-1", list(range(500)))

    assert len(queries) == 1
    assert len(marks.watched(timezone.now())) == 500


def test_marks_of_processes_long_gone_are_removed():
    marks.write("web-1", [1])
    Watch.objects.update(until=timezone.now() - timedelta(hours=2))

    marks.write("web-2", [2])

    assert list(Watch.objects.values_list("process", flat=True)) == ["web-2"]


@pytest.mark.django_db(transaction=True)
async def test_it_is_written_on_a_change_and_otherwise_now_and_then(monkeypatch):
    now, written, watched = 0.0, [], {1}
    monkeypatch.setattr(marks, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now)}))
    monkeypatch.setattr(marks, "write", lambda process, keys: written.append((now, keys)))
    of_this_process = marks.Marks(lambda: watched)

    for now in range(8):
        if now == 3:
            watched.add(2)
        await of_this_process.mark()

    assert written == [(0, [1]), (3, [1, 2])]
    now = 3 + marks.AGAIN_S
    await of_this_process.mark()
    assert written[-1] == (now, [1, 2])


async def test_nothing_is_written_where_every_conversation_is_followed(settings, monkeypatch):
    settings.TRANSCRIPT_STREAMS = "all"
    monkeypatch.setattr(marks, "write", lambda *_: pytest.fail("written"))

    await marks.Marks(lambda: {1}).mark()
