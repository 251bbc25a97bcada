"""The exports page in a browser: previewed, followed, fetched and verified, by keyboard too."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import expect

from conversations.exports import job
from conversations.exports.job import run_next
from conversations.models import Export
from tests.conversations.live.histories import History, a_conversation, a_user
from tests.web import Web

LIVE = "#connection[data-state=live]"


def test_compliance_exports_follows_fetches_and_verifies(web: Web, monkeypatch: pytest.MonkeyPatch):
    a_user("cora", "compliance")
    History(a_conversation("conv-1")).say_many(30, text="<b>=1+1</b> {}")
    pages = job.rendering.pages
    monkeypatch.setattr(job, "_CHECKPOINT_BYTES", 0)
    monkeypatch.setattr(
        job.rendering, "pages", lambda *args, **options: pages(*args, **options, size=10)
    )
    page = web.page
    web.log_in("cora", "/exports/")
    expect(page.locator(LIVE)).to_be_visible()

    # What a kind does not have cannot be chosen.
    page.get_by_label("PDF").check()
    page.get_by_label("Audit", exact=True).check()
    expect(page.get_by_label("PDF")).to_be_disabled()
    expect(page.get_by_label("CSV", exact=True)).to_be_checked()
    expect(page.locator("summary", has_text="Columns of transcripts")).to_be_hidden()
    page.get_by_label("Transcripts", exact=True).check()
    page.get_by_label("JSON lines", exact=True).check()
    expect(page.get_by_label("byte order mark")).to_be_hidden()

    # By the keyboard: what is missing is said, then the preview is shown.
    preview = page.get_by_role("button", name="Preview")
    preview.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Say what it is for.")
    page.get_by_label("Reason").fill("A request")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The first 20 of 30 rows")).to_be_visible()
    expect(page.locator("#preview-heading")).to_be_focused()
    expect(page.locator(".sheet tbody tr")).to_have_count(20)
    expect(page.locator(".sheet").get_by_text("<b>=1+1</b> 1", exact=True)).to_be_visible()

    page.get_by_role("button", name="Start export").click()
    row = page.locator("#job-rows tr").first
    expect(row.get_by_text("queued")).to_be_visible()
    page.evaluate("window.isTheSame = true")
    run_next("worker", until=0.0)  # heads and journal
    run_next("worker", until=0.0)
    expect(row.locator("progress")).to_have_attribute("value", "33", timeout=8_000)
    expect(row.get_by_text("10 of 30 rows")).to_be_visible()
    while run_next("worker", until=math.inf):
        pass
    export = Export.objects.get()
    expect(row.get_by_text("finished")).to_be_visible(timeout=8_000)
    expect(row.get_by_text(export.sha256)).to_be_visible()
    assert page.evaluate("window.isTheSame")  # the list came up to date, and the page stayed

    with page.expect_download() as download:
        row.get_by_role("button", name="Download").click()
    fetched = Path(download.value.path())
    assert fetched.read_bytes() == (Path(settings.EXPORT_FOLDER) / export.file_name).read_bytes()
    assert len(fetched.read_text("utf-8").splitlines()) == 30
    assert download.value.suggested_filename.startswith("transcripts-")
    with page.expect_download() as download:
        row.get_by_role("button", name="Manifest").click()
    assert json.loads(Path(download.value.path()).read_text("utf-8"))["sha256"] == export.sha256
    expect(row.locator(".fetch")).to_have_count(2, timeout=8_000)

    row.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("holds: 30 of 30 rows")).to_be_visible()

    for width in (360, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cut = page.evaluate(
            """() => [...document.querySelectorAll("main button, .jobs td, .jobs th, main time")]
                .filter((node) => !node.closest("thead")
                    && (node.getBoundingClientRect().right > innerWidth
                        || node.scrollWidth > node.clientWidth + 1 && node.tagName !== "TIME"))
                .map((node) => node.textContent)"""
        )
        assert cut == []
