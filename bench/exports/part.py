"""The part of the bench about exports: how fast beside COPY, in how much memory, and what a chat
notices of one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import django
import psutil  # type: ignore[import-untyped]
import psycopg

from bench import report
from bench.contenders import end_with_parent
from bench.exports import filling, lists
from bench.load import Load
from bench.parley import Parley
from bench.runner import measure
from bench.stub_process import Stub

_CHAT_S = 20
_CHAT_RATE = 20.0
_LOOK_S = 0.02
LINES = (
    ("rows_s", "rows/s", 0),
    ("copy_rows_s", "COPY of the same query, rows/s", 0),
    ("share", "… share of it", 2),
    ("ready_rows_s", "COPY of a ready table, rows/s", 0),
    ("ready_share", "… share of it", 2),
    ("rss_tenth_mb", "process at a tenth, MB (peak)", 0),
    ("rss_mb", "process at all of it, MB (peak)", 0),
)
CHAT_LINES = (
    ("added_p50_ms", "added latency p50, ms", 1),
    ("added_p99_ms", "added latency p99, ms", 1),
    ("added_max_ms", "added latency max, ms", 1),
    ("missing", "missing", 0),
)


def run(*, messages: int = 1_000_000) -> list[dict[str, object]]:
    with ExitStack() as stack:
        site = stack.enter_context(Parley())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-exports-")))
        sys.stderr.write(f"exports: filling {messages} messages …\n")
        filling.fill(site.database_url() or "", messages=messages)
        speed = _speed(site, folder, messages=messages)
        sys.stderr.write("exports: the admin's lists …\n")
        pages = lists.measured()
        chat = _chat(site, folder)
    sys.stdout.write(lists.table(f"The admin's lists at {messages:,} messages", pages) + "\n\n")
    sys.stdout.write(report.table(f"Export of {messages:,} messages", speed, lines=LINES) + "\n\n")
    title = f"Delivery at {_CHAT_RATE:g} messages/s while an export runs"
    sys.stdout.write(report.table(title, chat, lines=CHAT_LINES) + "\n\n")
    sys.stdout.write(_formula_cells() + "\n\n")
    both = {**speed, **chat, **pages}
    return [{"load": "exports", "contender": name, **figures} for name, figures in both.items()]


def _speed(site: Parley, folder: Path, *, messages: int) -> dict[str, report.Figures]:
    url = site.database_url() or ""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM conversations_message").fetchone()
    count = int(row[0]) if row else messages
    sys.stderr.write("exports: COPY …\n")
    copied = _copied(site, messages=count)
    found: dict[str, report.Figures] = {}
    for name, file_format, ours, ready in (
        ("CSV", "csv", "query", "table"),
        ("JSON lines", "jsonl", "query_json", "table_json"),
    ):
        sys.stderr.write(f"exports: {name} …\n")
        _, tenth_mb = _export(site, folder / "tenth", file_format, "--language", "de")
        rows_s, rss_mb = _export(site, folder / f"all.{file_format}", file_format)
        found[name] = {
            "rows_s": rows_s,
            "copy_rows_s": copied[ours],
            "share": rows_s / copied[ours],
            "ready_rows_s": copied[ready],
            "ready_share": rows_s / copied[ready],
            "rss_tenth_mb": tenth_mb,
            "rss_mb": rss_mb,
        }
    return found


def _copied(site: Parley, *, messages: int) -> Mapping[str, float]:
    """Its statement is the project's own: only now, with settings to read, can that be loaded."""
    os.environ.update(site.environment("stub"))
    django.setup()
    from bench.exports import copying

    return copying.rows_a_second(site.database_url() or "", messages=messages)


def _command(path: Path, file_format: str, *more: str) -> list[str]:
    export = ["manage.py", "export", "transcripts", "--format", file_format]
    return [sys.executable, *export, "--output", str(path), *more]


def _export(site: Parley, path: Path, file_format: str, *more: str) -> tuple[float, float]:
    """Rows a second by the command's own clock (heads, journal and manifest with them), and the
    most memory that its process took."""
    process = subprocess.Popen(  # noqa: S603 - a command of ours
        _command(path, file_format, *more),
        env=site.environment("stub"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=end_with_parent,
    )
    peak = [0.0]
    watching = threading.Thread(target=_watch, args=(process.pid, peak))
    watching.start()
    _, said = process.communicate()
    watching.join()
    found = re.search(r"(\d+) rows in ([\d.]+) s", said)
    if process.returncode or found is None:
        raise subprocess.CalledProcessError(process.returncode, "manage.py export", said)
    return int(found[1]) / max(0.1, float(found[2])), peak[0]


def _watch(pid: int, peak: list[float]) -> None:
    try:
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            peak[0] = max(peak[0], process.memory_info().rss / 1e6)
            threading.Event().wait(_LOOK_S)
    except psutil.NoSuchProcess:
        return


def _chat(site: Parley, folder: Path) -> dict[str, report.Figures]:
    count = int(_CHAT_S * _CHAT_RATE)
    load = Load(tag="", messages=count, conversations=50, rate=_CHAT_RATE, provider_ms=50.0)
    with Stub() as stub:
        sys.stderr.write("exports: chat alone …\n")
        alone = measure(site, stub, replace(load, tag="alone"))
        sys.stderr.write("exports: chat beside an export …\n")
        with _exporting(site, folder):
            beside = measure(site, stub, replace(load, tag="beside"))
    return {"with an export": beside, "without": alone}


@contextmanager
def _exporting(site: Parley, folder: Path) -> Iterator[None]:
    """One export after the other until the block ends."""
    over = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def again() -> None:
        while not over.is_set():
            process = subprocess.Popen(  # noqa: S603
                _command(folder / "beside", "jsonl"),
                env=site.environment("stub"),
                stderr=subprocess.DEVNULL,
                preexec_fn=end_with_parent,
            )
            running[:] = [process]
            process.wait()

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        over.set()
        for process in running:
            process.terminate()
        thread.join()


def _formula_cells() -> str:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        return "LibreOffice is not on this machine: its formula cells were not counted."
    from bench.exports.office import formula_cells

    return f"LibreOffice: {formula_cells(office)} formula cells in the hostile CSV"
