"""An agent writes to a guest: both pages in a browser, with all of Parley between them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from conversations.models import Conversation, JournalEntry, Message
from tests.conversations.live.histories import a_user
from tests.simulators import SimulatorThread
from tests.web import Web, WebServer

WITHIN_MS = 60_000
LIVE = "#connection[data-state=live]"
TYPED = "Good afternoon, your booking is 4711."


def type_until(field: Locator, place: Locator, words: str) -> str:
    """Goes on typing until it is seen: what is not seen within 3 s on a slow machine is over."""
    typed = ""
    while words not in place.inner_text():
        assert len(typed) < 60
        field.press_sequentially("!")
        field.page.wait_for_timeout(500)
        typed += "!"
    return typed


@pytest.fixture
def guest(
    translating: None, transactional_db: None, server: WebServer, page: Page
) -> Iterator[Web]:
    """The simulator's page, its guest connected."""
    a_user("sam", "supervisor")
    a_user("alice", "agent", agent_id="agent-1")
    web = Web(server, page)
    web.log_in("sam", "/simulator/")
    expect(page.locator("#line[data-state=live]")).to_be_visible(timeout=WITHIN_MS)
    yield web
    assert [one for one in web.complaints if "ERR_FAILED" not in one] == []


def test_an_agent_types_previews_replies_and_the_guest_sees_all_of_it_once(
    guest: Web, server: WebServer, platform: SimulatorThread, new_context: Any
):
    page = guest.page
    page.locator("#guest-chips .chip.next").click()
    expect(page.locator("#count-delivered")).to_have_text("1", timeout=WITHIN_MS)
    address = page.locator("#open-live").get_attribute("href") or ""
    desk = Web(server, new_context().new_page())
    agent, frames = desk.page, []
    agent.on("websocket", lambda socket: socket.on("framesent", lambda one: frames.append(one)))
    desk.log_in("alice", address)
    expect(agent.locator(LIVE)).to_be_visible(timeout=WITHIN_MS)
    box = agent.get_by_label("Your reply")

    # What is typed is seen as typing, goes when it stops, and is told to nobody.
    box.press_sequentially(TYPED, delay=25)
    typed = TYPED + type_until(box, page.locator("#guest-typing"), "The agent is typing…")
    expect(page.locator("#guest-typing")).to_have_text("")
    reports = [one for one in frames if '"keys"' in one]
    assert all(re.fullmatch(r'\{"type":"keys","n":\d+,"ms":\d+\}', one) for one in reports)
    assert sum(int(re.findall(r'"n":(\d+)', one)[0]) for one in reports) == len(typed)
    page.wait_for_timeout(500)  # the page's own limit may have been faster
    told = platform.world.ledger.entries(kinds=frozenset({"agent_typing"}))
    states = [state for state, _ in itertools.groupby(one["state"] for one in told)]
    assert states == ["active", "inactive"] * [one["state"] for one in told].count("inactive")
    assert {one["senderId"] for one in told} == {"agent-1"}
    assert not platform.world.ledger.entries(kinds=frozenset({"agent_typing_refused"}))

    # The guest's typing is seen here, and goes as well.
    type_until(page.get_by_label("Message of the guest"), agent.locator("#typing"), "is typing…")
    expect(agent.locator("#typing")).to_have_text("")

    # A preview, changed by hand, outlives a reload.
    agent.get_by_role("button", name="Preview", exact=True).click()
    translation = agent.locator("#reply-preview-text")
    expect(translation).to_have_value(f"[stand-in en→es] {typed}", timeout=WITHIN_MS)
    translation.fill("Buenas tardes, su reserva es la 4711.")
    agent.reload()
    expect(agent.locator(LIVE)).to_be_visible(timeout=WITHIN_MS)
    expect(box).to_have_value(typed)
    expect(translation).to_have_value("Buenas tardes, su reserva es la 4711.")

    # The answer to the post gets lost, the page is loaded anew, and it is sent once more.
    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    agent.route("**/reply/", lose_the_answer, times=1)
    agent.get_by_role("button", name="Send", exact=True).click()
    expect(agent.locator("#reply-error")).to_contain_text("Nobody can tell whether it was sent")
    agent.reload()
    expect(agent.locator(LIVE)).to_be_visible(timeout=WITHIN_MS)
    expect(agent.locator("#reply-error")).to_contain_text("it is delivered once")
    # A refusal meanwhile makes no other reply of it.
    refusal = {"error": "The preview is too old: preview it again."}
    agent.route("**/reply/", lambda route: route.fulfill(status=409, json=refusal), times=1)
    box.press("Enter")
    expect(agent.locator("#reply-error")).to_contain_text("preview it again")
    box.press("Enter")
    expect(box).to_have_value("")
    bubble = agent.locator(".bubble.agent")
    expect(bubble).to_contain_text("Delivered", timeout=WITHIN_MS)
    expect(bubble.locator(".other")).to_contain_text("edited")
    theirs = page.locator("#guest-list").get_by_text("Buenas tardes, su reserva es la 4711.")
    expect(theirs).to_have_count(1, timeout=WITHIN_MS)
    assert Message.objects.filter(origin="agent").count() == 1
    posts = platform.world.ledger.entries(kinds=frozenset({"post"}))
    assert [one["text"] for one in posts].count("Buenas tardes, su reserva es la 4711.") == 1

    # Why it is that language; another one in one click, and back.
    agent.locator("#guest-language").click()
    expect(agent.locator("#guest-reason")).to_contain_text("Detected in 1 message")
    agent.get_by_label("Write to the guest in").select_option("fr")
    agent.get_by_role("button", name="Use it").click()
    expect(agent.locator("#reply-target")).to_have_text("Goes out in French")
    expect(agent.locator("#guest-reason")).to_contain_text("An agent has chosen it")
    agent.get_by_role("button", name="Let the messages decide").click()
    expect(agent.locator("#reply-target")).to_have_text("Goes out in Spanish")
    assert JournalEntry.objects.filter(kind="language").count() == 2
    agent.keyboard.press("Escape")

    # Nothing scrolls sideways, whichever way the words run; a long one is not pushed out.
    box.fill("مرحبا " + "x" * 200)
    assert (
        agent.evaluate("getComputedStyle(document.getElementById('reply-text')).direction") == "rtl"
    )
    for width in (360, 1400):
        agent.set_viewport_size({"width": width, "height": 740})
        assert agent.evaluate("document.documentElement.scrollWidth") <= width
        send = agent.get_by_role("button", name="Send", exact=True).bounding_box()
        assert send is not None
        assert send["y"] + send["height"] <= 740

    # Whoever only watches has no box.
    page.goto(guest.address + address)
    expect(page.locator(LIVE)).to_be_visible(timeout=WITHIN_MS)
    expect(page.locator(".bubble.agent")).to_contain_text("Delivered")
    assert page.locator("#reply, #language-form").count() == 0

    # One that has ended takes nothing more, and says so; the text stays.
    Conversation.objects.update(state="closed")
    box.press("Enter")  # the page may have heard of it by itself meanwhile
    said = agent.locator("#reply-error:visible, #reply-over:visible").first
    expect(said).to_contain_text("has ended")
    expect(box).to_have_value("مرحبا " + "x" * 200)
    assert [one for one in desk.complaints if "409" not in one and "ERR_FAILED" not in one] == []
