"""A provider that answers as its script says, and a clock that stands still until told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from translation.providers.base import Provider, Translated

Script = Callable[[list[str]], list[Translated]]


class FakeClock:
    def __init__(self) -> None:
        self.at = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.at)

    async def sleep(self, delay_s: float) -> None:
        done = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.at + delay_s, done))
        await done

    async def advance(self, seconds: float) -> None:
        """Wakes who is due, in order, letting each of them act at its own moment."""
        end = self.at + seconds
        await settle()
        while due := [entry for entry in self._sleepers if entry[0] <= end]:
            first = min(due, key=lambda entry: entry[0])
            self._sleepers.remove(first)
            self.at = max(self.at, first[0])
            if not first[1].done():
                first[1].set_result(None)
            await settle()
        self.at = end
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def shout(texts: list[str]) -> list[Translated]:
    return [Translated(text=text.upper(), language="ES") for text in texts]


class FakeProvider(Provider):
    """Answers with `shout`, unless the script has something else for this request."""

    name = "fake"

    def __init__(self, *script: Script | Exception) -> None:
        self.script = list(script)
        self.always: Script = shout
        self.requests: list[list[str]] = []
        self.asked: list[dict[str, Any]] = []
        self.in_flight = 0
        self.gate: asyncio.Event | None = None

    @classmethod
    def configured(cls, http: object, *, url: str | None, key: str) -> Self:
        return cls()

    def hold(self) -> asyncio.Event:
        self.gate = asyncio.Event()
        return self.gate

    async def translate(
        self,
        texts: Sequence[str],
        *,
        target: str,
        source: str | None = None,
        context: str | None = None,
    ) -> list[Translated]:
        self.requests.append(list(texts))
        self.asked.append({"target": target, "source": source, "context": context})
        self.in_flight += 1
        try:
            if self.gate is not None:
                await self.gate.wait()
            step = self.script.pop(0) if self.script else self.always
            if isinstance(step, Exception):
                raise step
            return step(list(texts))
        finally:
            self.in_flight -= 1
