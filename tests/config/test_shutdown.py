"""A web server that is asked to end stores, and ends, whatever its requests are waiting for."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import httpx
import pytest

from tests.processes import ROOT, Processes, is_listening
from tests.server_process import spare_port

APPLICATION = """
import threading

from asgiref.sync import sync_to_async

from config import shutdown

shutdown.end_in_time(after=lambda: open("stored", "w").close())


async def application(scope, receive, send):
    open("asked", "w").close()
    await sync_to_async(threading.Event().wait)()
"""


@pytest.mark.timeout(60)
def test_n1_a_request_that_waits_forever_does_not_keep_the_web_server(tmp_path: Path):
    (tmp_path / "waiting.py").write_text(APPLICATION)
    processes = Processes(
        folder=tmp_path, environment={"PYTHONPATH": f"{tmp_path}:{ROOT}"}, root=tmp_path
    )
    port = spare_port()
    command = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "waiting:application"]
    web = processes.start("web", command, ready=lambda: is_listening(port))
    asking = threading.Thread(target=_ask, args=(f"http://127.0.0.1:{port}/",))
    asking.start()
    processes.wait_until((tmp_path / "asked").exists, what="the request waits", of=web)

    assert web.stop() == 0
    assert (tmp_path / "stored").exists()
    asking.join()


def _ask(address: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(address, timeout=30)
