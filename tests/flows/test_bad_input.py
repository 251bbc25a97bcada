"""Whatever a frame holds, the stream goes on, what is good is delivered, what is bad is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conversations.models import DeadLetter
from tests.flows.embedded import Embedded
from tests.flows.frames import BIG, KEPT_BYTES, MALFORMED, ODD, as_bytes
from tests.flows.platform import Platform
from tests.processes import Processes

SPOKEN = {
    "": "",
    " \n\t ": "",
    "cero \x00 y \x00": "zero \u2400 and \u2400",
    "medio \ud83d par": "half \ufffd pair",
    "a" * 10_000: "b" * 10_000,
    "ه" * 10_000: "x" * 10_000,
    "😀" * 5_000: "y" * 5_000,
    "ß" * 20_000: "s" * 10_000,
    "e" + "\u0301\u0323" * 5_000: "e" * 100,
    "después de todo eso": "after all of that",
}
# As it asks for the translation of these, what a database cannot hold has been replaced.
CLEANED = {
    "cero \u2400 y \u2400": "zero \u2400 and \u2400",
    "medio \ufffd par": "half \ufffd pair",
}
# Longer than a translation service takes: recorded, and set aside for a person.
TOO_LONG = "largo " * (BIG // 6)

LEASE_LOST = "stream messaging org: lease lost, closing"  # the ledger names no other sockets

Kept = tuple[str, int, bytes]
Wait = Callable[..., None]


def test_bad_frames_on_postgresql(processes: Processes, platform: Platform):
    processes.start_worker()
    gateway = processes.start_gateway()
    processes.wait_until(platform.is_watched, what="the gateway holds the socket", of=gateway)

    send_everything(platform)

    wait_for_the_good(platform, processes.wait_until)
    assert gateway.is_running
    assert_held(platform, processes)
    assert_kept(
        [
            (letter.reason, letter.size, bytes(letter.body.body))
            for letter in DeadLetter.objects.filter(kind="frame").select_related("body")
        ]
    )
    assert_quiet(processes)


@pytest.mark.flow
def test_bad_frames_on_sqlite(embedded: Embedded):
    embedded.start(scenario="")

    send_everything(embedded.platform)

    wait_for_the_good(embedded.platform, embedded.processes.wait_until)
    assert_held(embedded.platform, embedded.processes)
    assert_kept(
        embedded.query(
            "SELECT reason, size, body FROM conversations_deadletter AS letter "
            "JOIN conversations_deadletterbody AS body ON body.dead_letter_id = letter.id "
            "WHERE kind = 'frame'"
        )
    )
    assert_quiet(embedded.processes)


def send_everything(platform: Platform) -> None:
    for frame in (*MALFORMED, *ODD):
        platform.send_frame(frame)
    for text, translation in CLEANED.items():
        platform.say(text, conversation="conv-clean", language="ES", translation=translation)
    platform.say(TOO_LONG, conversation="conv-long", language="ES", translation="n")
    for text, translation in SPOKEN.items():
        more = {"language": "ES", "translation": translation} if translation else {}
        platform.say(text, conversation="conv-good", **more)


def wait_for_the_good(platform: Platform, wait_until: Wait) -> None:
    """The last of the good ones has its attributes: what came before it has been dealt with."""
    wanted = [translation for translation in SPOKEN.values() if translation]
    wait_until(
        lambda: platform.counts().get("attributes", 0) >= len(wanted) + len(CLEANED),
        what="the good messages are delivered",
    )
    posts = [
        entry["text"]
        for entry in platform.get("/ledger")["entries"]
        if entry["kind"] == "post" and entry["conversationId"] == "conv-good"
    ]
    assert posts == wanted


def assert_held(platform: Platform, processes: Processes) -> None:
    """No frame closed the org socket; a machine too slow to renew its lease does, and says so."""
    entries = platform.get("/ledger")["entries"]
    closed = sum(e["kind"] == "socket" and e["state"] == "closed" for e in entries)
    lost = sum(process.output().count(LEASE_LOST) for process in processes.running)
    assert closed == lost, processes.tails()


def assert_kept(found: list[Kept]) -> None:
    """Every malformed frame, with its size, its reason and its first 64 KiB."""
    bodies = sorted(as_bytes(frame)[:KEPT_BYTES] for frame in MALFORMED)
    sizes = sorted(len(as_bytes(frame)) for frame in MALFORMED)
    assert sorted(size for _, size, _ in found) == sizes
    assert sorted(bytes(body) for _, _, body in found) == bodies
    assert all(reason for reason, _, _ in found)


def assert_quiet(processes: Processes) -> None:
    for process in processes.running:
        assert "Traceback" not in process.output(), process.output()
