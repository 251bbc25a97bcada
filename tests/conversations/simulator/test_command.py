"""`manage.py simulate --headless` as its users run it: another process, judged by exit code."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from aiohttp import ClientSession
from django.core.management import CommandError, call_command

from tests.conversations.simulator.client import Client, Console

ROOT = Path(__file__).resolve().parents[3]
KEYS = dict.fromkeys(("SECRET_KEY", "FIELD_KEY", "JOURNAL_KEY"), "for-tests-only-" * 4)


async def simulate(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "manage.py", "simulate", "--port", "0", *arguments,
        cwd=ROOT,
        env={**KEYS, **os.environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_a_right_console_makes_it_exit_with_0() -> None:
    process = await simulate("--headless", "--scenario", "shop-pt", "--speed", "100")
    assert process.stderr is not None
    announced = (await process.stderr.readline()).decode()
    found = re.search(r"http://[\d.:]+", announced)
    assert found, announced

    async with ClientSession() as session:
        client = Client(session, found[0])
        await client.authenticate()
        console = asyncio.create_task(Console(client).run())
        output, errors = await process.communicate()
        console.cancel()
        await asyncio.gather(console, return_exceptions=True)

    assert process.returncode == 0, errors
    assert "6/6 delivered  as written" in output.decode()


async def test_nobody_connected_makes_it_exit_with_1(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text('[{"where": "post", "kind": "429"}]', encoding="utf-8")

    process = await simulate("--headless", "--wait", "0.1", "--faults", str(rules))
    output, _ = await process.communicate()

    assert process.returncode == 1
    assert "no client on the org socket" in output.decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--webchat"], "--headless"),
        (["--origin", "https://Shop.example.org"], "write https://shop.example.org"),
        (["--origin", "shop.example.org"], "scheme://host"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_start(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("simulate", "--port", "0", *arguments)
