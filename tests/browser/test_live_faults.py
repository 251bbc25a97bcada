"""After each fault the page equals a page that is opened afresh, or says that it is not live.

Chromium, Daphne, gateway, PostgreSQL and Redis; the browser and PostgreSQL through chaos proxies.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from playwright.sync_api import Page, expect

from conversations.models import Message
from tests.conversations.live.histories import History, a_conversation, a_user
from tests.faults.proxies import Proxies
from tests.flows.platform import Platform
from tests.processes import Processes, database_url_of
from tests.redis_server import RedisServer
from tests.server_process import spare_port
from tests.shown import shown_on
from tests.simulators import SimulatorThread
from tests.web import Web

COUNT_SOCKETS = """
window.sockets = 0;
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    window.sockets += 1;
  }
};
"""
WITHIN_S = 10.0
BACK_WITHIN_MS = 25_000
LIVE = "#connection[data-state=live]"
NOT_LIVE = "#connection[data-state=not-live]"


class Site:
    """A page on a web process that speaks to its browser and its database through proxies."""

    def __init__(self, processes: Processes, page: Page, proxies: Proxies, ports: dict) -> None:
        self.processes, self.page, self.proxies = processes, page, proxies
        self.address = f"http://127.0.0.1:{proxies.port('web')}"
        self._port = ports["web"]
        processes.environment["ALLOWED_ORIGINS"] = self.address
        self.web = processes.start_web(port=self._port)[0]
        self.history = History(a_conversation("c-1", guest_name="María"))
        self._said = 0

    def open(self) -> None:
        a_user("sam", "supervisor")
        self.page.add_init_script(COUNT_SOCKETS)
        Web.log_in(self, "sam", "/live/c-1/")  # type: ignore[arg-type]
        expect(self.page.locator(LIVE)).to_be_visible(timeout=BACK_WITHIN_MS)

    def sockets(self) -> int:
        """How many the page has opened since it was loaded."""
        return int(self.page.evaluate("() => window.sockets"))

    def happen(self) -> None:
        """A message of each kind, and what becomes of an earlier one."""
        self._said += 1
        message = self.history.say("guest", f"número {self._said}")
        self.history.translate(message)
        self.history.step("confirm", self._said)
        self.history.say("agent", f"number {self._said}")  # whoever sees this has all of it

    def restart_web(self) -> None:
        self.web.kill()
        self.happen()
        self.web = self.processes.start_web(port=self._port)[0]

    def fresh(self) -> object:
        fresh = self.page.context.new_page()
        try:
            fresh.goto(self.address + "/live/c-1/")
            expect(fresh.locator(LIVE)).to_be_visible(timeout=BACK_WITHIN_MS)
            return shown_on(fresh)
        finally:
            fresh.close()

    def says_not_live(self) -> None:
        expect(self.page.locator(NOT_LIVE)).to_be_visible(timeout=2 * WITHIN_S * 1000)

    def settles(self) -> None:
        """Nobody helps: it comes back by itself, and shows all of it."""
        last = self.page.get_by_text(f"number {self._said}", exact=True)
        expect(last).to_be_visible(timeout=BACK_WITHIN_MS)
        expect(self.page.locator(LIVE)).to_be_visible(timeout=BACK_WITHIN_MS)
        assert shown_on(self.page) == self.fresh()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.remove()


@pytest.fixture
def site(processes: Processes, page: Page, redis: RedisServer) -> Iterator[Site]:
    from django.db import connection

    url = database_url_of(str(connection.settings_dict["NAME"]))
    parts = urlsplit(url)
    ports = {"web": spare_port(), "postgres": parts.port or 5432}
    with Proxies(ports) as proxies:
        user = parts.netloc.rpartition("@")[0]
        netloc = f"{user}@127.0.0.1:{proxies.port('postgres')}"
        processes.environment["DATABASE_URL"] = urlunsplit(parts._replace(netloc=netloc))
        processes.environment["REDIS_URL"] = redis.url
        running = Site(processes, page, proxies, ports)
        running.open()
        try:
            yield running
        finally:
            page.close()
            processes.stop_all()


@pytest.mark.timeout(240)
def test_a_page_is_true_after_the_web_process_or_its_servers_died(site: Site, redis: RedisServer):
    """Reliability F3, F4, F13, and F25 as a browser sees it."""
    site.happen()
    site.settles()

    # When the web process is killed and another one is started
    site.restart_web()
    site.settles()

    # When Redis is killed and comes back empty: no socket notices
    opened = site.sockets()
    redis.kill()
    site.happen()
    site.settles()
    redis.start()
    site.happen()
    site.settles()
    assert site.sockets() == opened

    # When PostgreSQL is away for as long as a restart takes
    site.proxies.set("postgres", "down")
    site.happen()
    site.says_not_live()
    site.proxies.set("postgres", "up")
    site.settles()

    assert site.proxies.fired()["postgres"]["down"] > 0


@pytest.mark.timeout(180)
def test_a_page_says_that_it_is_not_live_while_nothing_reaches_it(site: Site):
    """Reliability F10: a browser's socket that is half open, and a server that stands still."""
    site.proxies.set("web", "blackhole")
    site.happen()
    site.says_not_live()
    site.proxies.set("web", "up")
    site.settles()
    assert site.proxies.fired()["web"]["blackhole"] > 0

    site.web.send_signal(signal.SIGSTOP)
    try:
        site.happen()
        site.says_not_live()
    finally:
        site.web.send_signal(signal.SIGCONT)
    site.settles()


@pytest.mark.timeout(180)
def test_a_page_shows_what_came_while_the_gateway_was_dead(
    processes: Processes, web: Web, simulator_thread: SimulatorThread
):
    platform = Platform(simulator_thread.base_url)
    a_user("sam", "supervisor")
    gateway = processes.start_gateway()
    processes.wait_until(platform.is_watched, what="the gateway holds the socket", of=gateway)
    platform.say("antes", conversation="c-9")
    processes.wait_until(lambda: Message.objects.exists(), what="the message is stored")
    web.log_in("sam", "/live/c-9/")
    expect(web.page.get_by_text("antes")).to_be_visible(timeout=BACK_WITHIN_MS)

    gateway.kill()
    platform.say("mientras tanto", conversation="c-9")
    processes.start_gateway()

    expect(web.page.get_by_text("mientras tanto")).to_be_visible(timeout=BACK_WITHIN_MS)
    expect(web.page.locator(LIVE)).to_be_visible()
