"""Play a scenario once against whatever is connected, and say whether it went as written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conversations.simulator.scenarios.voices import WebchatFailed, by_webchat
from conversations.simulator.server import SimulatorServer
from conversations.simulator.verdict import Verdict, check, check_by_conversation

if TYPE_CHECKING:
    from conversations.simulator.config import SimulatorConfig

POLL_S = 0.2
QUIET_S = 1.0  # a double or a loop shows itself a moment after all seemed well
TOLD_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    ok: bool
    lines: tuple[str, ...]
    verdict: Verdict | None = None


async def play_headless(
    config: SimulatorConfig,
    *,
    scenario: str,
    wait_s: float = 60.0,
    settle_s: float = 30.0,
    webchat: bool = False,
    on_listening: Callable[[SimulatorServer], None] = lambda server: None,
) -> Outcome:
    """`wait_s`: for a client on the org socket; `settle_s`: after the last line was said.

    `webchat`: the guests speak over sockets of their own, which have to show the script as well.
    """
    findings: list[str] = []
    async with SimulatorServer(replace(config, scenario=None)) as server:
        on_listening(server)
        try:
            async with asyncio.timeout(wait_s):
                await server.world.socket_opened.wait()
        except TimeoutError:
            return Outcome(ok=False, lines=(f"no client on the org socket within {wait_s:g} s",))
        if webchat:
            server.player.enter = by_webchat(
                server.world, url=server.webchat_url, findings=findings
            )
        tasks = server.player.start(
            scenario, speed=config.speed, conversations=config.conversations, loop=False
        )
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, WebchatFailed):
                findings.append(f"web chat: {ended}")
            elif isinstance(ended, BaseException):
                raise ended
        await _settle(server, settle_s)
        return _outcome(server, findings)


async def _settle(server: SimulatorServer, settle_s: float) -> None:
    deadline = server.world.monotonic() + settle_s
    while server.world.monotonic() < deadline:
        if check(server.world.ledger.entries()).is_good:
            break
        await asyncio.sleep(POLL_S)
    await asyncio.sleep(QUIET_S)


def _outcome(server: SimulatorServer, findings: Sequence[str]) -> Outcome:
    entries = server.world.ledger.entries()
    verdict = check(entries)
    lines = []
    for key, one in check_by_conversation(entries).items():
        conversation = server.world.conversations.get(key)
        name = (conversation.scenario if conversation else None) or "-"
        word = "as written" if one.is_good else "NOT as written"
        lines.append(f"{key}  {name:<20} {one.delivered}/{one.expected} delivered  {word}")
    lines.extend(_reasons(verdict))
    lines.extend(findings)
    return Outcome(ok=verdict.is_good and not findings, lines=tuple(lines), verdict=verdict)


def _reasons(verdict: Verdict) -> Iterator[str]:
    for name, findings in verdict.problems.items():
        for finding in findings[:TOLD_AT_MOST]:
            details = ", ".join(f"{key}={value!r}" for key, value in finding.items())
            yield f"{name.replace('_', ' ')}: {details}"
        if len(findings) > TOLD_AT_MOST:
            yield f"{name.replace('_', ' ')}: {len(findings) - TOLD_AT_MOST} more"
