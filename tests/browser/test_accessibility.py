"""axe finds no violation of WCAG A or AA on any page: light and dark, narrow and wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from assist.models import Engagement, HourlyMetrics, Interaction, Suggestion
from conversations.models import (
    Agent,
    Conversation,
    DeadLetter,
    Message,
    SecondFactor,
    StreamState,
)
from conversations.services.guest_erasure import request_erasure
from conversations.services.holds import place_holds
from conversations.services.login_limits import admit
from conversations.services.replies import Reply
from tests.assist.engagement.makings import a_fortnight
from tests.assist.histories import say
from tests.conversations import histories
from tests.conversations.exports.jobs import finished, wanted
from tests.conversations.second_factors import code_at
from tests.conversations.services.decided import failed_delivery, frame, under_review
from tests.watched import Watched
from tests.web import PASSWORD, Web
from translation.replies import send_reply

LIVE = "#connection[data-state=live]"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LOOKS = [("light", 1400), ("dark", 360), ("dark", 1400), ("light", 360)]
# The colours on their way from one scheme to the other count for nothing.
_RUN = """async (levels) => {
  void getComputedStyle(document.body).color;
  for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
  const found = await axe.run(document, { runOnly: levels, resultTypes: ["violations"] });
  return found.violations.flatMap((one) =>
    one.nodes.map((node) => `${one.id}: ${node.target.join(" ")} | ${node.failureSummary}`));
}"""


@pytest.fixture
def watched(web: Web) -> Iterator[Watched]:
    watched = Watched(web)
    watched.page.emulate_media(reduced_motion="reduce")
    yield watched
    watched.assert_harmless()


def violations(watched: Watched, looks: Sequence[tuple[str, int]] = LOOKS) -> list[str]:
    page = watched.page
    page.wait_for_load_state()
    watched.assert_harmless()
    assert watched.web.complaints == []
    page.evaluate(AXE_SCRIPT)
    found = []
    for scheme, width in looks:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        where = f"{page.url.removeprefix(watched.web.address)} {scheme} {width}"
        found += [f"{where}: {line}" for line in page.evaluate(_RUN, LEVELS)]
    # To read what a style sheet imports, axe itself tries a <style>: the policy forbids it that.
    watched.reports.clear()
    watched.web.complaints.clear()
    return found


def a_floor() -> Conversation:
    """Conversations in every state, one of them with guest and agent speaking."""
    histories.conversation("conv-1", messages=3)
    histories.said("How can I help?", by="agent", number=9)
    histories.passed_through(histories.said("OK", number=10))
    histories.not_translated(histories.said("¿…?", number=11))
    histories.said("مرحبا", conversation="conv-2")
    under_review(conversation="conv-3")
    failed_delivery(conversation="conv-4")
    frame()
    Conversation.objects.filter(external_id="conv-2").update(
        state="closed", closed_at=timezone.now()
    )
    for key, state in enumerate(StreamState.State.values):
        StreamState.objects.create(
            kind="messaging",
            key=str(key),
            state=state,
            reason="told to wait",
            lease_until=timezone.now() + timedelta(hours=1),
        )
    return Conversation.objects.get(external_id="conv-1")


def test_the_console_has_no_violation(watched: Watched):
    watched.goto("/login/")
    found = violations(watched)
    watched.page.get_by_label("User name").fill("nobody")
    watched.page.get_by_label("Password").fill("wrong")
    watched.page.get_by_role("button", name="Log in").click()
    found += violations(watched, LOOKS[:2])

    watched.be(histories.user("root", is_superuser=True))
    for path in ("/live/", "/operations/"):
        watched.goto(path)
        expect(watched.page.locator(LIVE)).to_be_visible(timeout=15_000)
        found += violations(watched, LOOKS[:2])
    a_floor()
    letter = DeadLetter.objects.filter(kind="frame").get()
    for path in ("/live/", "/live/conv-1/", "/operations/"):
        watched.goto(path)
        expect(watched.page.locator(LIVE)).to_be_visible(timeout=15_000)
        found += violations(watched)
    finished("audit", "csv")
    wanted("transcripts", "jsonl")
    watched.goto("/exports/")
    expect(watched.page.locator(LIVE)).to_be_visible(timeout=15_000)
    watched.page.get_by_label("Reason").fill("An audit")
    watched.page.locator("summary", has_text="Columns of transcripts").click()
    watched.page.get_by_role("button", name="Preview").click()
    expect(watched.page.locator(".sheet tbody tr").first).to_be_visible(timeout=15_000)
    found += violations(watched)
    watched.goto(f"/operations/dead-letters/{letter.pk}/")
    found += violations(watched)
    watched.goto("/simulator/")
    expect(watched.page.locator("#line[data-state=waiting]")).to_be_visible(timeout=15_000)
    found += violations(watched)

    assert not found, "\n".join(found)


def test_the_reply_box_has_no_violation(watched: Watched):
    histories.conversation("conv-1", messages=1)
    alice = histories.user("alice", "agent")
    Agent.objects.create(user=alice, external_id="agent-1")
    chat = Conversation.objects.get(external_id="conv-1")
    Conversation.objects.update(agent_id="agent-1")
    reply = Reply("0123456789abcdef", "agent-1", "How can I help?", "en-US", "es")
    sent = send_reply(chat.pk, reply, None, user=alice)
    histories.not_translated(Message.objects.get(pk=sent.message_id))
    watched.be(alice)
    watched.goto("/live/conv-1/")
    expect(watched.page.locator(LIVE)).to_be_visible(timeout=15_000)

    watched.page.get_by_role("button", name="Write it again").click()
    expect(watched.page.get_by_label("Your reply")).to_have_value("How can I help?")
    watched.page.get_by_role("button", name="Preview", exact=True).click()
    expect(watched.page.locator("#reply-error")).to_contain_text(
        "does not answer now", timeout=15_000
    )
    watched.web.complaints.clear()  # the browser's own word on the 503
    watched.page.evaluate("document.getElementById('reply-preview').hidden = false")
    watched.page.evaluate("document.getElementById('reply-preview-missing').hidden = false")
    watched.page.locator("#guest-language").click()

    assert violations(watched) == []


def test_the_calls_have_no_violation(watched: Watched):
    watched.be(histories.user("root", is_superuser=True))
    chunk = say("call-1", "my card is [CARD]", kinds=(("CARD", 1),), confidence=0.4)
    say("call-1", "overdue", latency_ms=3000)
    Suggestion.objects.create(
        chunk_id=chunk.pk,
        place=0,
        title="Refunds",
        snippet="Within five working days.",
        url=f"{watched.web.address}/refunds",
        score=0.5,
        latency_ms=40,
        found_at=timezone.now() - timedelta(minutes=2),
    )
    found = []
    for path, ready in (("/assist/", ".calls .open"), ("/assist/call-1/", "#suggestions .stale")):
        watched.goto(path)
        expect(watched.page.locator(ready)).to_be_visible(timeout=15_000)
        found += violations(watched)
    for kind, pk in (("chunk", chunk.pk), ("hourlymetrics", HourlyMetrics.objects.get().pk)):
        watched.goto(f"/{settings.ADMIN_PATH}/assist/{kind}/{pk}/change/")
        found += violations(watched, LOOKS[:2])

    assert not found, "\n".join(found)


def test_engagement_has_no_violation(watched: Watched):
    watched.be(histories.user("root", is_superuser=True))
    a_fortnight()
    watched.goto("/engagement/")
    expect(watched.page.locator(".charts canvas")).to_have_count(4)
    watched.page.locator("summary").first.click()
    found = violations(watched, LOOKS[:2])
    given_up = Interaction.objects.filter(state="given_up")[0].pk
    for path in (f"engagement/{Engagement.objects.all()[0].pk}", f"interaction/{given_up}"):
        watched.goto(f"/{settings.ADMIN_PATH}/assist/{path}/change/")
        found += violations(watched, LOOKS[:1])

    assert not found, "\n".join(found)


def test_pages_that_say_no_have_no_violation(watched: Watched):
    watched.be(histories.user("root", is_superuser=True))
    watched.goto("/no-such-page/", status=404)
    found = violations(watched)
    watched.be(histories.user("cora", "compliance"))
    watched.goto("/live/", status=403)
    found += violations(watched, LOOKS[:2])
    for _ in range(settings.LOGIN_ATTEMPTS):
        admit("cora", "127.0.0.0/24", now=timezone.now())
    watched.page.context.clear_cookies()
    watched.goto("/login/")
    watched.page.get_by_label("User name").fill("cora")
    watched.page.get_by_label("Password").fill("wrong")
    watched.page.get_by_role("button", name="Log in").click()
    expect(watched.page.get_by_role("alert")).to_contain_text("Too many attempts")
    watched.web.complaints.clear()  # the browser's own word on a status of 429
    found += violations(watched)

    assert not found, "\n".join(found)


def test_the_admin_has_no_violation(watched: Watched):
    root = histories.user("root", is_superuser=True)
    watched.be(root)
    conversation = a_floor()
    agent = Agent.objects.create(user=root, external_id="agent-1")
    place_holds([conversation.pk], user=root, reason="case 12")
    request_erasure("nobody", reason="request 1", actor="console:root", named=["conv-2"])
    admit("root", "127.0.0.0/24", now=timezone.now())
    message = Message.objects.filter(conversation=conversation).first()
    assert message is not None

    found = []
    for path in (
        "",
        "conversations/conversation/",
        f"conversations/conversation/{conversation.pk}/change/",
        "conversations/message/?q=conv-1",
        f"conversations/message/{message.pk}/change/",
        "conversations/deadletter/",
        f"conversations/deadletter/{DeadLetter.objects.all()[0].pk}/change/",
        f"conversations/delivery/{conversation.deliveries.all()[0].pk}/change/",
        f"conversations/attributeaudit/{conversation.attribute_audits.all()[0].pk}/change/",
        f"conversations/journalentry/{conversation.journal.all()[0].pk}/change/",
        "conversations/streamstate/",
        "conversations/legalhold/",
        "conversations/erasure/",
        "conversations/loginattempts/",
        "auth/user/",
        f"auth/user/{User.objects.get().pk}/change/",
        "auth/user/add/",
        f"conversations/agent/{agent.pk}/change/",
        f"conversations/agent/{agent.pk}/delete/",
        f"conversations/agent/{agent.pk}/history/",
        "password_change/",
    ):
        watched.goto(f"/admin/{path}")
        found += violations(watched, LOOKS[:2])
    for action in ("hold", "erase"):
        watched.goto("/admin/conversations/conversation/")
        watched.page.get_by_role("checkbox").nth(1).check()
        watched.page.get_by_label("Action:").select_option(action)
        watched.page.get_by_role("button", name="Go").click()
        expect(watched.page.get_by_label("Reason:")).to_be_visible()
        found += violations(watched, LOOKS[:2])
    watched.page.context.clear_cookies()
    watched.goto("/admin/login/")
    found += violations(watched, LOOKS[:2])

    assert not found, "\n".join(found)


def type_in(watched: Watched, label: str, text: str, button: str) -> None:
    watched.page.get_by_label(label, exact=True).fill(text)
    watched.page.get_by_role("button", name=button).click()


def looked_at(watched: Watched) -> list[str]:
    found = violations(watched, LOOKS[:2])
    watched.assert_in_shape()  # at 360 px
    return found


def test_setting_up_a_second_factor_and_logging_in_with_it_has_no_violation(watched: Watched):
    histories.user("sue", "supervisor", password=PASSWORD)
    page = watched.page
    watched.web.log_in("sue", "/live/")
    page.get_by_role("link", name="sue").click()
    found = looked_at(watched)

    type_in(watched, "Your password", PASSWORD, "Set up a second factor")
    letters = page.locator(".secret code").inner_text()
    found += looked_at(watched)
    type_in(watched, "Code that the app shows", "000000", "Confirm")
    expect(page.get_by_role("alert")).to_contain_text("not the code that the app shows")
    found += looked_at(watched)
    # As if its owner had waited for the app's next code.
    SecondFactor.objects.update(throttling_failure_count=0)
    type_in(watched, "Code that the app shows", code_at(letters, timezone.now()), "Confirm")
    expect(page.locator(".codes li")).to_have_count(10)
    codes = page.locator(".codes li").all_inner_texts()
    found += looked_at(watched)
    page.get_by_role("link", name="I have kept them").click()
    expect(page).to_have_url(f"{watched.web.address}/live/")

    page.get_by_role("button", name="Log out").click()
    watched.web.log_in("sue", "/live/")
    type_in(watched, "Code", "000000", "Go on")
    expect(page.get_by_role("alert")).to_contain_text("That was not right")
    found += looked_at(watched)
    SecondFactor.objects.update(throttling_failure_count=0)
    type_in(watched, "Code", code_at(letters, timezone.now() + timedelta(seconds=30)), "Go on")
    expect(page).to_have_url(f"{watched.web.address}/live/")

    watched.goto("/account/")
    expect(page.get_by_text("10 recovery codes left")).to_be_visible()
    found += looked_at(watched)
    type_in(watched, "Fresh code, or a recovery code", codes[0], "Remove")
    expect(page.get_by_role("button", name="Set up a second factor")).to_be_visible()
    assert not SecondFactor.objects.exists()
    assert User.objects.get().is_active
    assert not found, "\n".join(found)
