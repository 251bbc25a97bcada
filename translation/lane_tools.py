"""What all lanes of a worker share, and how work is put back for later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from conversations.crossing import Crossing
from conversations.genesys.exceptions import GenesysError, ScopeMissing
from conversations.genesys.rest import GenesysRest
from conversations.services.unit import Change
from translation.attribute_pauses import AttributePauses
from translation.batching import BatchResult
from translation.loops import LoopGuard, LoopGuards

logger = logging.getLogger(__name__)

AGAIN_S = 5.0  # when a provider or the platform would not have it now
LONG_S = 30.0


class Translator(Protocol):
    async def translate(
        self, text: str, *, source: str | None = None, target: str | None = None
    ) -> BatchResult: ...


@dataclass(frozen=True, slots=True)
class LaneTools:
    owner: str
    crossing: Crossing[Change]
    rest: GenesysRest
    translator: Translator
    target_language: str
    head_wait_s: float
    reconcile_window_s: float
    policy: str  # no-duplicate, prefer-delivery or manual
    deliveries_per_minute: int  # of one conversation; more look like a loop
    monotonic: Callable[[], float]
    attribute_pauses: AttributePauses = field(default_factory=AttributePauses)
    loop_guards: LoopGuards = field(default_factory=LoopGuards)
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)  # of what may kill this worker

    def loop_guard(self, conversation_id: int) -> LoopGuard:
        return self.loop_guards.of(
            conversation_id, self.deliveries_per_minute, monotonic=self.monotonic
        )


class PutBack(Exception):
    """The work cannot go on now; it stays in its rows and is claimed again later."""

    def __init__(self, reason: str, *, seconds: float = AGAIN_S) -> None:
        super().__init__(reason)
        self.seconds = seconds


class ProviderAway(PutBack):
    """A translation cannot be made now; what needs none may go on."""


class AttributesLater(PutBack):
    """Nothing but attributes is left, and they cannot be written now."""


def put_back(error: GenesysError) -> PutBack:
    """A missing scope does not come back in seconds: ask rarely, and say it (protocol OAuth)."""
    if isinstance(error, ScopeMissing):
        logger.error("%s", error)
        return PutBack(str(error), seconds=LONG_S)
    return PutBack(str(error))
