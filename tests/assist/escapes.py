"""Speaks card numbers into a call of a real deployment, and looks for them everywhere.

In all forms of the labelled set, whole, in pieces, growing, and inside frames that cannot be read.
`python -m tests.assist.escapes --cards 10000` starts its own servers (part of `make soak`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import signal
import socket
import sys
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.assist.redaction import forms, values
from tests.assist.redaction.templates import TEST, TRAIN
from tests.processes import Processes
from tests.server_process import spare_port

CALL = "call-quiet-1"
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+")
_ACKNOWLEDGED = ("okay", "yes, got it", "vale", "sí", "genau", "alles klar")
_PLACES = ("database", "log", "redis", "browser", "knowledge")


@dataclass(slots=True)
class Hunt:
    """`searched`: characters looked through in each place."""

    said: int = 0
    stored: int = 0
    escaped: list[tuple[str, str]] = field(default_factory=list)
    searched: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Killed:
    doubled: int
    lost_of_committed: int
    heard_after: int


class Ears:
    """Everything that a page of the call is sent."""

    def __init__(self, address: str, path: str, cookie: str) -> None:
        self._url = f"ws://{urlsplit(address).netloc}{path}"
        self._origin = address
        self._cookie = cookie
        self._stopping = False
        self.heard: list[str] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        from websockets.exceptions import ConnectionClosed
        from websockets.sync.client import connect
        from websockets.typing import Origin

        with connect(
            self._url,
            origin=Origin(self._origin),
            additional_headers={"Cookie": self._cookie},
            max_size=None,
        ) as page:
            while not self._stopping:
                try:
                    self.heard.append(str(page.recv(timeout=0.5)))
                    page.send(f'{{"type":"ack","n":{len(self.heard)}}}')
                except TimeoutError:
                    continue
                except ConnectionClosed:
                    return

    def close(self) -> None:
        self._stopping = True
        self._thread.join(5)


class RedisMonitor:
    """Every command that Redis is given, as it says itself. A server without a password."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 6379))
        self._socket.sendall(b"MONITOR\r\n")
        self.seen: list[str] = []
        self._is_closing = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            while data := self._socket.recv(65_536):
                self.seen.append(data.decode("utf-8", "replace"))
        except ConnectionResetError:
            if not self._is_closing:  # else it was still speaking
                raise

    def close(self) -> None:
        self._is_closing = True
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()


def hunt(processes: Processes, simulator: Any, *, cards: int, rate: float) -> Hunt:
    from assist.models import Chunk

    found = Hunt()
    rng = random.Random(12)
    numbers = list(dict.fromkeys(values.card(rng) for _ in range(cards)))
    address = _start(processes, simulator)
    monitor = RedisMonitor(os.environ["REDIS_URL"])
    ears = Ears(address, f"/ws/assist/{CALL}/", _cookie())
    try:
        for number in numbers:
            found.said += simulator.call(_speak(simulator, number, rng))
            time.sleep(1 / rate)
        processes.wait_until(
            lambda: Chunk.objects.count() >= found.said,
            what=f"{found.said} chunks are stored",
            within_s=60,
        )
        time.sleep(1.0)  # what is on its way to page and knowledge service
    finally:
        ears.close()
        monitor.close()
    found.stored = Chunk.objects.count()
    texts: dict[str, Callable[[], Iterable[str]]] = {
        "database": _database,
        "log": lambda: [process.output() for process in processes.running],
        "redis": lambda: monitor.seen,
        "browser": lambda: ears.heard,
        "knowledge": lambda: _asked(simulator),
    }
    for place in _PLACES:
        haystack = ("" if place == "redis" else "\n").join(texts[place]())
        found.searched[place] = len(haystack)
        found.escaped += [(place, number) for number in numbers_in(haystack, numbers)]
    return found


def numbers_in(haystack: str, numbers: Iterable[str]) -> list[str]:
    """Those that stand in it: in digits however parted, or digit by digit in words."""
    wanted = set(numbers)
    plain = unicodedata.normalize("NFKC", haystack).casefold()
    digits = "".join(
        run if run.isascii() else "".join(str(unicodedata.digit(one)) for one in run)
        for run in _DIGITS.findall(plain)
    )
    found = _windows(digits, wanted)
    for tongue in ("en", "es", "de"):
        value = {forms.said(digit, tongue, random.Random(0)): digit for digit in "0123456789"}
        spoken = "".join(value.get(word, "|") for word in _WORD.findall(plain))
        found |= _windows(spoken, wanted)
    return sorted(found)


