"""The page of a call in a real browser: lines settle, chips explain, markup is words."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.assist.escapes import CALL
from tests.conversations.live.histories import a_user
from tests.web import Web

LIVE = "#connection[data-state=live]"


def test_a_call_is_followed_from_growing_line_to_suggestion(
    web: Web, processes, simulator_thread
) -> None:
    processes.environment["KNOWLEDGE_API_URL"] = f"{simulator_thread.base_url}/knowledge/query"
    processes.environment["KNOWLEDGE_API_KEY"] = "a key"
    processes.environment["LATENCY_THRESHOLD_MS"] = "30000"  # however slow this machine is
    a_user("sam", "supervisor")
    web.log_in("sam", f"/assist/{CALL}/")
    page = web.page
    expect(page.locator(LIVE)).to_be_visible()
    processes.start_gateway()
    expect(page.locator("#stream-state")).to_have_text("live", timeout=20_000)

    async def say(text: str, **how) -> None:
        simulator_thread.server.calls.say(CALL, text, **how)

    simulator_thread.call(say("my card is 4111 11", final=False))
    expect(page.locator("#growing")).to_have_text("my card is …")
    simulator_thread.call(say("my card is 4111 1111 1111 1111 thanks"))
    simulator_thread.call(say("when do I get my refund", confidence=0.4))
    simulator_thread.call(say("overdue", latency_ms=60_000))
    simulator_thread.call(say("<img src=x onerror=alert(1)> [CARD] is what I said"))

    lines = page.locator("#lines .line")
    expect(lines).to_have_count(4)
    expect(page.locator("#growing")).to_be_hidden()
    expect(lines.nth(0).locator(".line-text")).to_have_text("my card is [CARD] thanks")
    expect(lines.nth(0).locator(".chip")).to_have_attribute(
        "title", "Removed before it was stored: a payment card number"
    )
    expect(lines.nth(1)).to_contain_text("40 %, verify")
    expect(lines.nth(2)).to_contain_text(re.compile(r"Late: \d\d\.\d s"))  # and the way here
    expect(lines.nth(2)).not_to_contain_text("overdue")
    expect(page.locator("#suggestions")).to_contain_text("Refunds: how and when")
    expect(page.locator("#latency-chart canvas")).to_be_visible()
    page.locator(".as-table summary").click()
    expect(page.locator("#points tr")).to_have_count(4)
    expect(page.locator("#figures")).to_contain_text("CARD 1")

    markup = lines.filter(has_text="onerror")
    expect(markup.locator(".line-text")).to_have_text(
        "<img src=x onerror=alert(1)> [CARD] is what I said"
    )
    expect(markup.locator(".chip")).to_have_count(0)

    page.reload()
    expect(page.locator("#lines .line")).to_have_count(4)
    expect(page.locator("#suggestions")).to_contain_text("Refunds")
    assert web.complaints == []
