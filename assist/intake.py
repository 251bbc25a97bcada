"""Between the streams of a gateway and the database: group commit, bells, answers, quarantine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from assist.knowledge.desk import Desk
from assist.knowledge.http import HttpKnowledge
from assist.services.ending import end_call
from assist.services.knowledge import Answered, record_answers
from assist.services.quarantine import Quarantined, keep_frames
from assist.services.recording import Batch, Stored, record_batches
from conversations.conf import genesys_config
from conversations.crossing import Crossing
from conversations.live import doorbell
from conversations.net.faultpoints import point
from conversations.net.http import HttpClient
from conversations.tokens import DatabaseTokens

logger = logging.getLogger(__name__)

Item = Batch | Answered | Quarantined


class Intake:
    """Shared by the streams of one gateway; made on its event loop."""

    def __init__(self) -> None:
        self._crossing: Crossing[Item] = Crossing(self._record, name="assist")
        self._http = HttpClient()
        self.tokens = DatabaseTokens(genesys_config(), self._http, self._crossing.call)
        self.desk = self._desk()

    @staticmethod
    def _desk() -> Desk | None:
        if not settings.KNOWLEDGE_API_URL:
            return None
        service = HttpKnowledge(url=settings.KNOWLEDGE_API_URL, key=settings.KNOWLEDGE_API_KEY)
        return Desk(service)

    def store(self, batch: Batch) -> asyncio.Future[Stored]:
        """The future ends once it is durable."""
        return self._crossing.submit(batch)

    def answer(self, answered: Answered) -> None:
        self._crossing.submit(answered).add_done_callback(_tell_if_lost)

    def keep(self, frame: Quarantined) -> None:
        self._crossing.submit(frame).add_done_callback(_tell_if_lost)

    async def end_call(self, interaction_id: str) -> None:
        doorbell.ring(await self._crossing.call(end_call, interaction_id))

    async def close(self) -> None:
        if self.desk is not None:
            await self.desk.close()
        await self._crossing.close()
        await self._http.aclose()

    def _record(self, items: Sequence[Item]) -> Sequence[Any]:
        """On the database thread. Chunks, answers and frames are a transaction each, in order."""
        point("K1")  # heard, nothing stored
        results: dict[int, Any] = {}
        moved: list[tuple[int, int]] = []
        batches = [(place, item) for place, item in enumerate(items) if isinstance(item, Batch)]
        if batches:
            recorded = record_batches([batch for _, batch in batches])
            moved += recorded.moved
            results |= {
                place: stored for (place, _), stored in zip(batches, recorded.results, strict=True)
            }
        answers = [item for item in items if isinstance(item, Answered)]
        if answers:
            moved += record_answers(answers)
        frames = [item for item in items if isinstance(item, Quarantined)]
        if frames:
            keep_frames(frames)
        point("K2")  # stored, nobody told
        doorbell.ring(moved)
        return [results.get(place) for place in range(len(items))]


def _tell_if_lost(done: asyncio.Future[Any]) -> None:
    if not done.cancelled() and done.exception() is not None:
        logger.error("an answer or a frame could not be kept")
