"""The part of the bench about calls: stored and pushed as fast as it goes, then at a rate."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import Any

import psycopg

from bench import cost, report
from bench.calls import copying, redacting
from bench.contenders import Processes
from bench.live.contenders import DAPHNE
from bench.live.piped import Failed, Piped
from bench.parley import Parley
from tests.processes import is_listening
from tests.server_process import spare_port

_CALLS = 10
_OPEN_WITHIN_S = 60.0
_STORED_WITHIN_S = 180.0
_RATE = 100.0
LINES = (
    ("chunks_s", "chunks/s", 0),
    ("cpu_gateway_ms", "gateway's CPU, ms/chunk", 2),
    ("cpu_web_ms", "web process's CPU, ms/chunk", 2),
    ("lost", "lost", 0),
    ("p50_ms", "socket to browser p50, ms", 0),
    ("p99_ms", "socket to browser p99, ms", 0),
    ("max_ms", "socket to browser max, ms", 0),
    ("missed", "missed by the browser", 0),
    ("redaction_p50_ms", "redaction p50, ms/chunk", 3),
    ("redaction_mean_ms", "redaction mean, ms/chunk", 3),
    ("redaction_p99_ms", "redaction p99, ms/chunk", 3),
)


def run(*, runs: int, messages: int = 10_000, seconds: int = 20) -> list[dict[str, object]]:
    kept: list[dict[str, object]] = []
    found: dict[str, list[report.Figures]] = {}
    for number in range(1, runs + 1):
        sys.stderr.write(f"calls, run {number} …\n")
        for name, figures in _once(messages=messages, seconds=seconds).items():
            found.setdefault(name, []).append(figures)
            kept.append({"load": "assist", "contender": name, **figures})
    title = f"{messages:,} chunks over {_CALLS} calls; then {_RATE:g}/s; median of {runs}"
    medians = {name: report.median(several) for name, several in found.items()}
    sys.stdout.write(report.table(title, medians, lines=LINES) + "\n\n")
    return kept


def _once(*, messages: int, seconds: int) -> dict[str, dict[str, float | None]]:
    with ExitStack() as stack:
        site = stack.enter_context(Parley())
        figures = _parley(site, messages=messages, seconds=seconds)
        copy = {"chunks_s": copying.chunks_a_second(site.database_url() or "")}
    return {
        "Parley": figures | redacting.figures(),
        "COPY": dict(copy),
        "parse, forward": _forward(messages=messages),
    }


def _parley(site: Parley, *, messages: int, seconds: int) -> dict[str, float | None]:
    feed_port, web_port = spare_port(), spare_port()
    environment = site.environment(f"127.0.0.1:{feed_port}") | {
        "GENESYS_TRANSCRIPTION_SOCKET_URL": f"ws://127.0.0.1:{feed_port}/calls",
        "ASSIST_INTERACTIONS": " ".join(f"call-{number}" for number in range(_CALLS)),
        "MAX_CONCURRENT_STREAMS": str(_CALLS),
        "LATENCY_THRESHOLD_MS": "600000",  # all of them are shown, however fast they come
        "ALLOWED_ORIGINS": f"http://127.0.0.1:{web_port}",
        "HTTPS": "false",
        "LOG_LEVEL": "ERROR",
    }
    commands = [
        [sys.executable, "manage.py", "run_gateway"],
        [sys.executable, *DAPHNE, "-p", str(web_port), "config.asgi:application"],
    ]
    with (
        Piped("bench.calls.feeder", str(feed_port)) as feeder,
        Processes(commands, environment=environment) as processes,
        Piped("bench.live.publisher", "parley", str(web_port), environment=environment) as desk,
        Piped("bench.live.viewers") as viewers,
        psycopg.connect(site.database_url() or "", autocommit=True) as connection,
    ):
        _await(processes, lambda: feeder.ask("open")["open"] == _CALLS, "the calls are open")
        _await(processes, lambda: is_listening(web_port), "the web process listens")
        cookie = desk.ask("prepare", names=[])["cookie"]
        pages = {
            "port": web_port,
            "pages": [f"/ws/assist/call-{number}/" for number in range(_CALLS)],
            "headers": [f"Origin: http://127.0.0.1:{web_port}", f"Cookie: {cookie}"],
            "acks": True,
        }
        viewers.ask("open", **pages)
        _burst(feeder, connection, messages=200, first=1)  # warm
        before = [cost.cpu_s([pid]) for pid in processes.pids]
        fast = _burst(feeder, connection, messages=messages, first=1_000)
        spent = [cost.cpu_s([pid]) - was for pid, was in zip(processes.pids, before, strict=True)]
        viewers.ask("close")
        time.sleep(2.0)
        viewers.ask("open", **pages)
        count = int(_RATE * seconds)
        steady = feeder.ask("steady", messages=count, rate=_RATE, first=5_000_000)
        viewers.ask("wait", count=count, timeout_s=15.0)
        shown = viewers.ask("summary", published=steady["published"], expected=count)
        shown.pop("deliveries_s", None)
        cpu = [seconds * 1000 / messages for seconds in spent]
        return {**shown, **fast, "cpu_gateway_ms": cpu[0], "cpu_web_ms": cpu[1]}


def _burst(feeder: Piped, connection: Any, *, messages: int, first: int) -> dict[str, float]:
    before = _stored(connection)
    sent = feeder.ask("burst", messages=messages, first=first)
    deadline = time.monotonic() + _STORED_WITHIN_S
    while (now := _stored(connection)) < before + messages and time.monotonic() < deadline:
        time.sleep(0.02)
    took = time.monotonic() - sent["began"]
    return {"chunks_s": (now - before) / took, "lost": float(before + messages - now)}


def _stored(connection: Any) -> int:
    return int(connection.execute("SELECT count(*) FROM assist_chunk").fetchone()[0])


def _forward(*, messages: int) -> dict[str, float | None]:
    port = spare_port()
    with ExitStack() as stack:
        feeder = stack.enter_context(Piped("bench.calls.feeder", str(port)))
        feeder.ask("open")  # it listens now
        forwarder = stack.enter_context(Piped("bench.calls.forward", str(port), str(_CALLS)))
        _await(None, lambda: feeder.ask("open")["open"] == _CALLS, "the calls are open")
        sent = feeder.ask("burst", messages=messages, first=1)
        _await(None, lambda: forwarder.ask("count")["count"] == messages, "all is forwarded")
        return {"chunks_s": messages / (forwarder.ask("count")["last_at"] - sent["began"])}


def _await(processes: Processes | None, condition: Any, what: str) -> None:
    deadline = time.monotonic() + _OPEN_WITHIN_S
    while not condition():
        if processes is not None and (ended := processes.ended()):
            raise Failed("; ".join(ended))
        if time.monotonic() > deadline:
            raise Failed(f"not in {_OPEN_WITHIN_S:.0f} s: {what}")
        time.sleep(0.1)
