"""A guest against the simulated platform, over real sockets."""

from __future__ import annotations

import asyncio
import doctest
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from conversations.genesys import guest as guest_module
from conversations.genesys.connection import Timing
from conversations.genesys.events import ChatRead, ChatTyping, Malformed
from conversations.genesys.exceptions import GuestRefused, TextTooLong
from conversations.genesys.guest import Connectivity, Guest, GuestEvent, Progressed, Shown
from conversations.genesys.limits import SlidingWindow
from tests.conversations.genesys.fakes import FakeTime
from tests.conversations.genesys.sockets import socket_server
from tests.simulators import SimulatorThread

QUICK = Timing(open_s=2, close_s=0.2)
ACKNOWLEDGED = '{"type":"connect","conversationId":"c-1","sessionId":"s-1"}'


class Chat:
    """A guest, and everything that was told about it."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.told: list[GuestEvent] = []

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def transcript(self) -> list[str]:
        return [row.item.text for row in self.guest._ordering.rows]

    async def until(self, condition: Callable[[], bool], *, within_s: float = 8) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.01)

    async def read(self) -> None:
        async for event in self.guest.events():
            self.told.append(event)


@asynccontextmanager
async def chat_at(socket_url: str, **options: Any) -> AsyncIterator[Chat]:
    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0.01)

    options = {"timing": QUICK, "random": lambda: 0.0, "sleep": at_once, **options}
    async with Guest(
        name="Ana", email="ana@example.org", socket_url=socket_url, **options
    ) as guest:
        chat = Chat(guest)
        reading = asyncio.create_task(chat.read())
        yield chat
    await reading


def is_live(chat: Chat) -> Callable[[], bool]:
    return lambda: chat.guest.state.state == "live"


async def test_a_guest_writes_and_is_answered(simulator: Any):
    async with chat_at(simulator.webchat_url) as chat:
        message = await chat.guest.send("Hola", ref="mine")
        await chat.until(lambda: message.state == "confirmed")
        conversation = simulator.world.conversations[chat.guest.conversation_id]
        simulator.world.type_(conversation, "agent", "active")
        simulator.world.read(conversation, "agent")
        simulator.world.say_as_agent(conversation, "Good morning")
        await chat.until(lambda: len(chat.of(Shown)) == 2)

    assert chat.transcript() == ["Hola", "Good morning"]
    assert [shown.own is message for shown in chat.of(Shown)] == [True, False]
    assert chat.of(ChatTyping) == [ChatTyping("active")]
    assert chat.of(ChatRead) == [ChatRead("msg-1")]
    assert {event.message.ref for event in chat.of(Progressed)} == {"mine"}


async def test_what_is_written_offline_goes_in_order_with_the_context_before_it(simulator: Any):
    async with chat_at(simulator.webchat_url) as chat:
        await chat.until(is_live(chat))
        await chat.guest.set_context({"uiState": "checkout"})
        await chat.guest.send("one")
        await chat.until(lambda: chat.transcript() == ["one"])

        chat.guest.go_offline()
        conversation = simulator.world.conversations[chat.guest.conversation_id]
        conversation.context = {}
        simulator.world.say_as_agent(conversation, "missed")
        for text in ("two", "three"):
            await chat.guest.send(text)
        assert chat.guest.waiting == 2
        chat.guest.go_online()
        await chat.until(lambda: len(chat.transcript()) == 4)

    assert chat.transcript() == ["one", "missed", "two", "three"]
    assert conversation.context == {"uiState": "checkout"}
    assert len(simulator.world.conversations) == 1


@pytest.mark.parametrize("code", [1006, 1011, 1012])
async def test_an_accident_is_followed_by_a_reconnect_to_the_same_conversation(
    simulator: Any, code: int
):
    async with chat_at(simulator.webchat_url) as chat:
        await chat.guest.send("one")
        await chat.until(lambda: chat.transcript() == ["one"])

        simulator.guests.close_all(code)
        await chat.until(lambda: chat.guest.state.state == "waiting")
        await chat.guest.send("two")
        await chat.until(lambda: chat.transcript() == ["one", "two"])

    assert len(simulator.world.conversations) == 1


async def test_late_repeated_and_broken_frames_leave_one_right_transcript(simulator: Any):
    world = simulator.world
    for rule in (
        {"where": "webchat", "kind": "delay", "ms": 150, "nth": 2},
        {"where": "webchat", "kind": "duplicate", "nth": 3},
        {"where": "webchat", "kind": "malformed", "nth": 4},
    ):
        world.faults.add(rule)

    async with chat_at(simulator.webchat_url) as chat:
        for number in range(5):
            await chat.guest.send(str(number))
        await chat.until(lambda: len(chat.transcript()) == 5)
        await chat.until(lambda: chat.guest.repeated == 1)

    assert chat.transcript() == ["0", "1", "2", "3", "4"]
    late = [shown for shown in chat.of(Shown) if shown.before]
    assert [(shown.message.text, shown.before.text) for shown in late] == [("1", "2")]
    assert [shown.missing for shown in chat.of(Shown)][1] == 1  # "2" came while "1" was missing
    assert len(chat.of(Malformed)) == 1


async def test_a_lost_message_is_seen_as_a_gap(simulator: Any):
    simulator.world.faults.add({"where": "webchat", "kind": "lost", "nth": 2})

    async with chat_at(simulator.webchat_url) as chat:
        for number in range(3):
            await chat.guest.send(str(number))
        await chat.until(lambda: len(chat.transcript()) == 2)

    assert [(shown.message.text, shown.missing) for shown in chat.of(Shown)] == [("0", 0), ("2", 1)]


class NotedWindow(SlidingWindow):
    """A window that notes when each message went."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[float] = []

    def sent(self, now: float) -> None:
        super().sent(now)
        self.noted.append(now)