def _windows(digits: str, wanted: set[str]) -> set[str]:
    """Every place is looked at; few begin as a wanted number does."""
    beginnings = {number[:8] for number in wanted}
    lengths = sorted({len(number) for number in wanted})
    return {
        digits[start : start + length]
        for start in range(len(digits))
        if digits[start : start + 8] in beginnings
        for length in lengths
        if digits[start : start + length] in wanted
    }


async def _speak(simulator: Any, number: str, rng: random.Random) -> int:
    """Say it in some way; returns how many final chunks that were."""
    calls = simulator.server.calls
    language = rng.choice(("en", "es", "de"))
    before, after = rng.choice((TRAIN, TEST))[language]["CARD"][0].split("{}")
    form = rng.choice(forms.CARD)
    if form is forms.said_in_pairs:
        form = forms.said
    text = form(number, language, rng)
    # A line like no other: the knowledge service is asked about each, not answered for from memory.
    after = f"{after or ' thank you'} {''.join(rng.choices('bcdfghjklm', k=6))}"
    way = rng.randrange(7)
    if way == 0:
        calls.send_raw(CALL, f'{{"type":"transcription","text":"{number}","final":tru')
        calls.say(CALL, "nothing to be heard")
        return 1
    if way == 1 and " " in text:
        words = text.split()
        cut = rng.randrange(1, len(words))
        calls.say(CALL, f"{before}{' '.join(words[:cut])}")
        await asyncio.sleep(0.01)
        calls.say(CALL, f"{' '.join(words[cut:])}{after}")
        return 2
    if way in (5, 6) and " " in text:
        words = text.split()
        half = len(words) // 2
        halves = [" ".join(words[:half]), rng.choice(_ACKNOWLEDGED), " ".join(words[half:])]
        chunks = halves if way == 5 else words
        chunks[0], chunks[-1] = f"{before}{chunks[0]}", f"{chunks[-1]}{after}"
        for chunk in chunks:
            calls.say(CALL, chunk)
            await asyncio.sleep(0.01)
        return len(chunks)
    if way == 2:
        for cut in range(4, len(text), 4):
            calls.say(CALL, f"{before}{text[:cut]}", final=False)
    calls.say(CALL, f"{before}{text}{after}")
    return 1


def killed_in_mid_call(processes: Processes, simulator: Any) -> Killed:
    from assist.models import Chunk
    from conversations.models import MessageText

    def texts() -> list[str]:
        return list(MessageText.objects.values_list("text", flat=True))

    processes.environment["ASSIST_INTERACTIONS"] = CALL
    gateway = processes.start_gateway(ready=lambda: _is_open(simulator))
    processes.start_gateway()  # stands by: one holds a call's lease at a time
    spoken = _Speaker(simulator)
    try:
        processes.wait_until(lambda: Chunk.objects.count() >= 40, what="40 chunks are stored")
        gateway.kill()
        committed = texts()
        at_the_kill = Chunk.objects.count()
        processes.wait_until(
            lambda: Chunk.objects.count() >= at_the_kill + 20, what="20 more", within_s=40
        )
    finally:
        spoken.stop()
    counts = Counter(texts())
    return Killed(
        doubled=sum(count - 1 for count in counts.values()),
        lost_of_committed=sum(counts[text] == 0 for text in committed),
        heard_after=Chunk.objects.count() - at_the_kill,
    )


