"""A wrong setting is said in one line that names it and the fix; nothing spins, nothing traces."""

from __future__ import annotations

import re
import socket
import time

import httpx
import pytest

from conversations.models import Message, StreamState
from tests.flows.platform import Platform
from tests.processes import Processes
from tests.server_process import spare_port

pytestmark = pytest.mark.flow
NOWHERE = "127.0.0.1:1"  # nobody listens there
NO_DATABASE = f"postgresql://parley:parley@{NOWHERE}/parley"
NO_REDIS = f"redis://{NOWHERE}/0"


@pytest.mark.parametrize("missing", ["SECRET_KEY", "FIELD_KEY", "JOURNAL_KEY"])
def test_a_missing_key_is_named_with_a_way_to_make_one(machine: Processes, missing: str):
    del machine.environment[missing]

    ended = machine.run("check")

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"parley: {missing} is not set. Give it at least 32")


@pytest.mark.parametrize(
    ("command", "name", "value", "says"),
    [
        ("check", "SECRET_KEY", "short", "SECRET_KEY is too short: at least 32 characters"),
        ("check", "DATABASE_URL", "mysql://root@localhost/x", "must begin with postgresql://"),
        ("check", "HEAD_WAIT_S", "soon", "HEAD_WAIT_S must be a whole number"),
        ("check", "FIELD_KEY_FILE", "/nowhere/key", "FIELD_KEY_FILE: cannot read /nowhere/key"),
        ("check", "REDIS_URL", "localhost:6379", "must be an address that begins with redis://"),
        ("check", "ADMIN_NETWORKS", "10.0.0.5/8", "Write 10.0.0.0/8, or 10.0.0.5 for that"),
        ("check", "LOG_LEVEL", "loud", "LOG_LEVEL must be one of DEBUG, INFO"),
        ("run_gateway", "GENESYS_CLIENT_ID", "", "Create an OAuth client"),
        ("run_gateway", "GENESYS_CLIENT_SECRET", "", "Create an OAuth client"),
        ("run_embedded", "GENESYS_OAUTH_STYLE", "digest", "must be one of basic, form"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_setting(
    machine: Processes, command: str, name: str, value: str, says: str
):
    machine.environment.pop(name.removesuffix("_FILE"), None)
    machine.environment[name] = value

    ended = machine.run(command)

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("parley: ")
    assert name in ended.stderr
    assert says in ended.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("DATABASE_URL", NO_DATABASE), ("REDIS_URL", NO_REDIS)]
)
def test_the_doctor_names_the_server_that_does_not_answer(
    machine: Processes, name: str, value: str
):
    machine.environment[name] = value

    ended = machine.run("doctor")

    assert ended.returncode == 1
    [line] = [line for line in ended.stdout.splitlines() if f"Set {name}" in line]
    assert line.startswith("FAIL ")
    assert "not reachable" in line
    assert "start the server it names" in line
    assert "Traceback" not in ended.stderr


def test_the_doctor_has_examined_everything_in_seconds_whatever_is_silent(machine: Processes):
    """A database that takes the connection and says nothing is the slowest of all."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "{}:{}".format(*silent.getsockname())
        machine.environment |= {
            "DATABASE_URL": f"postgresql://parley:parley@{address}/parley",
            "REDIS_URL": f"redis://{address}/0",
            "GENESYS_API_URL": f"http://{NOWHERE}",
            "TRANSLATION_API_URL": f"http://{NOWHERE}",
        }
        began = time.monotonic()
        ended = machine.run("doctor")

    assert time.monotonic() - began < 30  # of which Python and Django take two or more to start
    assert ended.returncode == 1
    names = [line.split(":")[0].split(maxsplit=1)[1] for line in ended.stdout.splitlines()]
    assert names == [
        "keys",
        "origins",
        "database",
        "broker",
        "Genesys credentials",
        "translation",
        "exports",
        "clock",
    ]


@pytest.mark.parametrize(
    "command",
    [["migrate"], ["verify_audit"], ["export", "transcripts", "--output", "-"]],
    ids=lambda command: command[0],
)
def test_a_command_without_its_database_says_so(machine: Processes, command: list[str]):
    machine.environment["DATABASE_URL"] = NO_DATABASE

    ended = machine.run(*command)

    assert ended.returncode in {1, 2}
    assert "DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_gateway_with_a_wrong_secret_is_refused_and_does_not_ask_again(
    processes: Processes, platform: Platform
):
    processes.environment["GENESYS_CLIENT_SECRET"] = "not-the-right-secret"
    gateway = processes.start_gateway()

    processes.wait_until(
        lambda: StreamState.objects.filter(kind="messaging", state="refused").exists(),
        what="the stream is refused",
        of=gateway,
    )

    stream = StreamState.objects.get(kind="messaging")
    assert "GENESYS_CLIENT" in stream.reason
    asked = platform.counts()["token"]
    processes.wait_until(
        lambda: (
            (
                StreamState.objects.get(kind="messaging").updated_at - stream.updated_at
            ).total_seconds()
            > 3
        ),
        what="the gateway is alive",
        of=gateway,
    )
    assert platform.counts()["token"] == asked <= 2
    assert "Traceback" not in gateway.output()
    assert "not-the-right-secret" not in gateway.output()
    # The page that probes look at says why.
    _, address = processes.start_web()
    answer = httpx.get(f"{address}/readyz", timeout=30)
    assert answer.status_code == 503
    assert "refused" in answer.text
    assert gateway.stop() == 0


def test_a_gateway_without_redis_goes_on_receiving(processes: Processes, platform: Platform):
    processes.environment["REDIS_URL"] = NO_REDIS
    gateway = processes.start_gateway(ready=platform.is_watched)
    _, address = processes.start_web()

    for number in range(5):
        platform.say(f"mensaje {number}", conversation="conv-1", language="ES")

    processes.wait_until(lambda: Message.objects.count() == 5, what="all is stored", of=gateway)
    assert "Traceback" not in gateway.output()
    answer = httpx.get(f"{address}/readyz", timeout=30)
    assert answer.status_code == 503
    assert re.search(r"^broker: not reachable", answer.text, re.MULTILINE)
    assert gateway.stop() == 0


def test_two_demos_on_one_port_are_told_apart(machine: Processes):
    """A simulator may move to a spare port; the pages' port is the one that people asked for."""
    machine.environment = {"PARLEY_HOME": machine.environment["PARLEY_HOME"]}
    port = spare_port()
    ports = ["--port", str(port), "--simulator-port", str(spare_port())]
    first = machine.start("first", ["manage.py", "run_embedded", *ports])
    try:
        machine.wait_until(lambda: "Log in as" in first.output(), what="it greets", of=first)
        ended = machine.run("run_embedded", *ports)
    finally:
        machine.stop_all()

    assert ended.returncode == 1
    assert f"Port {port} is in use" in ended.stderr
    assert "Traceback" not in ended.stderr
