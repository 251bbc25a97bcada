"""Malformed frames and answers by the hundred thousand, through the pure decoders (A13, B4).

`python -m tests.faults.fuzz --frames 200000 --bodies 50000` prints what became of them; exit code
1 when a decoder raised what is not its own error, or let something through that no database takes.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from conversations.genesys.events import Malformed, MessageReceived
from conversations.genesys.exceptions import GenesysError
from conversations.genesys.histories import active_of, messages_of
from conversations.genesys.protocols.messaging import MessagingProtocol
from conversations.net.http import Answer
from translation.exceptions import TranslationError
from translation.providers.base import checked
from translation.providers.deepl import parse, refusal

NOW = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)
TEXTS = ("Hola", "¿Dónde está mi pedido?")
KEPT = 5
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 1e308, "", " ", "\x00", "\ud800", "\ufffe", "x" * 300, [], {},
    [[]], {"id": {}}, ["a", 1, None], "guest", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00Z",
    "2024-13-40T99:99:99Z", "2024-06-15", "\u202eolleh", "👩‍👩‍👧‍👦" * 40,
)  # fmt: skip
_PIECES = (
    "NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "[" * 3000, '{"a":' * 3000, "]" * 50, "}",
    '"', "\\", "\\u0000", "\\ud800", "\\udc00\\ud800", "\x00", "\ufeff", "null", "//", "<html>",
    "\r\n\r\n", ",", ":", '"type"', "\x7f", "\u2028",
)  # fmt: skip
_FRAME = {
    "type": "message", "conversationId": "conv-1", "id": "msg-1",
    "from": {"id": "guest-1", "type": "guest", "name": "Maria"},
    "to": {"id": "agent-1", "type": "agent"}, "text": "Hola, necesito ayuda",
    "timestamp": "2024-06-15T10:30:00.000Z",
}  # fmt: skip
FRAMES: tuple[dict[str, Any], ...] = (
    _FRAME,
    {"type": "typing", "conversationId": "conv-1", "from": _FRAME["from"], "state": "active"},
    {"type": "readReceipt", "conversationId": "conv-1", "from": _FRAME["from"],
     "messageId": "msg-1", "timestamp": "2024-06-15T10:30:00Z"},
    {"type": "somethingNew", "conversationId": "conv-1"},
)  # fmt: skip
BODIES: tuple[dict[str, Any], ...] = (
    {"translations": [{"detected_source_language": "ES", "text": text} for text in TEXTS]},
    {"messages": [_FRAME, _FRAME]},
    {"conversations": [{"conversationId": "conv-1", "lastMessageAt": "2024-06-15T10:30:00Z"}]},
    {"message": "Too many requests", "code": "too.many.requests", "status": 429},
)
_STATUSES = (200, 200, 200, 400, 404, 413, 429, 456, 500, 503)


@dataclass(slots=True)
class Fuzzed:
    """How many ended how, and what should not have."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    failed: int = 0

    def fail(self, what: str) -> None:
        self.failed += 1
        if len(self.failures) < KEPT:
            self.failures.append(what)


def spoilt(rng: random.Random, good: dict[str, Any]) -> str | bytes:
    """Something between nearly right and noise."""
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(200))
    value = _with_odd_values(rng, json.loads(json.dumps(good)))
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
        text = _with_a_defect(rng, text)
    if rng.random() < 0.1:
        return text.encode("utf-8", "surrogatepass")
    return text


def _with_odd_values(rng: random.Random, value: Any) -> Any:
    """Some of its fields missing, doubled or of another kind."""
    if isinstance(value, list):
        return [_with_odd_values(rng, item) for item in value for _ in range(rng.choice((1, 1, 2)))]
    if not isinstance(value, dict):
        return rng.choice(_ODD) if rng.random() < 0.08 else value
    changed = {}
    for key, item in value.items():
        draw = rng.random()
        if draw < 0.06:
            continue
        changed[key] = rng.choice(_ODD) if draw < 0.14 else _with_odd_values(rng, item)
    if rng.random() < 0.1:
        changed[rng.choice(("extra", "\x00", "\ud800"))] = rng.choice(_ODD)
    return changed


def _with_a_defect(rng: random.Random, text: str) -> str:
    place = rng.randrange(len(text) + 1)
    what = rng.randrange(4)
    if what == 0:
        return text[:place]
    if what == 1:
        return text[:place] + rng.choice(_PIECES) + text[place:]
    if what == 2:
        return text[:place] + text[place + rng.randrange(1, 5) :]
    return text[:place] + chr(rng.randrange(0x10FFFF)) + text[place + 1 :]


def fuzz_frames(count: int, *, seed: int = 1) -> Fuzzed:
    """Every frame becomes an event of ours that a database can hold."""
    rng, found, protocol = random.Random(seed), Fuzzed(), MessagingProtocol()
    for _ in range(count):
        frame = spoilt(rng, rng.choice(FRAMES))
        try:
            event = protocol.frame_received(frame)
        except Exception:  # noqa: BLE001 - what is looked for
            found.fail(f"{frame[:200]!r}\n{traceback.format_exc(limit=-3)}")
            continue
        found.outcomes[type(event).__name__] += 1
        if isinstance(event, MessageReceived) and not _is_storable(event):
            found.fail(f"not storable: {frame[:200]!r}")
        if isinstance(event, Malformed) and len(event.raw) > 65_536:
            found.fail(f"kept too much: {len(event.raw)} bytes")
    return found


def _is_storable(event: MessageReceived) -> bool:
    values = (event.text, event.conversation_id, event.external_id or "", event.sender.id,
              event.sender.name)  # fmt: skip
    try:
        return all("\x00" not in value for value in values if value.encode() is not None)
    except UnicodeEncodeError:
        return False


def fuzz_bodies(count: int, *, seed: int = 1) -> Fuzzed:
    """Every answer is understood, or refused with an error of the package that reads it."""
    rng, found = random.Random(seed), Fuzzed()
    decoders = tuple(_decoders())
    for _ in range(count):
        body = spoilt(rng, rng.choice(BODIES))
        raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        after = {"Retry-After": rng.choice(("1", "0", "-5", "x", "9" * 30, "Wed, 21 Oct 2015"))}
        answer = Answer(rng.choice(_STATUSES), after, raw, complete=rng.random() > 0.05)
        for name, decode in decoders:
            try:
                decode(answer)
            except (TranslationError, GenesysError) as error:
                found.outcomes[f"{name}: {type(error).__name__}"] += 1
            except Exception:  # noqa: BLE001 - what is looked for
                found.fail(f"{name}: {raw[:200]!r}\n{traceback.format_exc(limit=-3)}")
            else:
                found.outcomes[f"{name}: read"] += 1
    return found


def _decoders() -> Iterator[tuple[str, Callable[[Answer], Any]]]:
    yield "translations", _translated
    yield "history", messages_of
    yield "active", active_of


def _translated(answer: Answer) -> Any:
    if answer.status != 200:
        raise refusal(answer, now=NOW)
    return checked(TEXTS, parse(answer))


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--bodies", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(given)
    runs = {
        "frames": fuzz_frames(options.frames, seed=options.seed),
        "bodies": fuzz_bodies(options.bodies, seed=options.seed),
    }
    for name, found in runs.items():
        outcomes = json.dumps(dict(found.outcomes.most_common()))
        sys.stdout.write(f"{name}: {found.failed} failures, {outcomes}\n")
        for failure in found.failures:
            sys.stdout.write(f"{failure}\n")
    return int(any(found.failed for found in runs.values()))


if __name__ == "__main__":
    sys.exit(main())
