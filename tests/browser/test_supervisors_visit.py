"""A supervisor's whole visit: the wall, a conversation, one message, and back."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone
from playwright.sync_api import expect

from conversations.live import doorbell
from conversations.models import Conversation, Delivery
from tests.conversations.live.histories import History, a_conversation, a_user
from tests.web import Web

LIVE = "#connection[data-state=live]"
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


def ring(*histories: History) -> None:
    doorbell.ring((one.conversation.pk, one.conversation.seq) for one in histories)


def shown(web: Web) -> list[str]:
    return web.page.locator("#wall-rows tr:visible a.open").all_inner_texts()


def a_wall() -> dict[str, History]:
    """Three conversations: one with a failure, one in Arabic that waits, one where all is well."""
    a_user("sam", "supervisor")
    made = {
        name: History(a_conversation(f"c-{name}", guest_name=name, agent_name=agent))
        for name, agent in (("María", "Tom"), ("ليلى", "Priya"), ("Jonas", ""))
    }
    failed = made["María"].say("guest", "Hola")
    made["María"].translate(failed)
    Delivery.objects.filter(message=failed).update(state="failed", reason="HTTP 400")
    waiting = made["ليلى"].say("guest", "مرحبا")
    made["ليلى"].translate(waiting)
    conversation = made["ليلى"].conversation
    conversation.guest_language = "ar"
    conversation.save()
    well = made["Jonas"].say("guest", "Hallo")
    made["Jonas"].translate(well)
    made["Jonas"].confirm(well)
    return made


def test_a_supervisor_finds_a_conversation_on_the_wall(web: Web):
    histories = a_wall()
    web.log_in("sam", "/live/?language=AR")
    page = web.page
    expect(page.locator(LIVE)).to_be_visible(timeout=10_000)
    expect(page.locator("#wall-rows tr:visible a.open")).to_have_text(["ليلى"])

    # Filters are steps of the browser's history.
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("#wall-rows tr:visible")).to_have_count(3)
    page.get_by_role("button", name="1 Failed").click()
    assert shown(web) == ["María"]
    assert page.url.endswith("?state=failed")
    page.go_back()
    expect(page.locator("#wall-rows tr:visible")).to_have_count(3)
    page.go_back()
    expect(page.locator("#wall-rows tr:visible")).to_have_count(1)
    page.go_forward()
    page.get_by_label("Search").fill("nobody of that name")
    expect(page.get_by_text("No conversation matches the filters.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()

    # Sorting says its direction, and stands in the address.
    page.get_by_role("columnheader", name="Guest").get_by_role("button").click()
    assert shown(web) == ["Jonas", "María", "ليلى"]
    expect(page.get_by_role("columnheader", name="Guest")).to_have_attribute(
        "aria-sort", "ascending"
    )
    page.get_by_role("columnheader", name="Guest").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="Guest")).to_have_attribute(
        "aria-sort", "descending"
    )
    assert "sort=guest" in page.url

    # While the focus is on the list nothing moves: what is new comes last.
    page.get_by_role("columnheader", name="Guest").get_by_role("button").click()
    page.locator("h1").click()
    page.keyboard.press("j")
    order = shown(web)
    new = History(a_conversation("c-0", guest_name="Aaron"))
    new.say("guest", "Hi")
    histories["Jonas"].say("guest", "Noch etwas")
    ring(new, histories["Jonas"])
    expect(page.locator("#wall-rows tr:visible")).to_have_count(4)
    assert shown(web) == [*order, "Aaron"]
    page.keyboard.press("r")
    assert shown(web)[0] == "Aaron"

    # Keys: help, cards, search.
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    expect(page.locator("#wall")).to_have_class("wall cards")
    page.reload()
    expect(page.locator("#wall")).to_have_class("wall cards")
    page.keyboard.press("v")
    page.keyboard.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("jonas")
    expect(page.locator("#wall-rows tr:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Jonas")
    expect(page.get_by_role("link", name="‹ Live")).to_have_attribute("href", "/live/?q=jonas")


def test_a_full_wall_shows_what_needs_somebody_and_says_that_there_is_more(web: Web):
    a_user("sam", "supervisor")
    quiet = History(a_conversation("c-quiet", guest_name="María"))
    message = quiet.say("guest", "Hola")
    quiet.translate(message)
    quiet.review(message)
    now = timezone.now()
    Conversation.objects.bulk_create(
        Conversation(external_id=f"c-{number}", created_at=now, last_event_at=now)
        for number in range(200)
    )
    web.log_in("sam", "/live/")
    page = web.page

    expect(page.locator("#wall-rows a.open").get_by_text("María")).to_be_visible()
    expect(page.get_by_role("button", name="1 Under review")).to_be_visible()
    expect(page.locator("#wall-count")).to_have_text(
        "200 conversations, of 201: those that need somebody, then the newest"
    )

    # One of them ends.
    Conversation.objects.filter(external_id="c-0").update(state="closed", closed_at=LONG_AGO)
    expect(page.locator("#wall-count")).to_have_text("200 conversations")


def test_a_wall_whose_order_is_held_keeps_few_rows_of_what_has_left(web: Web):
    a_user("sam", "supervisor")
    History(a_conversation("c-1", guest_name="María"))
    web.log_in("sam", "/live/")
    page = web.page
    count = page.locator("#wall-count")
    expect(count).to_have_text("1 conversation")
    page.locator("#wall-rows a.open").focus()

    for turn in range(3):
        now = timezone.now()
        passing = Conversation.objects.bulk_create(
            Conversation(external_id=f"c-{turn}-{number}", created_at=now, last_event_at=now)
            for number in range(40)
        )
        expect(count).to_have_text("41 conversations")
        ended = Conversation.objects.filter(pk__in=[one.pk for one in passing])
        ended.update(state="closed", closed_at=LONG_AGO)
        expect(count).to_have_text("1 conversation")

    expect(page.locator("#wall-rows tr")).to_have_count(51)
    expect(page.locator("#wall-rows a.open").first).to_be_focused()


def test_a_supervisor_reads_what_happened_to_a_message(web: Web):
    a_user("sam", "supervisor")
    history = History(a_conversation("c-1", guest_name="María"))
    first = history.say("guest", "Hola")
    history.translate(first)
    history.confirm(first)
    history.attribute(first)
    web.log_in("sam", "/live/c-1/")
    page = web.page
    expect(page.locator(LIVE)).to_be_visible(timeout=10_000)
    expect(page.get_by_text("no agent yet")).to_be_visible()

    # A message arrives, is translated and delivered under the reader's eyes.
    second = history.say("guest", "¿Hay alguien?")
    ring(history)
    bubble = page.locator(f"#m{second.pk}")
    expect(bubble).to_contain_text("Translating…")
    history.translate(second)
    history.confirm(second)
    history.attribute(second)
    history.read(second)
    ring(history)
    expect(bubble).to_contain_text("Delivered")
    expect(bubble).to_contain_text("✓✓ Read")
    expect(page.get_by_role("log")).to_contain_text("Hello")

    # Selected by the keyboard: its timeline, its attributes before and after, its address.
    page.locator("#transcript").focus()
    page.keyboard.press("ArrowDown")
    expect(bubble).to_be_focused()
    steps = page.locator(".step strong")
    expect(steps.last).to_have_text("Read")
    assert steps.all_inner_texts() == [
        "Sent by the guest",
        "Message received",
        "Translated",
        "Delivery confirmed",
        "Attributes written",
        "Read",
    ]
    written = page.locator(".comparison tr.changed", has_text="originalText").locator("td")
    assert written.all_inner_texts() == ["Hola", "¿Hay alguien?"]
    assert page.url.endswith(f"#m{second.pk}")
    page.keyboard.press("ArrowUp")
    expect(page.locator(f"#m{first.pk}")).to_have_attribute("aria-current", "true")
    expect(page.get_by_text("Nothing of ours stood there before.")).to_be_visible()

    # The panel follows what happens to the selected message.
    history.echo(first)
    ring(history)
    expect(steps.filter(has_text="Echo received")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="This conversation")).to_be_visible()

    # Somebody else opens the link.
    page.goto(f"{web.address}/live/c-1/#m{second.pk}")
    page.reload()
    expect(page.locator(f"#m{second.pk}")).to_have_attribute("aria-current", "true", timeout=10_000)
    expect(steps.filter(has_text="Delivery confirmed")).to_be_visible()

    # What needs a person says so, with the way to where they decide.
    Delivery.objects.filter(message=second).update(state="review")
    history.doubt(second)
    Delivery.objects.filter(message=second).update(state="review")
    history.read(second)
    ring(history)
    expect(bubble.get_by_role("link", name="Decide ›")).to_have_attribute(
        "href", "/operations/#review"
    )

    # Nobody is called "no agent yet".
    doorbell.typing(history.conversation.pk, "agent", "active", second.sent_at)
    expect(page.get_by_text("The agent is typing…")).to_be_visible()
    history.say("agent", "Good morning")
    ring(history)
    expect(page.get_by_text("Good morning")).to_be_visible()
    assert page.get_by_text("is typing…").is_hidden()  # at once, and not when it would expire
