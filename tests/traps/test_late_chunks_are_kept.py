"""TRAP: dropping what comes late loses transcript. It is stored, marked and counted (protocol §4);
only the agent's screen does without its text.
"""

from __future__ import annotations

import pytest

from assist.models import Chunk, HourlyMetrics
from assist.snapshots import snapshot
from tests.assist.calls import CALL, calls, count, texts

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_late_chunk_is_stored_marked_and_not_shown(settings, simulator) -> None:
    settings.LATENCY_THRESHOLD_MS = 10_000
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()

        gateway.say("prompt")
        gateway.say("overdue", latency_ms=30_000)
        await gateway.until(lambda: count() == 2)

        assert sorted(await gateway.ask(texts)) == ["overdue", "prompt"]
        late = await gateway.ask(lambda: Chunk.objects.get(is_late=True))
        assert late.latency_ms >= 30_000
        hours = HourlyMetrics.objects.values_list("late", flat=True)
        assert sum(await gateway.ask(lambda: list(hours))) == 1
        page = await gateway.ask(lambda: snapshot(late.conversation_id))
        assert {row["text"] for row in page["rows"]} == {"prompt", None}
