"""The operations page in a real browser: it reads itself again and does not disturb who works."""

from __future__ import annotations

import signal

import pytest
from playwright.sync_api import expect

from conversations.models import DeadLetter, Delivery
from tests.conversations.live.histories import a_user
from tests.conversations.services.decided import failed_translation, frame, under_review
from tests.web import Web

LIVE = "#connection[data-state=live]"
PAGE = "/operations/"


def open_page(web: Web, user: str) -> None:
    """Until its script runs: before that the forms work too, with a reload."""
    web.log_in(user, PAGE)
    expect(web.page.locator(LIVE)).to_be_visible()


def state_of(delivery: Delivery) -> str:
    return Delivery.objects.values_list("state", flat=True).get(pk=delivery.pk)


def test_what_is_new_appears_and_what_somebody_does_is_left_alone(web: Web):
    a_user("sam", "supervisor")
    delivery, letter = under_review(conversation="conv-1"), frame()
    open_page(web, "sam")
    pick = web.page.locator(f"#review-{delivery.pk}-pick")
    pick.check()
    web.page.get_by_label("Reason for closing").fill("half a rea")
    drop = web.page.locator(f"#review-{delivery.pk}-drop")
    drop.focus()
    drop.evaluate("node => { node.isTheSame = true; }")

    under_review(conversation="conv-2")
    failed_translation(conversation="conv-3")

    expect(web.page.locator("#review-count")).to_have_text("2", timeout=8_000)
    expect(web.page.locator("#letter-rows tr")).to_have_count(2)
    expect(pick).to_be_checked()
    expect(drop).to_be_focused()
    assert drop.evaluate("node => node.isTheSame")
    expect(web.page.get_by_label("Reason for closing")).to_have_value("half a rea")
    expect(web.page.locator(f"#letter-{letter.pk}")).to_be_visible()
    expect(web.page.locator(LIVE)).to_be_visible()


def test_decisions_are_made_with_the_keyboard_one_by_one_and_together(web: Web):
    a_user("sam", "supervisor")
    deliveries = [under_review(conversation=f"conv-{number}") for number in range(4)]
    open_page(web, "sam")
    address = web.page.url

    web.page.locator(f"#review-{deliveries[0].pk}-there").focus()
    web.page.keyboard.press("Enter")

    expect(web.page.get_by_role("status").get_by_text("marked as delivered")).to_be_visible()
    assert state_of(deliveries[0]) == "confirmed"
    # The focus goes on to what came next in the list, not to the top of the page.
    focused = web.page.evaluate("document.activeElement.closest('#review-rows tr')?.dataset.key")
    assert focused == f"{deliveries[1].pk}-1"

    together = web.page.locator("#review-bulk").get_by_role("button", name="Drop")
    expect(together).to_be_disabled()
    web.page.get_by_label("All").first.check()
    together.click()

    expect(web.page.get_by_text("3 done.")).to_be_visible()
    expect(web.page.get_by_text("Nothing waits for your word.")).to_be_visible()
    assert [state_of(delivery) for delivery in deliveries[1:]] == ["dropped"] * 3
    assert web.page.url == address


def test_a_letter_is_closed_with_a_reason_only(web: Web):
    a_user("sam", "supervisor")
    letter = frame()
    open_page(web, "sam")
    close = web.page.locator(f"#letter-{letter.pk}-close")

    close.click()
    reason = web.page.get_by_label("Reason for closing")
    expect(reason).to_be_focused()
    assert reason.evaluate("node => node.validity.valueMissing")
    reason.fill("an exercise")
    close.click()

    expect(web.page.get_by_role("status").get_by_text("closed")).to_be_visible()
    assert DeadLetter.objects.get().decision_reason == "an exercise"


def decided(letter: DeadLetter) -> tuple[str, str]:
    return DeadLetter.objects.values_list("decision", "decision_reason").get(pk=letter.pk)


