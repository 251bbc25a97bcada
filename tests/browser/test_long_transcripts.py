"""Long transcripts: the page stays small, and the reader's place stays theirs."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from conversations.live import doorbell
from tests.conversations.live.histories import History, a_conversation, a_user
from tests.web import Web

LIVE = "#connection[data-state=live]"
BUBBLES_AT_MOST = 300


def ring(history: History) -> None:
    doorbell.ring([(history.conversation.pk, history.conversation.seq)])


def top_of(page: Page, seq: int) -> float:
    return page.locator(f"[data-seq='{seq}']").evaluate("node => node.getBoundingClientRect().top")


def said(page: Page, text: str) -> Locator:
    return page.locator(".said").get_by_text(text, exact=True)


def scroll_to(page: Page, place: str) -> tuple[int, float]:
    """Which message is then the first in sight, by its seq, and where it stands.

    Measured in the same turn of the page's loop: nothing can have come in between.
    """
    seq, top = page.evaluate(
        f"""() => {{
            const n = document.getElementById("transcript");
            n.scrollTop = {place};
            const top = (node) => node.getBoundingClientRect().top;
            const first = [...n.querySelectorAll(".bubble")].find((node) => top(node) >= top(n));
            return [Number(first.dataset.seq), top(first)];
        }}"""
    )
    two_frames(page)
    return seq, top


def two_frames(page: Page) -> None:
    """Whatever was to be shown is shown."""
    frames = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    page.evaluate(frames)


def seqs_of(page: Page) -> list[int]:
    nodes = "nodes => nodes.map((node) => Number(node.dataset.seq))"
    return page.locator(".bubble").evaluate_all(nodes)


def nodes_and_heap(page: Page) -> tuple[int, float]:
    """After a collection, as Chromium counts them."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    session.detach()
    return page.locator("*").count(), heap


def slowly(route: Route) -> None:
    time.sleep(0.4)
    route.continue_()


def test_ten_thousand_messages_do_not_grow_the_page(web: Web):
    a_user("sam", "supervisor")
    history = History(a_conversation("c-1"))
    history.say_many(8_000)
    web.log_in("sam", "/live/c-1/")
    page = web.page
    expect(page.locator(LIVE)).to_be_visible(timeout=15_000)
    expect(said(page, "mensaje 8000")).to_be_in_viewport()
    nodes, heap = nodes_and_heap(page)

    # 2,000 more while somebody watches the end
    for _ in range(10):
        history.say_many(200)
        ring(history)
        last = said(page, f"mensaje {history.conversation.seq}")
        expect(last).to_be_in_viewport(timeout=15_000)

    assert page.locator(".bubble").count() <= BUBBLES_AT_MOST
    later_nodes, later_heap = nodes_and_heap(page)
    assert later_nodes < nodes * 1.1
    assert later_heap < heap + 5

    # up through the history: the place is kept while older ones come, and the page stays small
    seen = set()
    for _ in range(6):
        oldest = page.locator(".bubble").first.get_attribute("data-seq")
        reading, before = scroll_to(page, "300")
        expect(page.locator(".bubble").first).not_to_have_attribute("data-seq", oldest or "")
        assert abs(top_of(page, reading) - before) < 3
        seen.add(reading)
        assert page.locator(".bubble").count() <= BUBBLES_AT_MOST
    assert min(seen) < 9_500

    # what comes now is counted and fights nobody
    reading, before = scroll_to(page, "n.scrollHeight / 2")
    history.say("guest", "la última")
    ring(history)
    pill = page.get_by_role("button", name="1 new ↓")
    expect(pill).to_be_visible()
    assert abs(top_of(page, reading) - before) < 3
    pill.click()
    expect(page.get_by_text("la última")).to_be_in_viewport()
    assert page.locator(".bubble").count() <= BUBBLES_AT_MOST

    # the first and the last, also of somebody who does not wait for the first
    page.route("**/messages/**", slowly)
    page.get_by_role("button", name="First message").click()
    page.get_by_role("button", name="Last message").click()
    expect(page.get_by_text("la última")).to_be_in_viewport()
    page.get_by_role("button", name="First message").click()
    expect(said(page, "mensaje 1")).to_be_in_viewport()
    page.get_by_role("button", name="Last message").click()
    expect(page.get_by_text("la última")).to_be_in_viewport()

    # a link to an old one
    old = history.messages[4_000]
    page.goto(f"{web.address}/live/c-1/#m{old.pk}")
    expect(page.locator(f"#m{old.pk}")).to_be_in_viewport(timeout=10_000)
    expect(page.locator(f"#m{old.pk}")).to_have_attribute("aria-current", "true")
    expect(page.locator(".steps")).to_be_visible()
    # down again by scrolling: newer ones come until the end is reached
    scroll_to(page, "n.scrollHeight")
    expect(page.locator(f"[data-seq='{old.seq + 60}']")).to_have_count(1)


