"""The chat simulator in a real browser, with all of Parley behind it: web, gateway and worker."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from conversations.models import Message, MessageAttachment
from tests.conversations.live.histories import a_user
from tests.processes import Processes
from tests.simulators import SimulatorThread
from tests.web import Web, WebServer

LIVE = "#line[data-state=live]"
HOLA = "Perfecto, muchas gracias."
WITHIN_MS = 60_000


def picture(kibibytes: int = 0) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + b"\x20\x90\x80" * 8 for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    filling = chunk(b"teXt", b"Comment\0" + b"x" * (kibibytes * 1024)) if kibibytes else b""
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + filling
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )  # fmt: skip


@pytest.fixture
def earlier(platform: SimulatorThread) -> set[str]:
    """Conversations of other tests on this platform, which a gateway that starts reads again."""
    return set(platform.world.conversations)


@pytest.fixture
def alone(transactional_db: None, server: WebServer, page: Page) -> Iterator[Web]:
    """The page, the console's web process and the platform: nobody translates."""
    web = Web(server, page)
    a_user("sam", "supervisor")
    web.log_in("sam")
    page.get_by_role("link", name="Simulator").click()
    expect(page.locator(LIVE)).to_be_visible(timeout=WITHIN_MS)
    yield web
    assert web.complaints == []


def say(page: Page, text: str) -> None:
    page.get_by_label("Message of the guest").fill(text)
    page.get_by_label("Message of the guest").press("Enter")


def expect_counts(page: Page, number: int) -> None:
    for name in ("sent", "stored", "translated", "delivered", "shown"):
        expect(page.locator(f"#count-{name}")).to_have_text(str(number), timeout=WITHIN_MS)
    expect(page.locator("#agreement")).to_have_text("✓ all agree")


def test_a_whole_bilingual_chat_with_files_an_outage_and_faults(
    translating: None, earlier: set[str], alone: Web, platform: SimulatorThread
):
    page = alone.page
    guest, agent = page.locator("#guest-list"), page.locator("#agent-list")

    # A sentence of the language pack, an answer, and words of one's own.
    page.locator("#guest-chips .chip.next").click()
    expect(agent.locator(".words").first).to_have_text(
        "Hello, good afternoon. I have a booking for this Friday under the name Lucía Fernández.",
        timeout=WITHIN_MS,
    )
    expect(agent.locator(".original").first).to_contain_text("Hola, buenas tardes.")
    page.locator("#agent-chips .chip.next").click()
    expect(guest.get_by_text("Good afternoon, Ms Fernández.")).to_be_visible()
    say(page, "Necesito ayuda con mi pedido")
    expect(agent.get_by_text("[word for word] I need help with my order")).to_be_visible(
        timeout=WITHIN_MS
    )
    expect(guest.get_by_text("✓✓ Read").first).to_be_visible(timeout=WITHIN_MS)
    expect_counts(page, 2)

    # A picture through the socket, and one that is too large for it.
    for number, size in enumerate((0, 300)):
        file = {"name": f"p{number}.png", "mimeType": "image/png", "buffer": picture(size)}
        page.set_input_files("#file", file)  # type: ignore[arg-type]
        page.get_by_role("button", name="Send", exact=True).click()
        expect(agent.get_by_role("link", name=f"p{number}.png")).to_be_visible(timeout=WITHIN_MS)
        expect(page.locator("#picked")).to_be_hidden()
    expect_counts(page, 4)
    assert [one.name for one in MessageAttachment.objects.order_by("id")] == ["p0.png", "p1.png"]

    # Offline and back: what was written meanwhile on both sides is there.
    page.get_by_label("Offline").check()
    expect(page.locator("#line-text")).to_have_text("offline")
    say(page, HOLA)
    expect(guest.get_by_text("Waiting to be sent")).to_be_visible()
    page.get_by_label("Answer of the agent").fill("Are you still there?")
    page.get_by_role("button", name="Answer").click()
    page.get_by_label("Offline").uncheck()
    expect(guest.get_by_text("Are you still there?")).to_be_visible(timeout=WITHIN_MS)
    expect(agent.get_by_text("Perfect, thank you very much.")).to_be_visible(timeout=WITHIN_MS)
    expect_counts(page, 5)

    # An outage of the whole platform: nobody can connect until it is over.
    page.get_by_label("Outage of the platform").check()
    expect(page.locator("#line[data-state=waiting]")).to_be_visible(timeout=WITHIN_MS)
    say(page, "Hasta luego")
    page.get_by_label("Outage of the platform").uncheck()
    expect(page.locator(LIVE)).to_be_visible(timeout=WITHIN_MS)
    expect_counts(page, 6)

    # Twice and in the wrong order: shown once and in order all the same.
    for name in ("duplicate", "reorder"):
        page.locator(f"#faults input[value={name}]").check()
    for number in range(4):
        say(page, f"Mi pedido {number}")
    expect_counts(page, 10)
    expect(guest.locator(".mine .words")).to_contain_text([f"Mi pedido {n}" for n in range(4)])
    assert guest.locator(".mine .words").all_inner_texts()[-4:] == [
        f"Mi pedido {number}" for number in range(4)
    ]

    # What the console keeps is what was said, once each; a new page shows the same.
    [chat] = set(platform.world.conversations) - earlier
    said = Message.objects.filter(origin="guest", conversation__external_id=chat)
    assert said.count() == 10
    page.reload()
    expect(page.locator(LIVE)).to_be_visible(timeout=WITHIN_MS)
    expect_counts(page, 10)


