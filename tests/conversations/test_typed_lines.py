"""Lines of any descriptor, read beside an event loop."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from conversations import typed_lines as module
from conversations.typed_lines import typed_lines


async def lines_of(content: bytes) -> list[str]:
    reading, writing = os.pipe()
    feeding = asyncio.create_task(asyncio.to_thread(_feed, writing, content))
    try:
        return [line async for line in typed_lines(reading)]
    finally:
        await feeding
        os.close(reading)


def _feed(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(content)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"Hola\nAdi\xc3\xb3s\n", ["Hola", "Adi\u00f3s"]),
        (b"one\r\n\r\ntwo", ["one", "", "two"]),
        (b"\xff\n", ["\ufffd"]),
        ("\U0001f600".encode() * 30_000 + b"\n", ["\U0001f600" * 30_000]),  # over many chunks
        (b"l\n" * 3_000, ["l"] * 3_000),  # more than is read ahead
    ],
    ids=["nothing", "two", "windows", "not-utf-8", "long", "many"],
)
async def test_a_pipe_gives_its_lines(content: bytes, lines: list[str]):
    async with asyncio.timeout(10):
        assert await lines_of(content) == lines


async def test_a_line_that_is_far_too_long_is_cut_and_the_next_is_whole(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(module, "MAX_LINE", 100)
    monkeypatch.setattr(module, "CHUNK", 64)

    found = await lines_of(b"x" * 1_000 + b"\nnext\n" + b"y" * 1_000)

    assert [len(line) for line in found] == [100, 4, 100]
    assert found[1] == "next"


async def test_a_file_gives_its_lines(tmp_path: Path):
    file = tmp_path / "said.txt"
    file.write_text("Hola\n", encoding="utf-8")

    with file.open("rb") as stream:
        assert [line async for line in typed_lines(stream.fileno())] == ["Hola"]