async def test_two_hundred_messages_in_a_second_are_queued_and_none_is_lost(simulator: Any):
    clock, days = FakeTime(), count(0, 86_400)
    simulator.world.monotonic = lambda: float(next(days))  # the platform does not mind here
    async with chat_at(simulator.webchat_url, monotonic=clock.monotonic, sleep=clock.sleep) as chat:
        chat.guest._window = window = NotedWindow()
        for number in range(200):
            await chat.guest.send(str(number))
        await chat.until(lambda: len(chat.transcript()) == 200, within_s=30)

    assert chat.transcript() == [str(number) for number in range(200)]
    assert len(window.noted) == 200
    for first, eleventh in zip(window.noted, window.noted[10:], strict=False):
        assert eleventh - first > 1.0


async def test_what_a_guest_may_not_say_is_refused_before_it_is_sent(simulator: Any):
    async with chat_at(simulator.webchat_url) as chat:
        with pytest.raises(TextTooLong):
            await chat.guest.send("😀" * 2049)
        with pytest.raises(GuestRefused):
            await chat.guest.set_context({"blob": "x" * 1_000_000})
        message = await chat.guest.send("Hola")
        await chat.until(lambda: message.state == "confirmed")

    assert simulator.world.ledger.counts["webchat_refused"] == 0


@pytest.mark.parametrize(("name", "email"), [("", "ana@example.org"), ("Ana", "ana")])
def test_a_guest_without_a_valid_address_does_not_even_connect(name: str, email: str):
    with pytest.raises(GuestRefused):
        Guest(name=name, email=email, socket_url="ws://127.0.0.1:1/")


async def test_ten_tries_are_enough_and_a_person_may_try_again():
    refusals = 0

    async def drop(peer: Any) -> None:
        nonlocal refusals
        refusals += 1
        await peer.recv()
        peer.transport.abort()

    async with socket_server(drop) as url, chat_at(url) as chat:
        await chat.until(lambda: chat.guest.state.state == "stopped")
        assert refusals == 10
        assert "10 tries" in chat.guest.state.reason

        chat.guest.go_online()
        await chat.until(lambda: refusals == 20)


