"""What every knowledge service can do: one method. Cache, limits and breaker stand around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Article:
    title: str
    snippet: str = ""
    url: str = ""
    score: float | None = None


class KnowledgeFailed(Exception):
    """Says why, without the query and without a secret."""


class KnowledgeService(Protocol):
    async def look_up(
        self, query: str, *, interaction_id: str, confidence: float | None
    ) -> Sequence[Article]:
        """Best first. Raises KnowledgeFailed."""
        ...

    async def aclose(self) -> None: ...
