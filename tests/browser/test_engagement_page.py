"""The engagement page in a real browser: charts beside their tables, filters, both directions."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from conversations.models import Agent
from tests.assist.engagement.makings import AGENTS, a_fortnight
from tests.conversations import histories
from tests.watched import Watched
from tests.web import Web


@pytest.fixture
def watched(web: Web) -> Iterator[Watched]:
    watched = Watched(web)
    yield watched
    watched.assert_harmless()


def test_charts_stand_beside_their_tables_in_every_look(watched: Watched):
    sam = histories.user("sam", "supervisor")
    Agent.objects.create(user=histories.user("anna"), external_id=AGENTS[0])
    a_fortnight()
    page = watched.page
    watched.be(sam)

    watched.goto("/engagement/")

    expect(page.locator(".charts canvas")).to_have_count(4)
    first = page.locator(".charts .measure").first
    expect(first.locator("table")).to_be_hidden()
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(first.locator("tbody tr")).to_have_count(14)
    expect(first.locator("thead th").nth(1)).to_have_text(AGENTS[2].title())  # who typed most
    found = []
    for direction in ("rtl", "ltr"):
        page.evaluate("(way) => { document.documentElement.dir = way; }", direction)
        for width in (360, 1600):
            page.set_viewport_size({"width": width, "height": 900})
            scrolls = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            found += [f"scrolls sideways, {direction} {width}"] * (scrolls > 0)
    assert not found, "\n".join(found)

    agent = page.locator("select[name=agent]")
    agent.select_option(AGENTS[0])
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(f"agent={AGENTS[0]}&since="))
    expect(page.locator(".series li")).to_have_text(["anna"] * 4)
    expect(agent).to_have_value(AGENTS[0])
