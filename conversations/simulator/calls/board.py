"""Who speaks on which call, and who hears it: frames go to the open sockets of an interaction.

A call plays its script on its own clock: what is said while no socket is open is not repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from conversations.simulator.calls.script import CallScript, Spoken, script_for

if TYPE_CHECKING:
    from conversations.simulator.world import World

QUIET = "quiet"  # an interaction with this in its id plays nothing by itself
SECONDS_A_WORD = 0.28
REST_S = 8.0
Send = Callable[[str], None]
End = Callable[[int, str], None]


@dataclass(eq=False, slots=True)
class Line:
    """An open socket of an interaction."""

    send: Send
    end: End


@dataclass(slots=True)
class OneCall:
    began_at: datetime
    lines: set[Line] = field(default_factory=set)
    playing: asyncio.Task[None] | None = None


class Calls:
    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: dict[str, OneCall] = {}

    @property
    def open_lines(self) -> int:
        return sum(len(call.lines) for call in self._calls.values())

    def interactions(self) -> dict[str, int]:
        return {name: len(call.lines) for name, call in self._calls.items()}

    def began_at(self, interaction: str) -> datetime | None:
        call = self._calls.get(interaction)
        return call.began_at if call is not None else None

    def join(self, interaction: str, line: Line) -> None:
        call = self._calls.setdefault(interaction, OneCall(self._world.now()))
        call.lines.add(line)
        is_idle = call.playing is None or call.playing.done()
        if self._world.config.play_calls and QUIET not in interaction and is_idle:
            work = self._play(interaction, script_for(interaction))
            call.playing = asyncio.get_running_loop().create_task(work, name=f"call-{interaction}")

    def leave(self, interaction: str, line: Line) -> None:
        call = self._calls.get(interaction)
        if call is not None:
            call.lines.discard(line)

    def say(
        self,
        interaction: str,
        text: str,
        *,
        final: bool = True,
        confidence: float | None = 0.93,
        latency_ms: float = 0.0,
        media_at: datetime | None = None,
        media_type: str | None = "audio/ulaw",
    ) -> dict[str, Any]:
        moment = media_at or self._world.now() - timedelta(milliseconds=latency_ms)
        frame: dict[str, Any] = {
            "type": "transcription",
            "interactionId": interaction,
            "mediaTimestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "text": text,
            "confidence": confidence,
            "final": final,
            "mediaType": media_type,
        }
        if media_type is None:
            del frame["mediaType"]
        self._emit(interaction, frame)
        return frame

    def send_raw(self, interaction: str, data: str) -> int:
        call = self._calls.get(interaction)
        for line in tuple(call.lines) if call else ():
            line.send(data)
        return len(call.lines) if call else 0

    def hang_up(self, interaction: str | None, *, code: int = 1000, reason: str = "") -> int:
        ended = 0
        for name, call in self._calls.items():
            if interaction is None or name == interaction:
                for line in tuple(call.lines):
                    line.end(code, reason)
                    ended += 1
        return ended

    async def stop(self) -> None:
        tasks = [call.playing for call in self._calls.values() if call.playing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.hang_up(None, code=1001, reason="stopping")

    def _emit(self, interaction: str, frame: dict[str, Any]) -> None:
        text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
        rule = self._world.faults.pick("call", conversation=interaction, text=frame["text"])
        kind = rule.kind if rule else ""
        sent = 0
        if kind == "malformed":
            self.send_raw(interaction, text[: len(text) // 2])
        if kind == "delay" and rule is not None:
            self._world.later(rule.number("ms", 500) / 1000, self._later(interaction, text))
        elif kind != "lost":
            sent = self.send_raw(interaction, text)
        if kind == "duplicate":
            self.send_raw(interaction, text)
        if kind == "error":
            self.send_raw(interaction, '{"type":"error","message":"Internal error"}')
        if kind in {"close", "drop"} and rule is not None:
            self.hang_up(
                interaction, code=1006 if kind == "drop" else int(rule.number("code", 1011))
            )
        self._world.ledger.add(
            "call", interactionId=interaction, final=frame["final"], sockets=sent, fault=kind
        )

    def _later(self, interaction: str, text: str) -> Callable[[], Any]:
        async def send() -> None:
            self.send_raw(interaction, text)

        return send

    async def _play(self, interaction: str, script: CallScript) -> None:
        """Again and again, as long as somebody listens."""
        call = self._calls[interaction]
        speed = self._world.config.speed
        await asyncio.sleep(0.5 / speed)
        while call.lines:
            for spoken in script.spoken:
                await self._speak(interaction, spoken, speed=speed)
                if not call.lines:
                    break
            await asyncio.sleep(REST_S / speed)

    async def _speak(self, interaction: str, spoken: Spoken, *, speed: float) -> None:
        await asyncio.sleep(spoken.pause_s / speed)
        words = spoken.text.split()
        for count in range(1, len(words) + 1):
            await asyncio.sleep(SECONDS_A_WORD / speed)
            if spoken.interims and count < len(words) and count % 2 == 0:
                self.say(
                    interaction,
                    " ".join(words[:count]),
                    final=False,
                    confidence=round(spoken.confidence * 0.8, 2),
                    latency_ms=120,
                    media_type=spoken.media_type,
                )
        self.say(
            interaction,
            spoken.text,
            confidence=spoken.confidence,
            latency_ms=spoken.late_ms,
            media_type=spoken.media_type,
        )