def test_the_place_is_kept_when_bubbles_above_change_their_height(web: Web):
    a_user("sam", "supervisor")
    history = History(a_conversation("c-1"))
    for number in range(30):
        history.say("guest", f"número {number} " + "palabras " * 20)
    web.page.set_viewport_size({"width": 360, "height": 700})
    web.log_in("sam", "/live/c-1/")
    page = web.page
    expect(page.locator(".bubble")).to_have_count(30)

    reading, before = scroll_to(page, "n.scrollHeight / 2")
    for message in history.messages[:10]:
        history.translate(message)
    ring(history)

    expect(page.locator(".bubble").first).to_contain_text("Hello")
    assert abs(top_of(page, reading) - before) < 3
    page.get_by_label("Both languages").uncheck()
    assert abs(top_of(page, reading) - before) < 3

    # the end is followed again once the reader is there, whatever grows
    scroll_to(page, "n.scrollHeight")
    history.translate(history.messages[-1])
    history.say("guest", "الرسالة الأخيرة")
    ring(history)
    last = page.get_by_text("الرسالة الأخيرة")
    expect(last).to_be_in_viewport()
    # right to left inside, and still on the guest's side
    assert last.evaluate("node => getComputedStyle(node).direction") == "rtl"
    bubble = page.locator(".bubble").last.bounding_box()
    bubbles = page.locator("#bubbles").bounding_box()
    assert bubble
    assert bubbles
    assert bubble["x"] - bubbles["x"] < 5
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_days_and_silences_stand_between_the_messages(web: Web):
    a_user("sam", "supervisor")
    history = History(a_conversation("c-1"))
    history.say_many(6, over=timedelta(days=2))
    web.log_in("sam", "/live/c-1/")

    expect(web.page.locator(".bubble")).to_have_count(6)
    words = web.page.locator(".day").all_inner_texts()
    assert 2 <= sum("2" in word and "later" not in word for word in words) <= 3
    assert any("hours later" in word for word in words)


STORED = """async (during) => {
    const { Store } = await import("/static/console/store.js");
    const rows = (from, to, state) => Array.from({ length: to - from + 1 }, (_, index) => (
        { id: from + index, seq: from + index, state }));
    const store = new Store();
    store.start({ rows: rows(51, 100, "old"), older: 50, seq: 100 }, false);
    const heard = store.listen();
    store.start({ rows: rows(1, 105, "new"), older: 0, seq: 105 }, false);
    const found = (to) => ({ rows: rows(1, to, "old"), older: 0, newer: 0, seq: 100 });
    if (during === "last") store.takeInstead(found(100), heard);
    else store.takeOlder(found(50), heard);
    return store.rows.map((row) => [row.seq, row.state]);
}"""


@pytest.mark.parametrize("during", ["last", "older"])
def test_a_snapshot_is_not_undone_by_an_older_answer(web: Web, during: str):
    web.page.goto(web.address)

    stored = web.page.evaluate(STORED, during)

    assert stored == [[seq, "new"] for seq in range(1, 106)]


def test_the_end_is_reached_without_a_hole_while_older_messages_are_read(web: Web):
    a_user("sam", "supervisor")
    History(a_conversation("c-1")).say_many(600)
    web.log_in("sam", "/live/c-1/")
    page = web.page
    expect(said(page, "mensaje 600")).to_be_in_viewport()
    scroll_to(page, "300")
    expect(page.locator(".bubble")).to_have_count(300)

    held: list[Route] = []
    page.route("**/messages/**", lambda route: held.append(route))
    with page.expect_request("**/messages/**"):
        scroll_to(page, "0")
    page.get_by_role("button", name="Last message").click()
    expect(said(page, "mensaje 600")).to_be_in_viewport()
    expect(page.locator(".bubble")).to_have_count(200)
    held[0].continue_()
    expect(page.locator("#older")).not_to_have_attribute("aria-busy", "true")
    two_frames(page)

    seqs = seqs_of(page)
    assert seqs == list(range(seqs[0], 601))


HURRIED = """
const timeout = AbortSignal.timeout;
AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 20);
"""


class Failing:
    """The first answer never comes, the second breaks off, and the rest are what they are."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, route: Route) -> None:
        self.asked += 1
        if self.asked == 2:
            route.fulfill(status=200, content_type="application/json", body='{"rows": [')
        elif self.asked > 2:
            route.continue_()


def test_what_is_not_answered_or_breaks_off_is_said_and_read_again(web: Web):
    a_user("sam", "supervisor")
    History(a_conversation("c-1")).say_many(600)
    web.page.add_init_script(HURRIED)
    web.log_in("sam", "/live/c-1/")
    page = web.page
    expect(said(page, "mensaje 600")).to_be_in_viewport()

    pages, steps = Failing(), Failing()
    page.route(re.compile(r"/messages/\?"), lambda route: pages(route))
    page.route(re.compile(r"/messages/\d+/"), lambda route: steps(route))
    scroll_to(page, "300")
    expect(page.get_by_text("Not loaded: the server does not answer.")).to_be_visible()
    expect(page.locator(".bubble")).to_have_count(300)
    assert pages.asked == 3

    page.locator(".bubble").last.click()
    expect(page.get_by_text("Cannot be shown: the server does not answer.")).to_be_visible()
    expect(page.locator(".steps")).to_be_visible()
    assert steps.asked == 3
