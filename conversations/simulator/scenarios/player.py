"""Playing scenarios: who types, writes and reads when. Time is divided by `speed`."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from conversations.simulator.scenarios.loader import Script, Turn, load
from conversations.simulator.scenarios.voices import Enter, Voice, straight

if TYPE_CHECKING:
    from conversations.simulator.world import World

logger = logging.getLogger(__name__)
READ_AFTER_S = 0.6
CLOSE_AFTER_S = 4.0  # what was said last is read, translated and delivered by then
REST_S = 5.0  # between two conversations of one place in a looping scenario


class Player:
    """Plays into one world; every task it starts is its own and ends with `stop`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.enter: Enter = straight(world)
        self._tasks: set[asyncio.Task[None]] = set()
        self.played: list[str] = []  # ids of conversations, in the order they began

    def start(
        self,
        name: str,
        *,
        speed: float = 1.0,
        conversations: int | None = None,
        loop: bool | None = None,
    ) -> list[asyncio.Task[None]]:
        """Begin a scenario. `conversations`: how many side by side; default: each script once."""
        scenario = load(name)
        self.learn(scenario.scripts)
        looping = scenario.loop if loop is None else loop
        scripts = scenario.scripts
        count = conversations or len(scripts)
        chosen = list(itertools.islice(itertools.cycle(scripts), count))
        started = []
        for place, script in enumerate(chosen):
            delay_s = place * scenario.stagger_s / speed
            work = self._place(script, delay_s=delay_s, speed=speed, looping=looping)
            task = asyncio.get_running_loop().create_task(work, name=f"simulator-{script.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            started.append(task)
        return started

    def learn(self, scripts: Iterable[Script]) -> None:
        """The translation service knows what the guests are going to say."""
        for script in scripts:
            for turn in script.turns:
                if turn.speaker == "guest":
                    english = turn.translation or turn.text
                    self._world.phrases.learn(turn.text, language=script.language, english=english)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _place(self, script: Script, *, delay_s: float, speed: float, looping: bool) -> None:
        await asyncio.sleep(delay_s)
        while True:
            if looping:
                await self._world.socket_opened.wait()  # a demo waits for someone to watch
            await self.play(script, speed=speed)
            if not looping:
                return
            await asyncio.sleep(REST_S / speed)

    async def play(self, script: Script, *, speed: float = 1.0) -> str:
        world = self._world
        async with self.enter(script) as voice:
            conversation = voice.conversation
            self.played.append(conversation.id)
            del self.played[:-10_000]
            for turn in script.turns:
                await self._turn(voice, turn, speed=speed)
            await asyncio.sleep(CLOSE_AFTER_S / speed)
        world.close_conversation(conversation)
        return conversation.id

    async def _turn(self, voice: Voice, turn: Turn, *, speed: float) -> None:
        world, conversation = self._world, voice.conversation
        typing_s = min(turn.typing_s, turn.pause_s)
        await asyncio.sleep((turn.pause_s - typing_s) / speed)
        if turn.read:
            world.read(conversation, turn.speaker)  # who answers has read
        if turn.speaker == "guest":
            await voice.type("active")
            await asyncio.sleep(typing_s / speed)
            await voice.say(turn)
            await voice.type("inactive")
        else:
            world.type_(conversation, "agent", "active")
            await asyncio.sleep(typing_s / speed)
            world.say_as_agent(conversation, turn.text)
            world.type_(conversation, "agent", "inactive")