def flooded(simulator: Any, *, frames: int, within_s: float = 300.0) -> str:
    """Frames that cannot be read, then a word: "still heard", or what went wrong."""
    from assist.models import Chunk, HourlyMetrics

    rng = random.Random(5)
    before = Chunk.objects.count()
    for _ in range(frames // 500):
        simulator.call(_send_many(simulator, [malformed_frame(rng) for _ in range(500)]))
        time.sleep(0.02)
    simulator.call(_say(simulator, "are you still there"))
    deadline = time.monotonic() + within_s
    while Chunk.objects.count() == before:
        if time.monotonic() > deadline:
            return "not heard any more"
        time.sleep(0.1)
    if HourlyMetrics.objects.filter(reconnects__gt=0).exists():
        return "the stream was reconnected"
    return "still heard"


def malformed_frame(rng: random.Random) -> str:
    whole = (
        '{"type":"transcription","interactionId":"call-quiet-1","mediaTimestamp":'
        '"2024-06-15T10:30:00Z","text":"4111 1111 1111 1111","confidence":0.9,"final":true}'
    )
    match rng.randrange(5):
        case 0:
            return whole[: rng.randrange(len(whole) - 1)]
        case 1:
            return whole.replace("true", rng.choice(["1", '"yes"', "null", "[]"]))
        case 2:
            return "".join(chr(rng.randrange(32, 0xD7FF)) for _ in range(rng.randrange(60)))
        case 3:
            return "[" * (3000 if rng.random() < 0.1 else rng.randrange(1, 100))
    return whole.replace("0.9", rng.choice(["NaN", "1e999", "-1", '"high"', "9" * 400]))


async def _send_many(simulator: Any, frames: list[str]) -> None:
    for frame in frames:
        simulator.server.calls.send_raw(CALL, frame)


async def _say(simulator: Any, text: str) -> None:
    simulator.server.calls.say(CALL, text)


class _Speaker:
    """Says a different line thirty times a second, without a digit."""

    def __init__(self, simulator: Any) -> None:
        self._simulator = simulator
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._stopping.wait(1 / 30):
            number += 1
            letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
            self._simulator.call(_say(self._simulator, f"line {letters} of the call"))

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)


def _start(processes: Processes, simulator: Any) -> str:
    port = spare_port()
    processes.environment |= {
        "ASSIST_INTERACTIONS": CALL,
        "ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
        "KNOWLEDGE_API_URL": f"{simulator.base_url}/knowledge/query",
        "KNOWLEDGE_API_KEY": "a key of the tests",
        "LOG_LEVEL": "DEBUG",
    }
    processes.start_gateway(ready=lambda: _is_open(simulator))
    _, address = processes.start_web(port=port)
    return address


def _is_open(simulator: Any) -> bool:
    return bool(simulator.server.calls.interactions().get(CALL))


def _cookie() -> str:
    from django.conf import settings
    from django.test import Client

    from tests.conversations.live.histories import a_user

    client = Client()
    client.force_login(a_user("listener", "supervisor"))
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


def _database() -> Iterable[str]:
    """Every value of every row."""
    from django.apps import apps

    for model in apps.get_models():
        for row in model._default_manager.values_list():
            for value in row:
                is_bytes = isinstance(value, bytes | memoryview)
                yield bytes(value).decode("utf-8", "replace") if is_bytes else str(value)


def _asked(simulator: Any) -> Iterable[str]:
    entries = simulator.world.ledger.entries(kinds=frozenset({"knowledge"}))
    return [str(entry["query"]) for entry in entries]


def main() -> int:
    """A deployment of its own, as the tests have one, but as many numbers as wanted."""
    parser = argparse.ArgumentParser(prog="python -m tests.assist.escapes", description=__doc__)
    parser.add_argument("--cards", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=100_000, help="malformed ones, afterwards")
    parser.add_argument("--rate", type=float, default=60.0, help="numbers/s")
    options = parser.parse_args()
    # Ended from outside, it stops what it started as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    from tests.assist.deployment import deployed

    with deployed() as (processes, simulator):
        found = hunt(processes, simulator, cards=options.cards, rate=options.rate)
        flood = flooded(simulator, frames=options.frames)
    sys.stdout.write(f"{found.said} chunks said, {found.stored} stored\n")
    for place, size in found.searched.items():
        escaped = sum(where == place for where, _ in found.escaped)
        sys.stdout.write(f"{place:<10} {size:>12,} characters searched, {escaped} numbers found\n")
    sys.stdout.write(f"{options.frames:,} malformed frames: {flood}\n")
    return int(bool(found.escaped) or found.said != found.stored or flood != "still heard")


if __name__ == "__main__":
    sys.exit(main())
