"""What the pages' sockets end with, and what a page that does not read costs; real Daphne."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from conversations.live import doorbell
from conversations.models import Agent
from tests.conversations.live.histories import History, a_conversation, a_user
from tests.conversations.live.pages import Page, Pieces
from tests.processes import Processes, RunningProcess, is_listening
from tests.server_process import spare_port

STALLED, HEALTHY = 50, 10
TEXT = "x" * 40_000
MESSAGES = 200  # 8 MB for each page: far more than its credit and the kernel's buffers
RATE = 40  # a second: what a page that reads takes without falling behind
DAPHNE = ("-m", "daphne", "-b", "127.0.0.1", "--websocket-max-message-size", "65536")


class Site:
    def __init__(self, processes: Processes, application: str) -> None:
        self.port = spare_port()
        self.address = f"http://127.0.0.1:{self.port}"
        processes.environment["ALLOWED_ORIGINS"] = self.address
        command = [*DAPHNE, "-p", str(self.port), application]
        self.web: RunningProcess = processes.start(
            "web", command, ready=lambda: is_listening(self.port)
        )

    @contextlib.contextmanager
    def page(self, path: str, cookie: str) -> Iterator[ClientConnection]:
        with connect(
            self.address.replace("http", "ws", 1) + path,
            origin=Origin(self.address),
            additional_headers={"Cookie": cookie} if cookie else None,
            ping_interval=None,
            max_size=None,
            proxy=None,
        ) as opened:
            yield opened

    def stalled(self, path: str, cookie: str) -> socket.socket:
        """A browser that never reads: neither it nor its kernel takes anything."""
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.connect(("127.0.0.1", self.port))
        head = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: c3RhbGxlZHN0YWxsZWQhIQ==",
            "Sec-WebSocket-Version: 13",
            f"Origin: {self.address}",
            f"Cookie: {cookie}",
        ]
        opened.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        return opened


def cookie_of(user: object) -> str:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


def code_after(page: ClientConnection, act: Callable[[ClientConnection], object]) -> int:
    """Read until something is there, act, and read to the end."""
    with contextlib.suppress(ConnectionClosed):
        page.recv(timeout=10)
        act(page)
        while True:
            page.recv(timeout=20)
    return page.close_code or 0


def flood(page: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        for _ in range(300):
            page.send('{"type":"ack","n":0}')


def test_every_close_has_a_code_of_its_own(processes: Processes):
    """Autobahn lets through 1000 and 3000 to 4999; of any other it makes 1011."""
    agent = a_user("alice", "agent", agent_id="agent-1")
    cookie = cookie_of(a_user("sam", "supervisor"))
    a_conversation("c-1")
    site = Site(processes, "tests.flows.small_limits:application")
    acts: dict[int, Callable[[ClientConnection], object]] = {
        4400: lambda page: page.send("no json"),
        4413: lambda page: page.send(json.dumps({"type": "ack", "n": 0, "more": "x" * 5000})),
        4429: flood,
        4008: lambda page: None,  # acknowledges nothing
    }

    codes = {}
    for code, act in acts.items():
        with site.page("/ws/live/c-1/", cookie) as page:
            codes[code] = code_after(page, act)
    with site.page("/ws/live/", cookie_of(agent)) as page:
        codes[4409] = code_after(page, lambda page: sees_more(agent))
    with contextlib.ExitStack() as others:
        for _ in range(3):
            others.enter_context(site.page("/ws/live/c-1/", cookie))
        with site.page("/ws/live/c-1/", cookie) as page:
            codes[4513] = code_after(page, lambda page: None)
    for code, path, who in ((4401, "/ws/live/", ""), (4404, "/ws/live/none/", cookie)):
        with site.page(path, who) as page:
            codes[code] = code_after(page, lambda page: None)

    assert codes == {code: code for code in codes}
    assert len(codes) == 8


def sees_more(agent: object) -> None:
    agent.groups.add(Group.objects.get_or_create(name="supervisor")[0])  # type: ignore[attr-defined]
    Agent.objects.filter(user=agent).update(external_id="agent-2")


def resident_mb(web: RunningProcess) -> float:
    return psutil.Process(web.popen.pid).memory_info().rss / 1e6


@pytest.mark.timeout(180)
def test_pages_that_do_not_read_cost_a_megabyte_each_and_hold_up_nobody(processes: Processes):
    """Reliability F1 and F15: unbounded, these would be 8 MB each."""
    cookie = cookie_of(a_user("sam", "supervisor"))
    history = History(a_conversation("c-1"))
    site = Site(processes, "config.asgi:application")
    path = "/ws/live/c-1/"
    with contextlib.ExitStack() as stack:
        healthy = [stack.enter_context(site.page(path, cookie)) for _ in range(HEALTHY)]
        stalled = [stack.enter_context(site.stalled(path, cookie)) for _ in range(STALLED)]
        readers = stack.enter_context(ThreadPoolExecutor(HEALTHY))
        reading = [readers.submit(read_to_end, page) for page in healthy]
        time.sleep(1)
        before = resident_mb(site.web)
        most = before
        for _ in range(MESSAGES):
            said = history.say("guest", TEXT)
            doorbell.ring([(history.conversation.pk, said.seq)])
            most = max(most, resident_mb(site.web))
            time.sleep(1 / RATE)
        history.step("close")
        shown = [future.result(timeout=60) for future in reading]
        most = max(most, resident_mb(site.web))
        assert len(stalled) == STALLED

    assert shown == [MESSAGES] * HEALTHY
    # What the healthy ones were sent at the same time, and what is read at once, is in it too.
    assert most - before < STALLED * 1.0


def read_to_end(page: ClientConnection) -> int:
    """As a page does, until the conversation has ended; how many messages it shows then."""
    kept, heard = Page(), 0
    deadline = time.monotonic() + 120
    while (
        not (kept.is_whole and kept.conversation["state"] == "closed")
        and time.monotonic() < deadline
    ):
        kept.receive(str(page.recv(timeout=60)))
        heard += 1
        page.send(json.dumps({"type": "ack", "n": heard}))
    return len(kept.rows)


def test_a_flood_from_a_browser_costs_little(processes: Processes):
    """Reliability F9 and F16: what is sent before anybody has looked is taken from the queue."""
    cookie = cookie_of(a_user("sam", "supervisor"))
    a_conversation("c-1")
    site = Site(processes, "config.asgi:application")
    with site.page("/ws/live/c-1/", cookie) as page:
        page.recv(timeout=10)
    before = resident_mb(site.web)

    for _ in range(4):
        with site.page("/ws/live/c-1/", cookie) as page, contextlib.suppress(ConnectionClosed):
            for _ in range(400):
                page.send("x" * 60_000)

    assert resident_mb(site.web) - before < 30


def test_what_is_larger_than_a_message_may_be_arrives_in_pieces(processes: Processes):
    """Daphne's limit for browsers is one for us as well: beyond it nothing would be sent at all."""
    cookie = cookie_of(a_user("sam", "supervisor"))
    histories = [History(a_conversation(f"c-{number}")) for number in range(250)]
    for history in histories:
        history.say("guest", "é" * 120)
    for _ in range(200):
        histories[0].say("guest", "Hola")
    site = Site(processes, "config.asgi:application")

    kept = Page()
    with site.page("/ws/live/c-0/", cookie) as page:
        while not kept.is_whole:
            kept.receive(str(page.recv(timeout=10)))
        assert len(kept.rows) == 201
        said = histories[0].say("guest", "😀" * 50_000)
        doorbell.ring([(histories[0].conversation.pk, said.seq)])
        while kept.seq != said.seq:
            kept.receive(str(page.recv(timeout=10)))
    with site.page("/ws/live/", cookie) as page:
        pieces = Pieces()
        while not (frames := pieces.frames(str(page.recv(timeout=10)))):
            pass

    assert kept.rows[said.pk]["original"]["text"] == "😀" * 50_000
    assert len(frames[0]["conversations"]) == 200
