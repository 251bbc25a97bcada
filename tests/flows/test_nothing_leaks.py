"""Twelve planted secrets and a guest's words, looked for everywhere after a run with faults.

Secrets stand in no log, page, export, task, Redis or database (S9, G13); what a guest said and was
told stands nowhere once they are erased (S20, G15).
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from django.conf import settings
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from conversations.models import Conversation, DeadLetter, Delivery, Message
from conversations.services.guest_erasure import request_erasure, run_erasure
from conversations.services.verification import verify_journal
from tests.conversations import histories
from tests.conversations.second_factors import code_at
from tests.doors.visitors import Visitor, session_cookie
from tests.flows.platform import Platform
from tests.postgres_server import find_binaries
from tests.processes import Processes
from tests.server_process import spare_port
from tests.servers import TEST_ENVIRONMENT
from tests.simulators import SimulatorThread

CONVERSATION = "conv-canary"
WORDS = {
    "original": "Palabra-canario-4c17",
    "translated": "Canary-word-4c17",
    "name": "Nombre-canario-9a02",
    "frame": "Marco-canario-51de",
    "file": "archivo-canario-77b1.pdf",
}
PASSWORD, TYPED_AS_NAME = "canary-password-83fa1c", "canary-typed-as-a-name-60d1"
PLANTED = {
    "METRICS_TOKEN": "canary-metrics-token-0123456789-abcdef",
    "KNOWLEDGE_API_KEY": "canary-knowledge-key-0123456789",
    "TRANSLATION_API_KEY": "canary-translation-key-0123456789",
}
FAULTS: list[dict[str, Any]] = [
    {"where": "token", "kind": "500", "nth": 1, "times": 1},
    {"where": "post", "kind": "401", "nth": 2, "times": 1},
    {"where": "post", "kind": "html", "nth": 4, "times": 1},
    {"where": "put", "kind": "400", "nth": 1, "times": 1},
    {"where": "translate", "kind": "503", "nth": 2, "times": 1},
    {"where": "translate", "kind": "wrong_schema", "nth": 3, "times": 1},
    {"where": "socket", "kind": "malformed", "nth": 3, "times": 1},
]


@pytest.mark.timeout(150)
def test_no_secret_leaves_its_place_and_no_word_outlives_its_guest(
    processes: Processes, platform: Platform, simulator_thread: SimulatorThread, tmp_path: Path
):
    port = spare_port()
    processes.environment |= PLANTED | {
        "ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "DEBUG",
        "KNOWLEDGE_API_URL": f"{simulator_thread.base_url}/knowledge/query",
    }
    platform.add_faults(*FAULTS)
    processes.start_worker()
    processes.start_gateway()
    processes.wait_until(platform.is_watched, what="the gateway holds the socket")
    _, address = processes.start_web(port=port)
    guest = speak(processes, platform)
    pages = visit(address)
    exported = tmp_path / "export.jsonl"
    call_command("export", "transcripts", "--format", "jsonl", "--output", str(exported))

    own = a_second_factor(address)
    kept, planted = stores(), secrets(simulator_thread, pages) | own
    outside = {
        "pages": "\n".join(pages.values()),
        "logs": "\n".join(one.output() for one in processes.running),
        "commands": "\n".join(commands_of(processes)),
        "export": exported.read_text(),
        **kept,
    }
    assert platform.fired() >= 5
    assert secrets_in(outside, planted) == []
    assert {word for word in WORDS.values() if word in kept["database"]} == set(WORDS.values())
    assert WORDS["original"] in outside["export"] + outside["pages"]

    erased = processes.run("erase_guest", guest, "--reason", "request 4711")
    assert erased.returncode == 0, erased.stderr

    left = {**stores(), "logs": "\n".join(one.output() for one in processes.running)}
    searched = [*WORDS.values(), guest]
    assert [(place, word) for word in searched for place in left if word in left[place]] == []
    assert verify_journal().holds
    again = request_erasure(guest, reason="request 4711", actor="console")
    assert run_erasure(again).messages == 0


def speak(processes: Processes, platform: Platform) -> str:
    """A guest whose words are planted, another one, and frames that nobody can read."""
    for number in range(4):
        platform.say(f"hola {number}", conversation="conv-other")
    said = {"name": WORDS["name"], "language": "ES", "translation": WORDS["translated"]}
    platform.say(WORDS["original"], conversation=CONVERSATION, **said)
    conversations = Conversation.objects.filter(external_id=CONVERSATION)
    processes.wait_until(conversations.exists, what="the guest is known")
    guest = conversations.get().guest_id
    file = {"id": "f", "name": WORDS["file"], "contentType": "x/y", "size": 1, "url": "https://f"}
    frame = {
        "type": "message",
        "conversationId": CONVERSATION,
        "id": "m-file",
        "from": {"id": guest, "type": "guest", "name": WORDS["name"]},
        "text": WORDS["original"],
        "timestamp": timezone.now().isoformat(),
        "attachments": [file],
    }
    platform.send_frame(json.dumps(frame))
    platform.send_frame(f'{{"conversationId": "{CONVERSATION}", "text": "{WORDS["frame"]}')
    processes.wait_until(
        lambda: (
            DeadLetter.objects.filter(kind="frame", body__isnull=False, size__lt=200).exists()
            and Message.objects.filter(external_id="m-file").exists()
            and not Message.objects.awaiting_translation().exists()
            and not Delivery.objects.unfinished().exists()
        ),
        what="all is recorded and delivered",
        within_s=60,
    )
    return guest


def visit(address: str) -> dict[str, str]:
    """Every page that somebody can open, after logging in with a planted password."""
    histories.user("root", is_superuser=True, password=PASSWORD)
    with httpx.Client(base_url=address, trust_env=False, timeout=20) as client:
        for name, password in ((TYPED_AS_NAME, "x"), ("root", "wrong"), ("root", PASSWORD)):
            client.get("/login/")
            token = client.cookies[settings.CSRF_COOKIE_NAME]
            data = {"username": name, "password": password, "csrfmiddlewaretoken": token}
            answer = client.post("/login/", data=data, headers={"Origin": address})
        assert answer.status_code == 302
        paths = ["/live/", f"/live/{CONVERSATION}/", f"/live/{CONVERSATION}/messages/",
                 "/operations/", "/assist/", "/no-such-page/", "/readyz"]  # fmt: skip
        for model in admin.site._registry:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            paths.append(reverse(f"{name}_changelist"))
            record = model._default_manager.order_by("-pk").first()
            if record is not None:
                paths.append(reverse(f"{name}_change", args=[record.pk]))
        pages = {path: client.get(path).text for path in paths}
        pages["session"] = client.cookies[settings.SESSION_COOKIE_NAME]
    visitor = Visitor(address, pages["session"])
    with visitor.open(f"/ws/live/{CONVERSATION}/") as socket:
        pages["socket"] = str(socket.recv(timeout=10))
    visitor.close()
    return pages


def a_second_factor(address: str) -> dict[str, str]:
    """Set up on its page; what that shows once stands nowhere afterwards."""
    sue = histories.user("sue", "supervisor", password=PASSWORD)
    visitor = Visitor(address, session_cookie(sue))
    own = {"password": PASSWORD}
    shown = visitor.request("POST", "/account/second-factor/", data=own).text
    letters = shown.split('class="secret"><code>')[1].split("</code>")[0].replace(" ", "")
    code = code_at(letters, timezone.now())
    confirmed = visitor.request("POST", "/account/second-factor/confirm/", data={"code": code})
    codes = re.findall(r"<li><code>([\w-]+)</code>", confirmed.text)
    visitor.close()
    assert len(codes) == 10
    key = base64.b32decode(letters)
    return {
        "secret": letters,
        "secret in hexadecimal": key.hex(),
        "recovery code": codes[0],
        "recovery code, plain": codes[1].replace("-", ""),
    }


def secrets(simulator: SimulatorThread, pages: dict[str, str]) -> dict[str, str]:
    names = ("SECRET_KEY", "FIELD_KEY", "JOURNAL_KEY", "JOURNAL_SIGNING_KEY")
    found = {name: TEST_ENVIRONMENT[name] for name in names}
    found["GENESYS_CLIENT_SECRET"] = TEST_ENVIRONMENT["GENESYS_CLIENT_SECRET"]
    found |= PLANTED
    found["DATABASE_URL"] = str(connection.settings_dict["PASSWORD"])
    found |= {"password": PASSWORD, "typed as a name": TYPED_AS_NAME}
    found["access token"] = next(iter(simulator.world.tokens._held))
    found["session"] = pages.pop("session")
    assert len(found) >= 12
    assert all(len(value) > 8 for value in found.values())
    return found


def secrets_in(places: dict[str, str], planted: dict[str, str]) -> list[tuple[str, str]]:
    return [(place, name) for place in places for name in planted if planted[name] in places[place]]


def stores() -> dict[str, str]:
    """The database row by row and as pg_dump has it, and all of Redis with its queues."""
    values = connection.settings_dict
    dump = subprocess.run(  # noqa: S603 - the server's own tool
        [str(find_binaries() / "pg_dump"), "--inserts", str(values["NAME"])],
        env={"PGHOST": str(values["HOST"]), "PGPORT": str(values["PORT"]),
             "PGUSER": str(values["USER"]), "PGPASSWORD": str(values["PASSWORD"])},
        capture_output=True,
        check=True,
    ).stdout  # fmt: skip
    return {"dump": dump.decode("utf-8", "replace"), "database": rows(), "redis": in_redis()}


def rows() -> str:
    """As text, what is bytes as well: a dump writes those in hexadecimal."""
    from tests.conversations.services.test_nothing_left import tables

    return tables()


def in_redis() -> str:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        found: list[bytes] = []
        for key in client.scan_iter():
            found += [key, client.dump(key) or b""]
    return b"\n".join(found).decode("utf-8", "replace")


def commands_of(processes: Processes) -> Iterable[str]:
    for one in processes.running:
        yield Path(f"/proc/{one.popen.pid}/cmdline").read_bytes().decode()
