"""Playing a script on a page: the guest's lines by the guest, the agent's by the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any

from conversations.genesys.exceptions import GuestRefused
from conversations.genesys.guest import Guest
from conversations.genesys.outgoing import OutgoingMessage
from conversations.guest_page.platform import PlatformControl

_runs = count(1)


async def play(
    script: Mapping[str, Any],
    *,
    guest: Guest,
    platform: PlatformControl,
    speed: float,
    say: Callable[[Mapping[str, Any]], Awaitable[None]],
    keep: Callable[[OutgoingMessage], None],
) -> None:
    """Line by line with pauses and typing; the page learns which line is being said."""
    run = next(_runs)
    for number, turn in enumerate(script["turns"]):
        frame = {"type": "playing", "script": script["name"], "line": number, **_line(turn)}
        await say({**frame, "ref": f"play-{run}-{number}"})
        is_guest = turn["speaker"] == "guest"
        key = guest.conversation_id
        await (guest.typing("active") if is_guest else platform.type_as_agent(key, "active"))
        await asyncio.sleep(float(turn["pause"]) / speed)
        await (guest.typing("inactive") if is_guest else platform.type_as_agent(key, "inactive"))
        if is_guest:
            try:
                keep(await guest.send(turn["text"], ref=f"play-{run}-{number}"))
            except GuestRefused as refused:
                await say({"error": str(refused), "field": "script"})
        else:
            await platform.say_as_agent(guest.conversation_id, turn["text"])
    await say({"type": "playing", "script": None})


def _line(turn: Mapping[str, Any]) -> dict[str, Any]:
    return {"speaker": turn["speaker"], "text": turn["text"]}
