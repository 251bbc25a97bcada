"""Watches live pages over a run as browsers do, and says at the end what each of them shows.

A page reconnects, asks for what came after the last seq it has seen, acknowledges, and keeps what
it is told. At the end it must show what a page that is opened afresh shows (design.md, 6).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

from tests.conversations.live.pages import Page, Pieces

AGAIN_S = 0.5
FRESH_WITHIN_S = 10.0


class WallPage:
    """The live wall: cards by conversation."""

    def __init__(self) -> None:
        self.cards: dict[str, Any] = {}
        self.seq: int | None = None
        self.is_whole = False
        self._pieces = Pieces()

    def receive(self, text: str) -> None:
        for frame in self._pieces.frames(text):
            self._take(frame)

    def _take(self, body: dict[str, Any]) -> None:
        if body["type"] == "snapshot":
            self.cards = {card["id"]: card for card in body["conversations"]}
            self.is_whole = True
        elif body["type"] == "cards":
            self.cards |= {card["id"]: card for card in body["cards"]}
            for gone in body["gone"]:
                self.cards.pop(gone, None)

    def shown(self) -> Any:
        return self.cards


class Watcher:
    """One page over all its connections."""

    def __init__(self, path: str, *, origin: str, cookie: str) -> None:
        self.path = path
        self.page: Page | WallPage = WallPage() if path == "/ws/live/" else Page()
        self.connections = 0
        self.frames = 0
        self.faults: list[str] = []
        self._origin = origin
        self._cookie = cookie

    async def watch(self) -> None:
        """For ever; a server that is away is asked again."""
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with self._opened() as socket:
                    self.connections += 1
                    await self._listen(socket)
            await asyncio.sleep(AGAIN_S)

    async def fresh(self) -> Any:
        """What a page that is opened now shows, and where its journal stands."""
        page = WallPage() if isinstance(self.page, WallPage) else Page()
        async with asyncio.timeout(FRESH_WITHIN_S), self._opened(after=None) as socket:
            await _started(page, socket)
        return page.shown()

    def _opened(self, *, after: int | None = -1) -> connect:
        seq = self.page.seq if after == -1 else after
        path = self.path if seq is None else f"{self.path}?after={seq}"
        return connect(
            self._origin.replace("http", "ws", 1) + path,
            origin=Origin(self._origin),
            additional_headers={"Cookie": self._cookie},
            ping_interval=None,
            max_size=None,
            proxy=None,
            open_timeout=5,
        )

    async def _listen(self, socket: ClientConnection) -> None:
        heard = 0
        async for text in socket:
            before = self.page.seq
            self.page.receive(str(text))
            if before is not None and (self.page.seq or 0) < before:
                self.faults.append(f"{self.path}: seq went back from {before} to {self.page.seq}")
            heard += 1
            self.frames += 1
            if isinstance(self.page, Page) and self.page.lacks is not None:
                await socket.send(json.dumps({"type": "gap", "after": self.page.lacks}))
            # Each one: without acknowledgements the server would take the page for too slow.
            await socket.send(json.dumps({"type": "ack", "n": heard}))


class Recorder:
    """All watchers on one loop in a thread."""

    def __init__(self, paths: Sequence[str], *, origin: str, cookie: str) -> None:
        self.watchers = [Watcher(path, origin=origin, cookie=cookie) for path in paths]
        self._loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="pages", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._run(self._start())

    def stop(self) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def differences(self, *, within_s: float = 10.0) -> list[str]:
        """Pages that do not show what a fresh page shows, `within_s` after everything is quiet."""
        deadline = time.monotonic() + within_s
        while found := self._run(self._compare()):
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
        faults = [fault for watcher in self.watchers for fault in watcher.faults]
        unseen = [f"{one.path}: never opened" for one in self.watchers if not one.connections]
        return [*found, *faults, *unseen]

    async def _start(self) -> None:
        self._tasks = [asyncio.create_task(one.watch(), name=one.path) for one in self.watchers]

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _compare(self) -> list[str]:
        found = []
        for watcher in self.watchers:
            try:
                fresh = await watcher.fresh()
            except (OSError, WebSocketException, TimeoutError) as error:
                found.append(f"{watcher.path}: no fresh page ({type(error).__name__})")
                continue
            shown = watcher.page.shown()
            if shown != fresh:
                found.append(f"{watcher.path}: {_difference(shown, fresh)}")
        return found

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)


async def _started(page: Page | WallPage, socket: ClientConnection) -> None:
    """A large snapshot comes in parts."""
    page.receive(str(await socket.recv()))
    heard = 1
    while not page.is_whole:
        await socket.send(json.dumps({"type": "ack", "n": heard}))
        page.receive(str(await socket.recv()))
        heard += 1


def _difference(shown: Any, fresh: Any) -> str:
    """Where they part, without any text."""
    if isinstance(shown, dict):
        parts = [key for key in {*shown, *fresh} if shown.get(key) != fresh.get(key)]
        return f"{len(parts)} of {len(fresh)} cards differ"
    rows = {row["id"]: row for row in shown[1]}
    wanted = {row["id"]: row for row in fresh[1]}
    wrong = [key for key in {*rows, *wanted} if rows.get(key) != wanted.get(key)]
    return f"{len(wrong)} of {len(wanted)} rows differ, seq {shown[2]} and {fresh[2]}"
