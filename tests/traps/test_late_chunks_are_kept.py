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
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()

        gateway.say("prompt")
        gateway.say("overdue", latency_ms=3000)
        await gateway.until(lambda: count() == 2)

        assert sorted(await gateway.ask(texts)) == ["overdue", "prompt"]
        late = await gateway.ask(lambda: Chunk.objects.get(is_late=True))
        assert late.latency_ms >= 3000
        hour = await gateway.ask(HourlyMetrics.objects.get)
        assert hour.late == 1
        page = await gateway.ask(lambda: snapshot(late.conversation_id))
        assert {row["text"] for row in page["rows"]} == {"prompt", None}