@pytest.mark.parametrize("is_scripted", [True, False])
def test_enter_in_the_reason_closes_what_is_ticked(web: Web, *, is_scripted: bool):
    a_user("sam", "supervisor")
    letters = [frame(b"1"), frame(b"2")]
    if not is_scripted:
        empty = {"body": "", "content_type": "text/javascript"}
        web.page.route("**/operations*.js", lambda route: route.fulfill(**empty))
    web.log_in("sam", PAGE)
    if is_scripted:
        expect(web.page.locator(LIVE)).to_be_visible()
    for letter in letters:
        web.page.locator(f"#letter-{letter.pk}-pick").check()
    reason = web.page.get_by_label("Reason for closing")
    reason.fill("an exercise")

    reason.press("Enter")

    expect(web.page.get_by_text("2 done.")).to_be_visible(timeout=20_000)
    assert [decided(letter) for letter in letters] == [("closed", "an exercise")] * 2


def test_enter_in_the_reason_closes_the_letter_whose_button_asked_for_it(web: Web):
    a_user("sam", "supervisor")
    asked, other = frame(b"1"), frame(b"2")
    open_page(web, "sam")
    reason = web.page.get_by_label("Reason for closing")
    reason.focus()
    reason.press("Enter")  # about nothing
    web.page.locator(f"#letter-{asked.pk}-close").click()
    expect(reason).to_be_focused()
    reason.fill("an exercise")

    reason.press("Enter")

    expect(web.page.get_by_role("status").get_by_text("closed")).to_be_visible(timeout=20_000)
    assert (decided(asked), decided(other)) == (("closed", "an exercise"), ("", ""))


def hide(web: Web) -> None:
    """As in another tab: what lies there is not read again."""
    web.page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { get: () => window.isHidden });
        window.isHidden = true;
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    web.page.wait_for_timeout(1_000)  # one may be under way


def test_somebody_elses_faster_decision_is_said(web: Web):
    a_user("sam", "supervisor")
    delivery = under_review()
    open_page(web, "sam")
    expect(web.page.locator(f"#review-{delivery.pk}-send")).to_be_visible()
    hide(web)
    Delivery.objects.update(state="dropped")

    web.page.locator(f"#review-{delivery.pk}-send").click()

    expect(web.page.get_by_text("not done. It is dropped already")).to_be_visible()
    assert state_of(delivery) == "dropped"


def test_a_hidden_page_asks_nothing_and_a_shown_one_at_once(web: Web):
    a_user("sam", "supervisor")
    open_page(web, "sam")
    asked: list[str] = []
    web.page.on("request", lambda request: asked.append(request.url))
    hide(web)
    asked.clear()

    web.page.wait_for_timeout(4_500)
    assert asked == []
    under_review()
    web.page.evaluate("""() => {
        window.isHidden = false;
        document.dispatchEvent(new Event("visibilitychange"));
    }""")

    expect(web.page.locator("#review-count")).to_have_text("1")


def test_a_page_whose_server_is_silent_says_that_it_is_not_live(web: Web):
    a_user("sam", "supervisor")
    open_page(web, "sam")

    web.process.send_signal(signal.SIGSTOP)
    try:
        expect(web.page.locator("#connection-text")).to_contain_text("not live", timeout=30_000)
    finally:
        web.process.send_signal(signal.SIGCONT)

    expect(web.page.locator(LIVE)).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("width", [360, 1600])
def test_the_page_fits_its_screen(web: Web, width: int):
    a_user("adam", "admin")
    delivery = under_review(conversation="conv-1")
    delivery.message.texts.filter(role="translated").update(text="x" * 290)
    letter = frame(b"x" * 500)
    web.page.set_viewport_size({"width": width, "height": 800})
    open_page(web, "adam")

    for path in (PAGE, f"{PAGE}dead-letters/{letter.pk}/"):
        web.page.goto(web.address + path)
        web.page.wait_for_timeout(200)
        assert web.page.evaluate("document.documentElement.scrollWidth") <= width
        cut = web.page.evaluate(
            """() => [...document.querySelectorAll("main button, main td, main th, main time")]
                .filter((node) => node.getBoundingClientRect().right > innerWidth
                    && getComputedStyle(node).clipPath === "none"
                    && !node.closest("thead"))
                .map((node) => node.textContent)"""
        )
        assert cut == []
