"""The page's own code over random histories: what it has put together equals a fresh page.

The real document and scripts; the socket is played by the test, over lost and doubled messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from django.test import Client
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import Route

from tests.conversations.live.histories import a_user
from tests.conversations.live.visits import Visit, played
from tests.shown import shown_on

pytestmark = pytest.mark.django_db(transaction=True)

STATIC = Path(__file__).resolve().parents[2] / "templates" / "static"
HISTORIES = 12
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

# In place of the browser's WebSocket. Time goes on by more than the page waits with a question.
PLAYED_SOCKET = """
window.asked = null;
let skew = 0;
const now = performance.now.bind(performance);
performance.now = () => now() + skew;
window.WebSocket = class {
  static OPEN = 1;
  static CLOSED = 3;
  constructor(url) {
    this.url = url;
    this.readyState = 1;
    window.socket = this;
    queueMicrotask(() => this.onopen());
  }
  send(text) {
    const said = JSON.parse(text);
    if (said.type === "gap") window.asked = said.after;
  }
  close() {}
};
window.deliver = (text) => {
  skew += 2100;
  window.socket.onmessage({ data: text });
};
window.takeAsked = () => {
  const after = window.asked;
  window.asked = null;
  return after;
};
window.comeBack = () => {
  window.socket.readyState = 3;
  window.socket.onclose({ code: 1006 });
  dispatchEvent(new Event("online"));
  const after = new URL(window.socket.url).searchParams.get("after");
  return after === null ? null : Number(after);
};
"""


class ShownPage:
    """A page of the console in a browser, whose socket is the test's."""

    def __init__(self, console: Console, path: str) -> None:
        self._page = console.page
        # Now and not in the route: Playwright would give each answer a connection of its own.
        console.documents[path] = console.client.get(path).content
        self._page.goto(f"http://console.test{path}")
        self._page.wait_for_function("() => window.socket")

    def receive(self, text: str) -> None:
        self._page.evaluate("text => deliver(text)", text)

    def asks_after(self) -> int | None:
        return self._page.evaluate("() => takeAsked()")

    def comes_back(self) -> int | None:
        return self._page.evaluate("() => comeBack()")

    def shown(self) -> list[str]:
        return shown_on(self._page)


@dataclass
class Console:
    """Documents by Django's own test client, scripts from the tree."""

    page: BrowserPage
    client: Client
    documents: dict[str, bytes] = field(default_factory=dict)

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix("http://console.test").partition("?")[0]
        if path in self.documents:
            kind = "text/html; charset=utf-8"
            return route.fulfill(body=self.documents[path], content_type=kind)
        file = STATIC / path.removeprefix("/static/")
        return route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])


@pytest.fixture
def console(page: BrowserPage) -> Console:
    client = Client()
    client.force_login(a_user("sam", "supervisor"))
    found = Console(page, client)
    page.route("**/*", found.answer)
    page.add_init_script(PLAYED_SOCKET)
    return found


def test_old_state_and_events_equal_a_fresh_page_in_a_browser(console: Console):
    random = Random(4)
    asked = 0

    for _ in range(HISTORIES):
        visit = Visit(lambda path: ShownPage(console, path), random)
        for _ in played([visit]):
            pass
        shown = visit.page.shown()
        asked += visit.asked
        fresh = visit.fresh(ShownPage(console, visit.path))

        assert shown == fresh.shown()

    assert asked > HISTORIES / 6  # gaps were there, and noticed
