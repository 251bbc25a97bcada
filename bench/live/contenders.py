"""What serves the pages: Parley's web process, stock Channels, a bare broadcast."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.contenders import Processes
from bench.live.piped import Failed, Piped
from bench.parley import Parley
from tests.processes import is_listening
from tests.server_process import spare_port

_START_WITHIN_S = 60.0
# As the image starts it.
DAPHNE = [
    *("-m", "daphne", "-v", "0", "-b", "127.0.0.1", "--websocket_timeout", "43200"),
    *("--ping-interval", "20", "--ping-timeout", "20", "--no-server-name"),
    *("--websocket-max-message-size", "65536", "--websocket-max-frame-size", "65536"),
]


@dataclass(slots=True)
class Served:
    """A running contender and its publisher."""

    port: int
    pids: list[int]
    publisher: Piped
    headers: list[str] = field(default_factory=list)
    acknowledges: bool = False

    def prepare(self, names: Sequence[str]) -> None:
        cookie = self.publisher.ask("prepare", names=list(names))["cookie"]
        if cookie:
            self.headers = [f"Origin: http://127.0.0.1:{self.port}", f"Cookie: {cookie}"]


class LiveContender:
    """`serving` runs its web process and its publisher; a fresh one for each load."""

    name = ""
    way = ""

    def __init__(self, site: Parley) -> None:
        self._site = site

    def command(self, port: int) -> list[str]:
        raise NotImplementedError

    def environment(self, port: int) -> Mapping[str, str]:
        origin = {"ALLOWED_ORIGINS": f"http://127.0.0.1:{port}", "HTTPS": "false"}
        return self._site.environment("127.0.0.1:9") | origin

    @contextlib.contextmanager
    def serving(self) -> Iterator[Served]:
        port = spare_port()
        environment = self.environment(port)
        command = [sys.executable, *self.command(port)]
        with Processes([command], environment=environment) as processes:
            _await(port, processes)
            arguments = (self.way, str(port))
            piped = Piped("bench.live.publisher", *arguments, environment=environment)
            with piped as publisher:
                yield Served(port, processes.pids, publisher, acknowledges=self.way == "parley")


class LiveParley(LiveContender):
    name = "Parley"
    way = "parley"

    def command(self, port: int) -> list[str]:
        return [*DAPHNE, "-p", str(port), "config.asgi:application"]


class StockChannels(LiveContender):
    name = "group_send"
    way = "layer"

    def command(self, port: int) -> list[str]:
        return [*DAPHNE, "-p", str(port), "bench.live.stock:application"]

    def environment(self, port: int) -> Mapping[str, str]:
        redis_url = self._site.environment("127.0.0.1:9")["REDIS_URL"]
        return {**os.environ, "REDIS_URL": redis_url}


class BareBroadcast(LiveContender):
    name = "broadcast"
    way = "bare"

    def command(self, port: int) -> list[str]:
        return ["-m", "bench.live.bare", str(port)]

    def environment(self, port: int) -> Mapping[str, str]:
        return os.environ


def _await(port: int, processes: Processes) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while not is_listening(port):
        if ended := processes.ended():
            raise Failed("; ".join(ended))
        if time.monotonic() > deadline:
            raise Failed(f"nothing listens at port {port} after {_START_WITHIN_S:.0f} s")
        time.sleep(0.05)
