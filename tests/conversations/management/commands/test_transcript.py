"""`manage.py transcript` as a real process: lines, codes, Ctrl-C, a closed pipe."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conversations.models import Conversation, Delivery, Message, MessageText
from tests.conversations.histories import translated
from tests.conversations.services.wire import event as said
from tests.conversations.services.wire import record
from tests.processes import ROOT, Processes, RunningProcess
from tests.simulators import SimulatorThread

pytestmark = pytest.mark.django_db(transaction=True)


def on_platform(simulator: SimulatorThread, act: Callable[[Any], Any]) -> Any:
    async def run() -> Any:
        return act(simulator.server)

    return simulator.call(run())


def opened(simulator: SimulatorThread) -> Any:
    return on_platform(
        simulator,
        lambda server: server.world.conversation("conv-1", guest="Anonymous", agent="Tom"),
    )


def follow(
    processes: Processes, simulator: SimulatorThread, *options: str, **environment: str
) -> RunningProcess:
    opened(simulator)
    return processes.start(
        "transcript",
        ["manage.py", "transcript", "conv-1", *options],
        ready=lambda: simulator.server.transcripts.of("conv-1") == 1,
        environment={"NO_COLOR": "", **environment},
    )


def say(simulator: SimulatorThread, *acts: Callable[[Any, Any], Any]) -> None:
    for act in acts:
        on_platform(
            simulator,
            lambda server, act=act: act(server.world, server.world.conversation("conv-1")),
        )


def guest(text: str) -> Callable[[Any, Any], Any]:
    return lambda world, conversation: world.say_as_guest(conversation, text, language="ES")


def close(world: Any, conversation: Any) -> None:
    world.close_conversation(conversation)


def shows(process: RunningProcess, text: str) -> Callable[[], bool]:
    return lambda: text in process.output()


def end(process: RunningProcess) -> int:
    return process.popen.wait(20)


def test_a_whole_conversation_to_its_end(processes, simulator_thread):
    process = follow(processes, simulator_thread, "--utc")

    say(
        simulator_thread,
        guest("Hola \x1b[31m"),
        lambda world, conversation: world.say_as_agent(conversation, "Hello"),
        lambda world, conversation: world.type_(conversation, "guest", "active"),
    )
    on_platform(simulator_thread, lambda server: server.transcripts.tell_update("conv-1"))
    processes.wait_until(shows(process, "[UPDATE]"), what="the update", of=process)
    processes.wait_until(shows(process, "[Agent]"), what="the agent's line", of=process)
    say(simulator_thread, close)

    assert end(process) == 0
    output = process.output()
    assert re.search(r"^\d\d:\d\d:\d\d \[Customer\] Anonymous: Hola \u241b\[31m$", output, re.M)
    assert re.search(r"^\d\d:\d\d:\d\d \[Agent\] Tom: Hello$", output, re.M)
    assert re.search(r"^\[UPDATE\] Conversation status changed at \d\d:\d\d:\d\d$", output, re.M)
    assert "[CLOSED] Transcript stream ended. Conversation terminated.\n" in output
    assert "typing" not in output
    assert "\x1b" not in output
    assert "Traceback" not in output


def test_ctrl_c_ends_it_quietly(processes, simulator_thread):
    process = follow(processes, simulator_thread, "--verbose")
    say(simulator_thread, lambda world, one: world.type_(one, "guest", "active"))
    processes.wait_until(shows(process, "typing"), what="the typing", of=process)

    process.popen.send_signal(signal.SIGINT)

    assert end(process) == 130
    assert "Traceback" not in process.output()
    processes.wait_until(
        lambda: simulator_thread.server.transcripts.count == 0, what="the socket is closed"
    )


def test_a_reader_that_goes_away_ends_it(processes, simulator_thread):
    opened(simulator_thread)
    command = [sys.executable, "manage.py", "transcript", "conv-1"]
    environment = processes._whole(None)
    with subprocess.Popen(  # noqa: S603 - a command of ours
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        processes.wait_until(
            lambda: simulator_thread.server.transcripts.of("conv-1") == 1, what="it follows"
        )
        running.stdout.close()
        say(simulator_thread, guest("Hola"))

        assert running.wait(20) == 141
        assert b"Traceback" not in running.stderr.read()


def test_a_refusal_has_its_code_and_words(processes, simulator_thread):
    opened(simulator_thread)
    rule = {"where": "transcript_handshake", "kind": "1008", "nth": [1, 2]}
    on_platform(simulator_thread, lambda server: server.world.faults.add(rule))

    done = processes.run("transcript", "conv-1")

    assert done.returncode == 3
    assert "(1008)" in done.stderr
    assert done.stdout == ""


def test_a_missing_setting_has_code_2(processes):
    done = processes.run("transcript", "conv-1", environment={"GENESYS_CLIENT_ID": ""})

    assert (done.returncode, "GENESYS_CLIENT_ID is not set" in done.stderr) == (2, True)


@pytest.mark.parametrize("arguments", [[], [" "], ["c" * 201], ["conv-1", "--tranlated"]])
def test_bad_usage_is_refused_before_anything_is_asked(arguments):
    with pytest.raises(CommandError):
        call_command("transcript", *arguments)


def test_translations_stand_beside_their_originals(processes, simulator_thread):
    process = follow(processes, simulator_thread, "--translated", "--utc")
    say(simulator_thread, guest("Hola"))
    processes.wait_until(shows(process, "Hola"), what="the original", of=process)

    record(said("Hola"))
    translated(Message.objects.get(), "Hello")
    processes.wait_until(shows(process, "Hello"), what="the translation", of=process)
    say(simulator_thread, guest("Hello"), close)  # what we posted comes back

    assert end(process) == 0
    assert re.findall(r"\[Customer\] (.*)", process.output())[1:] == [
        f"Maria ({MessageText.objects.get(role='translated').language}): Hello"
    ]
    assert Delivery.objects.count() == Conversation.objects.count() == 1


def test_colours_on_a_terminal_alone(processes, simulator_thread):
    opened(simulator_thread)
    master, slave = pty.openpty()
    environment = {**processes._whole(None), "TERM": "xterm", "NO_COLOR": ""}
    with subprocess.Popen(
        [sys.executable, "manage.py", "transcript", "conv-1"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.DEVNULL,
    ) as running:
        os.close(slave)
        processes.wait_until(
            lambda: simulator_thread.server.transcripts.of("conv-1") == 1, what="it follows"
        )
        say(simulator_thread, guest("Hola"))
        first = os.read(master, 4096)
        running.terminate()

        assert running.wait(20) == 143
    os.close(master)
    assert b"\x1b[36m[Customer]\x1b[0m" in first
