"""How a script's guest speaks: straight into the world, or over a guest's own socket.

The second is a client of protocol §2 written for nothing but this: it waits for the
acknowledgement, keeps to ten messages a second, and remembers all that its socket was shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType

if TYPE_CHECKING:
    from conversations.simulator.messages import SimulatedConversation
    from conversations.simulator.scenarios.loader import Script, Turn
    from conversations.simulator.world import World

ANSWER_S = 5.0
APART_S = 0.11  # a little less than ten a second


class WebchatFailed(Exception):
    """The guest's socket did not do what protocol §2 says. For a person to read."""


class Voice(Protocol):
    conversation: SimulatedConversation

    async def say(self, turn: Turn) -> None: ...

    async def type(self, state: str) -> None: ...


Enter = Callable[["Script"], AbstractAsyncContextManager[Voice]]


class Straight:
    """No socket: the world is told."""

    def __init__(self, world: World, script: Script) -> None:
        self._world = world
        self._language = script.language
        self.conversation = world.open_conversation(
            guest=script.guest, agent=script.agent, language=script.language, scenario=script.name
        )

    async def say(self, turn: Turn) -> None:
        self._world.say_as_guest(
            self.conversation, turn.text, language=self._language, translation=turn.translation
        )

    async def type(self, state: str) -> None:
        self._world.type_(self.conversation, "guest", state)


def straight(world: World) -> Enter:
    @asynccontextmanager
    async def enter(script: Script) -> AsyncIterator[Voice]:
        yield Straight(world, script)

    return enter


class WebGuest:
    """One guest on a socket of their own."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read(), name="simulator-web-guest")
        self.shown: list[tuple[str, str, str]] = []  # sequence id, sender, text
        self.refused: list[str] = []
        self.connected: dict[str, Any] | None = None
        self.conversation: Any = None

    async def connect(self, world: World, script: Script) -> None:
        info = {"name": script.guest, "email": "guest@example.org"}
        await self._send({"type": "connect", "guestInfo": info, "metadata": {}})
        await self._until(lambda: self.connected is not None, "was not acknowledged")
        key = str((self.connected or {}).get("conversationId"))
        self.conversation = world.conversations[key]
        self.conversation.scenario = script.name
        self.conversation.language = script.language
        self.conversation.agent["name"] = script.agent

    async def say(self, turn: Turn) -> None:
        before = len(self._own(turn.text))
        await self._send({"type": "message", "text": turn.text, "attachments": []})
        await self._until(lambda: len(self._own(turn.text)) > before, "did not see its own message")
        await asyncio.sleep(APART_S)

    async def type(self, state: str) -> None:
        await self._send({"type": "typing", "state": state})

    def findings(self, script: Script) -> list[str]:
        """What the socket showed is the script, in order, each line once at its own place."""
        found = [f"refused: {reason}" for reason in self.refused]
        ids = [one for one, _, _ in self.shown]
        if len(set(ids)) != len(ids):
            found.append("a sequenceId came twice")
        rows = iter(sorted(self.shown, key=lambda row: int(row[0].rpartition("-")[2] or 0)))
        for number, turn in enumerate(script.turns, start=1):
            wanted = (turn.speaker, turn.text)
            if not any((sender, text) == wanted for _, sender, text in rows):
                found.append(f"line {number} of the script was not shown in its place")
                break
        return [f"{script.name} by web chat: {finding}" for finding in found]

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def _own(self, text: str) -> list[str]:
        return [one for one, sender, said in self.shown if (sender, said) == ("guest", text)]

    async def _send(self, frame: dict[str, Any]) -> None:
        try:
            await self._socket.send_json(frame)
        except (ClientError, ConnectionError) as problem:
            raise WebchatFailed(f"the guest's socket broke: {type(problem).__name__}") from problem

    async def _until(self, condition: Callable[[], bool], otherwise: str) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                while not condition():
                    if self._reading.done() or self.refused:
                        break
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise WebchatFailed(f"the guest {otherwise} within {ANSWER_S:g} s") from None
        if not condition():
            why = self.refused[-1] if self.refused else f"closed ({self._socket.close_code})"
            raise WebchatFailed(f"the guest {otherwise}: {why}")

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._received(message.json())
                    self._news.set()
        finally:
            self._news.set()

    def _received(self, frame: dict[str, Any]) -> None:
        kind = frame.get("type")
        if kind == "connect":
            self.connected = frame
        elif kind == "error":
            self.refused.append(str(frame.get("message")))
        elif kind == "message":
            sender = str(frame["from"]["type"])
            self.shown.append((str(frame["sequenceId"]), sender, str(frame["text"])))


def by_webchat(world: World, *, url: str, findings: list[str]) -> Enter:
    """Each script's guest over a socket to `url`; what went wrong is added to `findings`."""

    @asynccontextmanager
    async def enter(script: Script) -> AsyncIterator[Voice]:
        async with ClientSession() as session, await _opened(session, url) as socket:
            guest = WebGuest(socket)
            try:
                await guest.connect(world, script)
                yield guest
                findings.extend(guest.findings(script))
            finally:
                await guest.close()

    return enter


async def _opened(session: ClientSession, url: str) -> ClientWebSocketResponse:
    try:
        return await session.ws_connect(url)
    except ClientError as problem:
        raise WebchatFailed(f"no guest could connect: {type(problem).__name__}") from problem
