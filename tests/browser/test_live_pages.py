"""The live pages in a real browser, served by a real Daphne."""

from __future__ import annotations

import signal
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from conversations.live import doorbell
from conversations.models import Delivery
from conversations.services.replies import Reply
from tests.conversations.live.histories import History, a_conversation, a_user
from tests.web import Web
from translation.replies import send_reply

HOSTILE = '<img src=x onerror="document.title=1"><b>hi</b> & "quotes" \u202e'
LIVE = "#connection[data-state=live]"


def ring(history: History) -> None:
    doorbell.ring([(history.conversation.pk, history.conversation.seq)])


def test_a_supervisor_watches_a_message_being_translated_and_delivered(web: Web):
    a_user("sam", "supervisor")
    history = History(a_conversation("c-1", guest_name="María"))
    message = history.say("guest", "Hola")
    web.log_in("sam")
    web.page.get_by_role("link", name="María").click()
    bubble = web.page.locator(".bubble")
    expect(web.page.locator(LIVE)).to_be_visible(timeout=10_000)
    expect(bubble).to_contain_text("Translating…")

    history.translate(message)
    ring(history)
    expect(bubble.locator(".said")).to_have_text("Hello")
    expect(bubble.locator(".other")).to_contain_text("Hola")
    expect(bubble.locator(".pair")).to_have_text("ES→EN")
    history.confirm(message)
    ring(history)

    expect(bubble).to_contain_text("Delivered")
    expect(bubble.locator(".said")).to_have_attribute("lang", "en-US")
    bubble.locator(".pair").focus()
    expect(bubble.locator(".popover")).to_contain_text("12 ms")


def test_a_reply_is_offered_to_be_written_again_only_when_it_cannot_arrive(web: Web):
    alice = a_user("alice", "agent", agent_id="agent-1")
    chat = a_conversation("c-1", agent_id="agent-1", guest_language="es")
    states = ["ambiguous", "review", "failed", "expired", "dropped"]
    for state in states:
        reply = Reply(f"reply-{state:0>20}", "agent-1", state, "en-US", "")
        sent = send_reply(chat.pk, reply, None, user=alice)
        Delivery.objects.filter(message=sent.message_id).update(state=state, attempts=1)

    web.log_in("alice", "/live/c-1/")

    expect(web.page.locator(".reply-trouble:visible")).to_have_count(5, timeout=20_000)
    offered = web.page.locator(".bubble", has=web.page.get_by_role("button", name="Write it again"))
    expect(offered.locator(".said")).to_have_text(states[2:])


def test_what_a_guest_writes_is_never_markup(web: Web):
    a_user("sam", "supervisor")
    history = History(a_conversation("c-1", guest_name=HOSTILE))
    history.say("guest", HOSTILE)

    web.log_in("sam", "/live/c-1/")

    expect(web.page.locator(".said")).to_have_text(HOSTILE)
    assert web.page.locator(".bubbles img, .bubbles b").count() == 0
    web.page.goto(web.address + "/live/")
    expect(web.page.locator("#wall-rows .words")).to_contain_text("<b>hi</b>")
    assert web.page.locator("#wall-rows img").count() == 0


def test_a_reader_who_scrolled_up_is_told_how_much_is_new(web: Web):
    a_user("sam", "supervisor")
    history = History(a_conversation("c-1"))
    for number in range(40):
        history.say("guest", f"número {number}")
    web.log_in("sam", "/live/c-1/")
    expect(web.page.locator(LIVE)).to_be_visible(timeout=10_000)
    expect(web.page.get_by_text("número 39")).to_be_in_viewport()

    web.page.locator("#transcript").evaluate("node => node.scrollTo(0, 0)")
    expect(web.page.get_by_text("número 0")).to_be_in_viewport()
    history.say("guest", "la última")
    ring(history)

    web.page.get_by_role("button", name="1 new ↓").click()
    expect(web.page.get_by_text("la última")).to_be_in_viewport()


def test_typing_is_shown_and_expires(web: Web):
    a_user("sam", "supervisor")
    history = History(a_conversation("c-1", guest_name="María"))
    web.log_in("sam", "/live/c-1/")
    expect(web.page.locator(LIVE)).to_be_visible(timeout=10_000)

    doorbell.typing(history.conversation.pk, "guest", "active", datetime.now(UTC))

    expect(web.page.get_by_text("María is typing…")).to_be_visible()
    expect(web.page.get_by_text("María is typing…")).to_be_hidden()


def test_a_page_says_that_it_is_not_live_and_catches_up(web: Web):
    a_user("sam", "supervisor")
    history = History(a_conversation("c-1"))
    web.log_in("sam", "/live/c-1/")
    expect(web.page.locator(LIVE)).to_be_visible(timeout=10_000)

    web.process.send_signal(signal.SIGSTOP)
    try:
        history.say("guest", "mientras tanto")
        expect(web.page.locator("#connection-text")).to_contain_text("not live", timeout=30_000)
    finally:
        web.process.send_signal(signal.SIGCONT)

    expect(web.page.get_by_text("mientras tanto")).to_be_visible(timeout=15_000)
    expect(web.page.locator(LIVE)).to_be_visible(timeout=15_000)


def test_the_wall_is_filtered_by_its_address_and_walked_by_keys(web: Web):
    a_user("sam", "supervisor")
    for name in ("María", "Jonas", "Émile"):
        History(a_conversation(f"c-{name}", guest_name=name)).say()
    web.log_in("sam", "/live/?q=jonas")
    rows = web.page.locator("#wall-rows tr:visible")
    expect(rows).to_have_count(1, timeout=10_000)

    web.page.get_by_label("Search").fill("")
    expect(rows).to_have_count(3)
    assert web.page.url == web.address + "/live/"
    web.page.locator("h1").click()
    web.page.keyboard.press("j")
    web.page.keyboard.press("j")
    web.page.keyboard.press("Enter")

    expect(web.page.locator("h1")).to_have_text("Jonas")


@pytest.mark.parametrize("width", [360, 1600])
def test_no_page_scrolls_sideways(web: Web, width: int):
    a_user("root-like", "admin")
    history = History(a_conversation("c-1", guest_name="م" * 60))
    history.say("guest", "https://example.org/" + "x" * 300)
    web.page.set_viewport_size({"width": width, "height": 700})
    web.log_in("root-like", "/live/c-1/")
    expect(web.page.locator(".bubble")).to_be_visible()

    for path in ("/live/c-1/", "/live/", "/live/none/"):
        web.page.goto(web.address + path)
        web.page.wait_for_timeout(300)
        assert web.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_wrong_password_is_said_and_the_login_page_is_read_out(web: Web):
    web.log_in("nobody")

    expect(web.page.get_by_role("alert")).to_be_visible()
    expect(web.page.get_by_label("User name")).to_have_value("nobody")
