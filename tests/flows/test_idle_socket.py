"""Idle pages stay connected: Daphne, channels-redis and redis-py as they are installed (F24)."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.test import Client
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from conversations.live import doorbell
from tests.conversations.live.histories import History, a_conversation, a_user
from tests.conversations.live.pages import frames_of
from tests.processes import Processes
from tests.server_process import spare_port

IDLE_S = 60.0
HEARTBEATS_S = 4.0


def test_idle_sockets_live_for_a_minute_and_still_hear(processes: Processes):
    port = spare_port()
    processes.environment["ALLOWED_ORIGINS"] = f"http://127.0.0.1:{port}"
    web, address = processes.start_web(port=port)
    history = History(a_conversation("c-1"))
    cookie = session_cookie("sam")
    paths = ["/ws/live/", "/ws/live/c-1/", "/ws/live/c-1/?after=0"]
    with open_pages(address, paths, cookie) as pages:
        heard = listen_to_all(pages, until=time.monotonic() + IDLE_S)
        history.say("guest", "¿Sigue ahí?")
        doorbell.ring([(history.conversation.pk, history.conversation.seq)])
        wanted = ["cards", "row", "row"]
        for page, kind in zip(pages, wanted, strict=True):
            page.hear(kind)

    for frames in heard:
        beats = [frame for frame in frames if frame["type"] == "heartbeat"]
        assert len(beats) >= IDLE_S / HEARTBEATS_S / 2  # a database that stalls has none
    assert '"level"' not in web.output()  # it had nothing to say, but for Daphne's own lines


def listen_to_all(pages: Sequence[Page], *, until: float) -> list[list[dict[str, Any]]]:
    """Side by side: an error of Redis would close one after the other, about every 5 s."""
    with ThreadPoolExecutor(len(pages)) as threads:
        return list(threads.map(lambda page: page.listen(until=until), pages))


def session_cookie(user: str) -> str:
    """Of somebody who is logged in."""
    client = Client()
    client.force_login(a_user(user, "supervisor"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@contextlib.contextmanager
def open_pages(address: str, paths: Sequence[str], cookie: str) -> Iterator[list[Page]]:
    with contextlib.ExitStack() as stack:
        yield [
            Page(
                stack.enter_context(
                    connect(
                        address.replace("http", "ws", 1) + path,
                        origin=Origin(address),
                        additional_headers={"Cookie": cookie},
                        ping_interval=None,  # the server asks
                        proxy=None,
                    )
                )
            )
            for path in paths
        ]


class Page:
    """Listens as the console's own page does: it acknowledges what it hears, and says no more."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._heard = 0

    def hear(self, kind: str) -> None:
        """Returns when a frame of this kind has come, within 20 s."""
        until, kinds = time.monotonic() + 20, set()
        while kind not in kinds:
            assert time.monotonic() < until, f"no {kind}"
            kinds = {one["type"] for one in self.listen(until=time.monotonic() + 0.5)}

    def listen(self, *, until: float) -> list[dict[str, Any]]:
        """The frames up to a moment; raises when the server closes."""
        frames: list[dict[str, Any]] = []
        while (left := until - time.monotonic()) > 0:
            try:
                frames.extend(frames_of(str(self._socket.recv(timeout=left))))
            except TimeoutError:
                break
            self._heard += 1
            self._socket.send(json.dumps({"type": "ack", "n": self._heard}))
        return frames