async def test_frames_without_an_acknowledgement_do_not_start_the_delays_afresh():
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async def chatty(peer: Any) -> None:
        await peer.recv()
        await peer.send('{"type":"message","text":"early","sequenceId":"1"}')
        await peer.close(1011)

    async with socket_server(chatty) as url, chat_at(url, sleep=note) as chat:
        await chat.until(lambda: chat.guest.state.state == "stopped")

    assert waits == [1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert chat.transcript() == []


async def test_nothing_is_said_before_the_acknowledgement():
    heard: list[str] = []
    release = asyncio.Event()

    async def slow(peer: Any) -> None:
        heard.append(await peer.recv())
        await peer.send('{"type":"message","text":"early","sequenceId":"1"}')
        await release.wait()
        await peer.send(ACKNOWLEDGED)
        async for frame in peer:
            heard.append(frame)

    async with socket_server(slow) as url, chat_at(url) as chat:
        await chat.guest.set_context({"uiState": "cart"})
        await chat.guest.send("Hola")
        await chat.guest.typing("active")
        await chat.until(lambda: heard)
        await asyncio.sleep(0.05)
        assert len(heard) == 1
        assert chat.guest.state.state == "connecting"

        release.set()
        await chat.until(lambda: len(heard) == 3)

    assert '"setContext"' in heard[1]
    assert '"Hola"' in heard[2]
    assert chat.transcript() == ["early"]


async def test_a_platform_that_never_acknowledges_is_left_and_tried_again():
    connects = 0

    async def mute(peer: Any) -> None:
        nonlocal connects
        connects += 1
        await peer.wait_closed()

    async with socket_server(mute) as url, chat_at(url, acknowledge_s=0.05) as chat:
        await chat.until(lambda: connects == 3)

    assert any("4408" in told.reason for told in chat.of(Connectivity))


async def test_without_a_history_what_was_under_way_is_left_to_a_person():
    connects = 0

    async def forgetful(peer: Any) -> None:
        nonlocal connects
        connects += 1
        await peer.recv()
        await peer.send(ACKNOWLEDGED)
        async for _ in peer:
            if connects == 1:
                peer.transport.abort()

    async with socket_server(forgetful) as url, chat_at(url) as chat:
        message = await chat.guest.send("Hola")
        await chat.until(lambda: message.state == "unconfirmed")
        assert chat.guest.waiting == 0

        chat.guest.send_again(message)
        await chat.until(lambda: message.state == "sent")


async def test_the_end_on_purpose_is_the_end(simulator: Any):
    async with chat_at(simulator.webchat_url) as chat:
        await chat.until(is_live(chat))
        simulator.guests.close_all(1000, "bye")
        await chat.until(lambda: chat.guest.state.state == "stopped")

    assert chat.guest.state.reason == "closed with 1000: bye"


def test_the_example_in_its_documentation_runs():
    with SimulatorThread() as simulator:

        def answer(conversation: Any, event: Any) -> None:
            if event["from"]["type"] == "guest":
                greeting = f"Good morning, {conversation.guest['name']}"
                simulator.world.say_as_agent(conversation, greeting)

        simulator.world.on_message.append(answer)
        example = doctest.DocTestFinder().find(
            guest_module,
            globs={**vars(guest_module), "SOCKET_URL": simulator.server.webchat_url},
        )
        results = doctest.DocTestRunner().run(next(one for one in example if one.examples))

    assert results.attempted == 2
    assert results.failed == 0


def test_it_is_used_without_django():
    script = "import conversations.genesys.guest, sys; assert 'django' not in sys.modules"

    done = subprocess.run(  # noqa: S603 - a command of ours
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
