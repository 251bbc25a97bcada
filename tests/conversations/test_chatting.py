"""A guest on a terminal, against the simulated platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conversations.chatting import Chat, Exit, Wish
from conversations.genesys.exceptions import GuestRefused
from conversations.genesys.oauth import Token
from conversations.genesys.uploads import Uploads
from conversations.net.http import HttpClient
from conversations.terminal import Lines


class Terminal:
    """What somebody types, and what they see. A callable in the input is waited for."""

    def __init__(self, *typed: str | Callable[[], bool]) -> None:
        self._typed = typed
        self.out: list[str] = []
        self.err: list[str] = []

    async def lines(self) -> AsyncIterator[str]:
        for line in self._typed:
            if isinstance(line, str):
                yield line
                continue
            async with asyncio.timeout(8):
                while not line():
                    await asyncio.sleep(0.01)

    def said(self) -> list[str]:
        return [line.split(" ", 1)[1] for line in self.out]


class Granted:
    """A token of the simulator that may upload."""

    def __init__(self, simulator: Any) -> None:
        scopes = frozenset({"webchat:attachment:write", "webchat:write"})
        self._token = Token(simulator.world.tokens.issue(scopes), datetime.max.replace(tzinfo=UTC))

    async def current(self) -> Token:
        return self._token

    async def renewed(self, refused: Token) -> Token:
        return self._token


async def chat(simulator: Any, terminal: Terminal, **wish: Any) -> int:
    http = HttpClient()
    try:
        return await Chat(
            Wish(**{"name": "Ana", "email": "ana@example.org"} | wish),
            socket_url=simulator.webchat_url,
            uploads=Uploads(http, api_url=simulator.base_url, tokens=Granted(simulator)),
            typed=terminal.lines(),
            lines=Lines(in_utc=True),
            out=terminal.out.append,
            err=terminal.err.append,
        ).run()
    finally:
        await http.aclose()


async def test_what_is_typed_is_said_and_the_answer_is_printed(simulator: Any):
    terminal = Terminal("Hola", lambda: bool(terminal.out), _answer(simulator, "Hello"),
                        lambda: len(terminal.out) == 2, "/quit", "never")  # fmt: skip

    code = await chat(simulator, terminal)

    assert code == Exit.ENDED
    assert terminal.said() == ["[Customer] Ana: Hola", "[Agent] Agent: Hello"]
    assert "Connected as Ana." in terminal.err


async def test_the_end_of_the_input_waits_for_what_was_said_to_arrive(simulator: Any):
    terminal = Terminal(*(f"line {number}" for number in range(12)), "//me waves", "")

    code = await chat(simulator, terminal)

    assert code == Exit.ENDED
    assert terminal.said() == [
        *(f"[Customer] Ana: line {number}" for number in range(12)),
        "[Customer] Ana: /me waves",
    ]


async def test_what_is_written_offline_goes_when_the_guest_is_back(simulator: Any):
    terminal = Terminal(
        "one", lambda: bool(terminal.out), "/offline", "two", '/context {"a": 1}', "/online"
    )

    assert await chat(simulator, terminal) == Exit.ENDED

    assert terminal.said() == ["[Customer] Ana: one", "[Customer] Ana: two"]
    [conversation] = simulator.world.conversations.values()
    assert conversation.context == {"a": 1}


async def test_a_file_is_sent_with_its_caption(simulator: Any, tmp_path: Path):
    picture = tmp_path / "my room.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(20))
    terminal = Terminal(f"/file '{picture}' mire")

    assert await chat(simulator, terminal) == Exit.ENDED, terminal.err

    assert terminal.said() == ["[Customer] Ana: mire [my room.png]"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("a" * 4097, "4,097"),
        ("/file /nonexistent.png", "No such file"),
        ("/file /dev/null", "empty"),
        ("/context [1]", "JSON object"),
        ("/context {", "JSON object"),
    ],
    ids=lambda value: value[:12],
)
async def test_what_cannot_be_said_is_told_and_shows_in_the_code(
    simulator: Any, typed: str, words: str
):
    terminal = Terminal(typed, "Hola")

    code = await chat(simulator, terminal)

    assert code == Exit.NOT_SAID
    assert any(line.startswith("Not sent: ") and words in line for line in terminal.err)
    assert terminal.said() == ["[Customer] Ana: Hola"]


async def test_an_end_by_the_platform_ends_it_and_shows_in_the_code(simulator: Any):
    def close() -> bool:
        return bool(simulator.guests.close_all(1000, "bye"))

    terminal = Terminal("Hola", lambda: bool(terminal.out), close, lambda: False)

    assert await chat(simulator, terminal) == Exit.NOT_SAID

    assert any(line.startswith("Not connected") for line in terminal.err)


async def test_somebody_at_a_terminal_may_come_back_and_is_not_repeated(simulator: Any):
    terminal = Terminal(
        "Hola",
        lambda: any(one.messages for one in simulator.world.conversations.values()),
        lambda: bool(simulator.guests.close_all(1000, "bye")),
        lambda: any(line.startswith("Not connected") for line in terminal.err),
        "/online",
        "Adiós",
    )

    assert await chat(simulator, terminal, echoes=False) == Exit.ENDED

    [conversation] = simulator.world.conversations.values()
    assert [event["text"] for event in conversation.messages] == ["Hola", "Adiós"]
    assert terminal.out == []


async def test_an_unknown_command_shows_those_there_are(simulator: Any):
    terminal = Terminal("/dance", "/")

    assert await chat(simulator, terminal) == Exit.ENDED

    assert sum("/offline" in line for line in terminal.err) == 2


async def test_a_guest_without_an_address_is_refused_at_once(simulator: Any):
    with pytest.raises(GuestRefused):
        await chat(simulator, Terminal(), email="nonsense")


def _answer(simulator: Any, text: str) -> Callable[[], bool]:
    def answer() -> bool:
        [conversation] = simulator.world.conversations.values()
        simulator.world.say_as_agent(conversation, text)
        return True

    return answer
