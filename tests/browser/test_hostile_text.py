"""Hostile texts through every sink of a real browser: nothing executes, nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.utils.text import Truncator
from playwright.sync_api import expect

from conversations.hidden import hidden_in
from conversations.live import doorbell
from conversations.models import Agent, Conversation, Delivery
from tests.conversations import histories
from tests.conversations.live.histories import a_conversation
from tests.hostile import NAMES, TEXTS
from tests.hostile_rows import a_full_floor, letters, say_all, surroundings
from tests.watched import Watched
from tests.web import Web

LIVE = "#connection[data-state=live]"
A_PAGE = 60  # rows: fewer than a page keeps
ON_A_CARD = [text for text in NAMES if len(text) <= 100]


@pytest.fixture
def watched(web: Web) -> Iterator[Watched]:
    """As a superuser, who sees everything."""
    watched = Watched(web)
    watched.be(histories.user("root", is_superuser=True))
    yield watched
    watched.assert_harmless()


def test_the_corpus_is_large_and_has_nothing_twice():
    assert len(TEXTS) >= 200
    assert len(set(TEXTS)) == len(TEXTS)


def test_conversations_show_what_was_said_as_it_comes_and_as_it_stands(watched: Watched):
    for number, start in enumerate(range(0, len(TEXTS), A_PAGE)):
        texts = TEXTS[start : start + A_PAGE]
        names = {"guest_name": NAMES[number], "agent_name": NAMES[-1 - number]}
        conversation = a_conversation(f"c-{number}", **names)
        watched.goto(f"/live/c-{number}/")
        expect(watched.page.locator(LIVE)).to_be_visible(timeout=15_000)
        conversation.refresh_from_db()  # the visit stands in its journal

        say_all(conversation, texts)
        doorbell.ring([(conversation.pk, conversation.seq)])
        watched.until_shown([*texts, *names.values()])
        doorbell.typing(conversation.pk, "guest", "active", conversation.created_at)
        watched.assert_harmless()
        watched.assert_in_shape()
        watched.page.reload()
        watched.until_shown([*texts, *names.values()])
        watched.assert_harmless()

    expect(watched.page.locator(LIVE)).to_be_visible(timeout=15_000)
    marks = watched.page.evaluate(
        "async (texts) => { const { hiddenIn } = await import('/static/console/hidden.js');"
        " return texts.map(hiddenIn); }",
        list(TEXTS),
    )
    assert marks == [hidden_in(text) for text in TEXTS]


@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_leaves_its_bubble(watched: Watched, width: int):
    watched.page.set_viewport_size({"width": width, "height": 900})
    conversation = a_conversation("c")
    shapes = [text for text in TEXTS if len(text) > 60 or hidden_in(text)]

    say_all(conversation, shapes)
    watched.goto("/live/c/")
    watched.until_shown(shapes)

    watched.assert_in_shape()


def test_the_wall_shows_hostile_names_ids_and_words(watched: Watched):
    floor = a_full_floor(150)
    watched.goto("/live/")
    expect(watched.page.locator(LIVE)).to_be_visible(timeout=15_000)

    watched.until_shown([name for name in NAMES[:150] if name in ON_A_CARD])
    watched.until_shown([one.guest_name for one in floor])
    watched.assert_harmless()
    for width in (1400, 1280, 360):
        watched.page.set_viewport_size({"width": width, "height": 900})
        watched.assert_in_shape()

    for payload in one_line(ON_A_CARD)[::24]:
        watched.goto(f"/live/?q={quote(payload)}")
        expect(watched.page.locator("input[name=q]")).to_have_value(payload)
    for one in floor[::25]:
        status = 200 if not set("/\\") & set(one.external_id) else None
        if status:
            watched.goto(f"/live/{quote(one.external_id, safe='')}/")
            watched.until_shown([one.guest_name])
            watched.assert_harmless()


def test_operations_and_its_decisions_show_what_stands(watched: Watched):
    made = letters(TEXTS)
    review = say_all(a_conversation("r/1", guest_name=NAMES[0]), TEXTS[:50])
    surroundings(User.objects.get())
    watched.goto("/operations/")

    watched.until_shown(
        [Truncator(text).chars(300).replace("\r", "\n") for text in TEXTS[:50]], within_s=5
    )
    reasons = [letter.reason for letter in made[:50]]
    assert watched.missing(reasons, is_spaced=False) == []
    watched.assert_harmless()
    watched.assert_in_shape()

    for letter, text in zip(made, TEXTS, strict=True):
        if letter.pk % 16 == 0 or "\n" in text[:1]:
            watched.goto(f"/operations/dead-letters/{letter.pk}/")
            assert watched.missing([text[:200]], is_spaced=False) == []
    for number, payload in enumerate(one_line(NAMES)[::60]):
        watched.goto("/operations/")
        watched.page.locator("#letters-reason").fill(payload)
        watched.page.locator(f"#letter-{made[number].pk}-close").click()
        expect(watched.page.locator("#notices .notice")).to_be_visible(timeout=10_000)
        watched.goto(f"/operations/dead-letters/{made[number].pk}/")
        assert watched.missing([payload.strip()], is_spaced=False) == []
    assert Delivery.objects.filter(message__in=review, state="review").count() == 50


def test_the_admin_shows_what_stands(watched: Watched):
    root = User.objects.get()
    conversation = a_conversation("c-admin", guest_name=NAMES[0], agent_name=NAMES[1])
    messages = say_all(conversation, TEXTS[:200])
    made = letters(TEXTS[:50])
    surroundings(root)
    for number, name in enumerate(NAMES[:40]):
        user = histories.user(f"{number}{name}"[:150], first_name=name[:150])
        Agent.objects.create(user=user, external_id=name)

    watched.goto(f"/admin/conversations/conversation/{conversation.pk}/change/")
    assert watched.missing(TEXTS[:200], is_spaced=False) == []
    watched.assert_harmless()
    watched.assert_in_shape()
    for model in ("conversation", "message", "delivery", "deadletter", "attributeaudit",
                  "journalentry", "streamstate", "agent"):  # fmt: skip
        watched.goto(f"/admin/conversations/{model}/")
        watched.assert_harmless()
    for path in ("translation/translation/", "translation/providerstate/", "auth/user/", ""):
        watched.goto(f"/admin/{path}")
        watched.assert_harmless()
    watched.goto("/admin/conversations/agent/")
    assert watched.missing(NAMES[:40], is_spaced=False) == []
    records = {
        "message": messages[::50],
        "deadletter": made[::20],
        "delivery": Delivery.objects.all()[:2],
        "attributeaudit": conversation.attribute_audits.all()[:2],
        "journalentry": conversation.journal.all()[:2],
        "agent": Agent.objects.all()[:3],
    }
    for model, found in records.items():
        for record in found:
            watched.goto(f"/admin/conversations/{model}/{record.pk}/change/")
            watched.assert_harmless()
    watched.goto(f"/admin/auth/user/{root.pk}/history/")
    assert watched.missing(NAMES[:90], is_spaced=False) == []
    watched.goto("/admin/auth/user/add/")
    watched.goto("/admin/conversations/agent/add/")
    watched.page.locator(".select2-selection").click()
    expect(watched.page.locator(".select2-results__option").first).to_be_visible()
    for payload in one_line(NAMES)[::25]:
        watched.goto(f"/admin/conversations/message/?q={quote(payload)}")
        expect(watched.page.locator("#searchbar")).to_have_value(payload)


def test_what_is_asked_for_comes_back_harmless(watched: Watched):
    for payload in NAMES[::12]:
        watched.goto(f"/live/{quote(payload, safe='')}/", status=404)
        watched.assert_harmless()
    for payload in one_line(NAMES)[::25]:
        watched.goto(f"/operations/?{quote(payload)}={quote(payload)}")
    watched.page.context.clear_cookies()
    for payload in one_line(NAMES)[::40]:
        watched.goto(f"/login/?next={quote(payload)}")
        kept = watched.page.locator("input[name=next]")  # only what stays on this site
        assert kept.count() == 0 or kept.input_value() == payload
        watched.page.get_by_label("User name").fill(payload)
        watched.page.get_by_label("Password").fill("wrong")
        watched.page.get_by_role("button", name="Log in").click()
        expect(watched.page.get_by_role("alert")).to_be_visible()
        watched.assert_harmless()
    assert not Conversation.objects.exclude(channel="console").exists()


def one_line(texts: list[str] | tuple[str, ...]) -> list[str]:
    """What a field of one line takes as it is."""
    return [text for text in texts if text.isprintable() and text == text.strip()]
