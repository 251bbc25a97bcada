"""The part of the bench about typing: keystroke to platform, CPU, and deliveries beside it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench import cost, report
from bench.contenders import Processes
from bench.live.contenders import DAPHNE
from bench.live.piped import Failed, Piped
from bench.load import Load
from bench.parley import Parley
from bench.stub_process import Stub
from bench.typing.platform import PATH as TYPING_PATH
from tests.processes import is_listening
from tests.server_process import spare_port

AGENTS, CONVERSATIONS, RATE = 100, 1_000, 20.0
_UP_WITHIN_S = 60.0
_THROTTLE_S = 0.5
_SLACK_S = 0.01  # between the gateway's sending and the platform's clock
LINES = (
    ("keys_s", "keystrokes/s", 0),
    ("indicators_s", "indicators/s at the platform", 0),
    ("p50_ms", "keystroke to platform p50, ms", 1),
    ("p99_ms", "keystroke to platform p99, ms", 1),
    ("max_ms", "keystroke to platform max, ms", 1),
    ("sockets", "typing sockets, at most", 0),
    ("web_percent", "web CPU, % of a core", 1),
    ("gateway_percent", "gateway CPU, % of a core", 1),
    ("added_p50_ms", "delivery p50, added, ms", 1),
    ("added_p99_ms", "delivery p99, added, ms", 1),
    ("missing", "messages missing", 0),
)


@dataclass(frozen=True, slots=True)
class Typing:
    agents: int = AGENTS
    conversations: int = CONVERSATIONS
    rate: float = RATE


def run(*, runs: int, seconds: int, plan: Typing = Typing()) -> list[dict[str, object]]:
    kept: list[dict[str, object]] = []
    found: dict[str, list[report.Figures]] = {}
    for number in range(1, runs + 1):
        sys.stderr.write(f"typing, run {number} …\n")
        for name, figures in _once(plan, seconds=seconds).items():
            found.setdefault(name, []).append(figures)
            kept.append({"load": "typing", "contender": name, **figures})
    title = (
        f"{plan.agents} agents typing among {plan.conversations:,} open conversations, "
        f"{plan.rate:g} messages/s, median of {runs}"
    )
    medians = {name: report.median(several) for name, several in found.items()}
    sys.stdout.write(report.table(title, medians, lines=LINES) + "\n\n")
    return kept


def _once(plan: Typing, *, seconds: int) -> dict[str, report.Figures]:
    with ExitStack() as stack:
        site = stack.enter_context(Parley())
        stub = stack.enter_context(Stub())
        platform_port, web_port = spare_port(), spare_port()
        board = stack.enter_context(Piped("bench.typing.platform", str(platform_port)))
        sockets = f"ws://127.0.0.1:{platform_port}"
        environment = site.environment(stub.address) | {
            "GENESYS_TYPING_SOCKET_URL": sockets + TYPING_PATH,
            "GENESYS_TRANSCRIPT_SOCKET_URL": f"{sockets}/transcript/{{conversation_id}}",
            "ALLOWED_ORIGINS": f"http://127.0.0.1:{web_port}",
            "HTTPS": "false",
        }
        desk = stack.enter_context(Piped("bench.typing.desk", environment=environment))
        cookies = desk.ask("prepare", agents=plan.agents, conversations=plan.conversations)
        gateway = [sys.executable, "manage.py", "run_gateway"]
        web = [sys.executable, *DAPHNE, "-p", str(web_port), "config.asgi:application"]
        workers = site.workers()
        processes = stack.enter_context(
            Processes([gateway, web, *workers], environment=environment)
        )
        _await(processes, lambda: is_listening(web_port), "the web process listens")
        _await(processes, lambda: stub.has_sockets(1, timeout_s=1.0), "the org socket is open")
        typists = stack.enter_context(Piped("bench.typing.typists"))
        typists.ask("open", port=web_port, cookies=cookies["cookies"])
        _open_sockets(processes, typists, board, plan)
        load = Load(tag="", messages=int(plan.rate * seconds), rate=plan.rate, provider_ms=50.0)
        _play(stub, load, tag="warm-up")
        alone = _play(stub, load, tag="without typing")
        together = _typed(processes, typists, board, stub, load)
    return {"without typing": alone, "typing": together}


def _open_sockets(processes: Processes, typists: Piped, board: Piped, plan: Typing) -> None:
    """What is measured begins with sockets that are open already."""
    typists.ask("start")
    _await(processes, lambda: board.ask("look")["open"] >= plan.agents, "all sockets are open")
    typists.ask("stop")
    time.sleep(4.0)  # until all are taken back
    board.ask("forget")


def _play(stub: Stub, load: Load, *, tag: str) -> report.Figures:
    played = stub.play(
        Load(tag=tag, messages=load.messages, rate=load.rate, provider_ms=load.provider_ms)
    )
    return {name: played.get(name) for name in ("added_p50_ms", "added_p99_ms", "missing")}


def _typed(
    processes: Processes, typists: Piped, board: Piped, stub: Stub, load: Load
) -> report.Figures:
    gateway, web = processes.pids[:2]
    before = [cost.cpu_s([pid]) for pid in (web, gateway)]
    began = time.monotonic()
    typists.ask("start")
    delivered = _play(stub, load, tag="typing")
    typed = typists.ask("stop")
    lasted = time.monotonic() - began
    spent = [cost.cpu_s([pid]) - was for pid, was in zip((web, gateway), before, strict=True)]
    if ended := processes.ended():
        raise Failed("; ".join(ended))
    time.sleep(4.0)
    seen = board.ask("look")
    waits = sorted(_waits(typed["reported"], seen["arrived"]))
    return {
        **delivered,
        "keys_s": typed["keys"] / lasted,
        "indicators_s": len(seen["arrived"]) / lasted,
        "p50_ms": _share(waits, 0.5),
        "p99_ms": _share(waits, 0.99),
        "max_ms": _share(waits, 1.0),
        "sockets": seen["most"],
        "web_percent": 100 * spent[0] / lasted,
        "gateway_percent": 100 * spent[1] / lasted,
    }


def _waits(reported: dict[str, list[float]], arrived: Sequence[Sequence[object]]) -> list[float]:
    """By indicator, in ms, from the keystroke that caused it: the first past the throttle."""
    waits = []
    before: dict[str, float] = {}
    for name, at in arrived:
        assert isinstance(name, str)
        assert isinstance(at, float)
        due = before.get(name, float("-inf")) + _THROTTLE_S - _SLACK_S
        cause = next((one for one in reported[name] if one >= due), None)
        if cause is not None and cause <= at:
            waits.append((at - cause) * 1000)
        before[name] = at
    return waits


def _share(waits: list[float], share: float) -> float | None:
    return waits[min(len(waits) - 1, int(len(waits) * share))] if waits else None


def _await(processes: Processes, condition: object, what: str) -> None:
    assert callable(condition)
    deadline = time.monotonic() + _UP_WITHIN_S
    while not condition():
        if ended := processes.ended():
            raise Failed("; ".join(ended))
        if time.monotonic() > deadline:
            raise Failed(f"not in {_UP_WITHIN_S:.0f} s: {what}")
        time.sleep(0.1)