@pytest.mark.timeout(300)  # the console stops and starts meanwhile
def test_what_is_written_while_the_console_is_away_is_said_once_and_in_order(
    alone: Web, server: WebServer, processes_of_all: Processes
):
    page = alone.page
    page.get_by_label("Offline").check()
    expect(page.locator("#line-text")).to_have_text("offline")
    say(page, "one")
    say(page, "two")
    server.process.stop()
    expect(page.locator("#line[data-state=away]")).to_be_visible(timeout=WITHIN_MS)
    say(page, "three")
    say(page, "four")
    page.get_by_label("Offline").uncheck()

    port = int(server.address.rpartition(":")[2])
    server.process, _ = processes_of_all.start_web(port=port)  # the page has tried by then

    expect(page.locator(LIVE)).to_be_visible(timeout=WITHIN_MS)
    words = page.locator("#guest-list .mine .words")
    expect(words).to_have_text(["one", "two", "three", "four"], timeout=WITHIN_MS)
    say(page, "five")  # whatever was sent twice is there before it
    expect(page.locator("#guest-list").get_by_text("Waiting to be sent")).to_have_count(0)
    page.reload()
    expect(words).to_have_text(["one", "two", "three", "four", "five"], timeout=WITHIN_MS)
    alone.complaints.clear()  # the browser's own words on the sockets


def test_what_cannot_be_sent_is_said_at_its_field_and_the_page_goes_on(alone: Web):
    page = alone.page

    html = {"name": "x.png", "mimeType": "image/png", "buffer": b"<!doctype html><p>"}
    page.set_input_files("#file", html)  # type: ignore[arg-type]
    expect(page.locator("#file-error")).to_contain_text("only PNG, JPEG and PDF")
    named = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    page.set_input_files("#file", named)  # type: ignore[arg-type]
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#file-error")).to_contain_text("it is a PNG file")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_role("button", name="Remove the file").click()
    say(page, "😀" * 2048 + "a")
    expect(page.locator("#text-error")).to_contain_text("4,097 characters")
    page.get_by_label("JSON", exact=True).fill("[1]")
    page.get_by_role("button", name="Set").click()
    expect(page.locator("#context-error")).to_contain_text("no JSON object")
    page.get_by_label("E-mail").fill("nonsense")
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("#email-error")).to_contain_text("valid e-mail")

    # The chat lives on, and an unbroken word makes no width scroll sideways.
    page.get_by_label("Message of the guest").fill("")
    say(page, f"Mi pedido https://example.org/{'x' * 300}")
    expect(page.locator("#guest-list .said")).to_contain_text("✓ Sent", timeout=WITHIN_MS)
    for width in (360, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for button in ("Send", "Answer"):
            box = page.get_by_role("button", name=button, exact=True).bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= width - 8

    # A script plays by itself until it is stopped.
    page.get_by_label("Speed").select_option("10")
    page.locator("#play").click()
    expect(page.locator("#guest-list")).to_contain_text("Hola, buenas tardes.", timeout=WITHIN_MS)
    expect(page.locator("#guest-list")).to_contain_text("Good afternoon", timeout=WITHIN_MS)
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_text("▶ Play")
