"""The operations page: open to whoever may, with what stands now and the forms of decisions."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversations.models import Conversation, DeadLetter, Delivery, JournalEntry, StreamState
from conversations.normal_form import nfc
from conversations.services.verification import verify_journal
from conversations.services.verification_runs import keep_verification
from tests.conversations import histories
from tests.conversations.services.decided import failed_translation, frame, never_sent, under_review
from tests.conversations.services.wire import assert_journal_holds
from translation.models import ProviderState

pytestmark = pytest.mark.django_db

PAGE = "/operations/"
REVIEW, LETTERS, PROVIDERS = f"{PAGE}review/", f"{PAGE}dead-letters/", f"{PAGE}providers/"
MAY = {"supervisor", "admin", "superuser"}
ROLES = ("agent", "supervisor", "compliance", "admin", "superuser")


@pytest.fixture(autouse=True)
def plain_http(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False


def log_in(client: Client, role: str) -> Client:
    superuser = role == "superuser"
    groups = () if superuser else (role,)
    client.force_login(histories.user(f"the-{role}", *groups, is_superuser=superuser))
    return client


@pytest.fixture
def sam(client: Client) -> Client:
    return log_in(client, "supervisor")


def text_of(client: Client, address: str = PAGE) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def post(client: Client, address: str, **fields) -> str:
    """What the page says after it."""
    answer = client.post(address, fields, follow=True)
    assert answer.status_code == 200
    found = re.findall(r'<p class="notice \w+">(.*?)</p>', answer.content.decode())
    return " ".join(found)


def token(delivery: Delivery) -> str:
    return f"{delivery.pk}-{delivery.attempts}"


def state_of(delivery: Delivery) -> str:
    return Delivery.objects.values_list("state", flat=True).get(pk=delivery.pk)


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_the_page_opens_for_those_who_may_and_for_nobody_else(client, role: str):
    log_in(client, role)

    assert client.get(PAGE).status_code == (200 if role in MAY else 403)


@pytest.mark.parametrize("role", ROLES)
def test_only_they_are_led_there(client, role: str):
    log_in(client, role)

    page = client.get("/live/") if role != "compliance" else client.get("/admin/")

    assert (f'href="{PAGE}"' in page.content.decode()) is (role in MAY)


@pytest.mark.parametrize("role", ROLES)
def test_a_decision_is_taken_from_those_who_may_review_and_from_nobody_else(client, role: str):
    log_in(client, role)
    delivery, letter = under_review(), frame()

    answers = [
        client.post(REVIEW, {"only": f"drop {token(delivery)}"}),
        client.post(LETTERS, {"only": f"close {letter.pk}", "reason": "because"}),
        client.get(f"{LETTERS}{letter.pk}/"),
    ]

    may = role in MAY
    assert [answer.status_code for answer in answers] == ([302, 302, 200] if may else [403] * 3)
    assert state_of(delivery) == ("dropped" if may else "review")
    letter.refresh_from_db()
    assert (letter.decided_at is not None) is may


@pytest.mark.parametrize("role", ROLES)
def test_a_provider_is_reset_by_those_who_may_do_settings(client, role: str):
    log_in(client, role)
    ProviderState.objects.create(name="deepl", state="open", since=timezone.now())

    answer = client.post(PROVIDERS, {"provider": "deepl"})

    may = role in {"admin", "superuser"}
    assert answer.status_code == (302 if may else 403)
    assert (ProviderState.objects.get().reopened_at is not None) is may
    if role in MAY:
        assert ("Ask again" in text_of(client)) is may


@pytest.mark.parametrize("address", [PAGE, REVIEW, LETTERS, PROVIDERS, f"{LETTERS}1/"])
def test_a_stranger_logs_in_first_and_comes_to_the_page(client, address: str):
    for answer in (client.get(address), client.post(address)):
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={PAGE}")


@pytest.mark.parametrize("address", [REVIEW, LETTERS, PROVIDERS])
def test_a_form_without_its_token_is_refused(address: str):
    client = log_in(Client(enforce_csrf_checks=True), "admin")

    assert client.post(address, {"only": "drop 1-1"}).status_code == 403


@pytest.mark.parametrize("address", [REVIEW, PROVIDERS])
def test_nothing_is_decided_by_looking(client, address: str):
    log_in(client, "admin")

    assert client.get(address).status_code == 405


# --- what it shows --------------------------------------------------------------------------------


def test_an_empty_system_is_said_in_words(sam):
    text = text_of(sam)

    for words in (
        "No gateway has run yet.",
        "No worker holds a conversation now.",
        "No provider has been asked yet.",
        "Nothing waits for your word.",
        "There are none that nobody has decided about.",
        "never verified",
    ):
        assert words in text


def test_streams_show_state_attempts_last_event_and_lease(sam):
    until = timezone.now() + timedelta(seconds=30)
    common = {"kind": "messaging", "attempts": 7, "last_frame_at": timezone.now()}
    StreamState.objects.create(
        key="a",
        state="waiting",
        reason="closed with 1006",
        owner="gw-1",
        lease_until=until,
        **common,
    )
    StreamState.objects.create(key="b", state="live", owner="", lease_until=None, **common)

    text = text_of(sam)

    assert '<span class="state ambiguous">waiting</span>' in text
    assert "closed with 1006" in text
    assert 'class="number">7</td>' in text
    assert "gw-1" in text
    assert '<span class="state failed">not held</span>' in text
    assert "held by no gateway" in text


def test_workers_show_how_many_conversations_they_hold(sam):
    now = timezone.now()
    for name, owner, seconds in (("a", "w-1", 9), ("b", "w-1", 9), ("c", "w-2", -1)):
        histories.said("Hola", conversation=name)
        Conversation.objects.filter(external_id=name).update(
            lease_owner=owner, lease_until=now + timedelta(seconds=seconds)
        )

    text = text_of(sam)

    row = text[text.index('data-key="w-1"') :]
    assert 'class="number">2</td>' in row[: row.index("</tr>")]
    assert "w-2" not in text


def test_queues_show_their_depth_and_their_oldest_row(sam):
    message = histories.said("Hola")
    Conversation.objects.update(work_at=message.received_at)

    text = text_of(sam)

    tile = text[text.index('data-key="translation"') :]
    tile = tile[: tile.index("</li>")]
    assert "<strong>1</strong>" in tile
    assert message.received_at.isoformat(timespec="milliseconds") in tile


@pytest.mark.parametrize(("seconds", "tone"), [(0, "ok"), (10, "ambiguous"), (100, "failed")])
def test_a_row_that_waits_long_is_an_alarm(sam, seconds: float, tone: str):
    message = histories.said("Hola")
    type(message).objects.update(received_at=timezone.now() - timedelta(seconds=seconds))

    assert f'data-key="translation" data-tone="{tone}"' in text_of(sam)


def test_a_provider_shows_its_state_with_reason(sam):
    ProviderState.objects.create(
        name="deepl", state="half_open", reason="status 503", since=timezone.now()
    )

    text = text_of(sam)

    assert "breaker half-open" in text
    assert "status 503" in text


def test_a_review_shows_what_was_said_escaped_and_what_can_be_done(sam):
    delivery = under_review()
    text_row = delivery.message.texts.get(role="translated")
    text_row.text = "<script>alert(1)</script>"
    text_row.save()

    text = text_of(sam)

    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    for word in ("is_there", "send_again", "drop"):
        assert f'value="{word} {token(delivery)}"' in text


@pytest.mark.timeout(20)
def test_a_letter_with_a_hundred_thousand_accents_holds_no_page_up(sam):
    delivery = under_review()
    storm = "e" + "\u0301\u0323" * 50_000
    for row in delivery.message.texts.all():
        row.text = storm
        row.save()

    text = text_of(sam)

    assert f"drop {token(delivery)}" in text
    assert storm not in text
    assert text.count(f"{nfc(storm[:31])} [99970 marks more]") == 2


def test_what_was_never_sent_cannot_be_said_to_be_there(sam):
    delivery = never_sent()

    text = text_of(sam)

    assert f'value="is_there {token(delivery)}"' not in text
    assert ">Send</button>" in text


def test_a_letter_shows_what_was_kept_and_whose_decision_it_was(sam):
    letter = frame(b"<b>\xff")
    page = f"{LETTERS}{letter.pk}/"

    before = text_of(sam, page)
    post(sam, LETTERS, only=f"close {letter.pk}", reason="an exercise")
    after = text_of(sam, page)

    assert "&lt;b&gt;�" in before
    assert "none yet" in before
    assert "an exercise" in after
    assert "the-supervisor" in after


def test_a_letter_that_is_not_there_is_not_found(sam):
    assert sam.get(f"{LETTERS}999/").status_code == 404


@pytest.mark.parametrize(
    ("tampered", "words"), [(False, "chain verified"), (True, "tampering detected")]
)
def test_the_last_verification_is_shown(sam, tampered: bool, words: str):
    histories.conversation(messages=1)
    keep_verification(verify_journal(), started_at=timezone.now())
    if tampered:
        histories.tamper("UPDATE conversations_journalentry SET actor = 'me' WHERE seq = 2")
        keep_verification(verify_journal(), started_at=timezone.now())

    text = text_of(sam)

    assert words in text
    assert ("entry 2" in text) is tampered


def test_long_lists_end_and_say_how_many_more_there_are(sam, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversations.dashboards.LINES", 2)
    for number in range(3):
        under_review(conversation=f"conv-{number}")
        frame()

    text = text_of(sam)

    assert text.count('id="review-more" data-live>1 more, newer than these.') == 1
    assert text.count('id="letters-more" data-live>1 more, newer than these.') == 1


def test_the_page_costs_the_same_queries_however_much_there_is(sam):
    def fill(start: int, end: int) -> None:
        for number in range(start, end):
            under_review(conversation=f"conv-{number}")
            failed_translation(conversation=f"fail-{number}")

    fill(0, 1)
    text_of(sam)
    with CaptureQueriesContext(connection) as few:
        text_of(sam)
    fill(1, 6)
    with CaptureQueriesContext(connection) as many:
        text_of(sam)

    assert len(many) == len(few)
    assert len(many) < 30


def test_no_script_and_no_style_stands_in_the_page(sam):
    under_review()
    frame()

    text = text_of(sam)

    assert not re.search(r"<style|style=|<script>|\son\w+=", text)
    assert "default-src 'none'" in sam.get(PAGE)["Content-Security-Policy"]
    assert "no-store" in sam.get(PAGE)["Cache-Control"]


# --- what it does ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "state"), [("is_there", "confirmed"), ("send_again", "queued"), ("drop", "dropped")]
)
def test_a_row_is_decided_by_its_button(sam, word: str, state: str):
    delivery = under_review()

    said = post(sam, REVIEW, only=f"{word} {token(delivery)}", decision="drop", row=["1-1"])

    assert said.startswith("conv-1, message 1: ")
    assert state_of(delivery) == state
    assert JournalEntry.objects.order_by("-pk")[0].actor.endswith(":the-supervisor")
    assert_journal_holds()


def test_several_rows_are_decided_together(sam):
    deliveries = [under_review(conversation=f"conv-{number}") for number in range(3)]

    said = post(sam, REVIEW, decision="drop", row=[token(delivery) for delivery in deliveries[:2]])

    assert said == "2 done."
    assert [state_of(delivery) for delivery in deliveries] == ["dropped", "dropped", "review"]


def test_a_second_decision_is_told_of_the_first(sam):
    delivery = under_review()
    post(sam, REVIEW, only=f"drop {token(delivery)}")

    said = post(sam, REVIEW, only=f"send_again {token(delivery)}")

    assert "not done. It is dropped already: the-supervisor" in said


def test_many_refusals_are_not_all_said(sam):
    rows = [f"{number}-1" for number in range(900_000, 900_009)]

    said = post(sam, REVIEW, decision="drop", row=rows)

    assert said.count("There is no delivery") == 5
    assert "And 4 more were not done." in said


def test_letters_are_replayed_and_closed(sam):
    replayed, closed = failed_translation(conversation="a"), failed_translation(conversation="b")

    post(sam, LETTERS, only=f"replay {replayed.pk}")
    post(sam, LETTERS, decision="close", row=[closed.pk], reason="seen to by phone")

    letters = DeadLetter.objects.order_by("pk").values_list("decision", "decision_reason")
    assert list(letters) == [("replayed", ""), ("closed", "seen to by phone")]
    assert_journal_holds()


def test_a_reason_of_any_characters_and_length_is_kept_as_far_as_it_can_be(sam):
    letter = frame()

    post(sam, LETTERS, only=f"close {letter.pk}", reason="a\x00b" * 100)

    letter.refresh_from_db()
    assert letter.decision_reason == ("a\u2400b" * 100)[:200]


def test_nothing_is_closed_without_a_reason(sam):
    letter = frame()

    said = post(sam, LETTERS, only=f"close {letter.pk}", reason=" ")

    assert "needs a reason" in said
    letter.refresh_from_db()
    assert letter.decided_at is None


@pytest.mark.parametrize(
    ("address", "fields", "words"),
    [
        (REVIEW, {}, "That is no decision."),
        (REVIEW, {"decision": "explode", "row": ["1-1"]}, "That is no decision."),
        (REVIEW, {"decision": "drop"}, "Choose at least one row."),
        (
            REVIEW,
            {"decision": "drop", "row": ["x", "1", "-", "1-x", "٣-1", "9" * 30 + "-1"]},
            "Choose",
        ),
        (LETTERS, {}, "That is no decision."),
        (LETTERS, {"decision": "replay"}, "Choose at least one row."),
        (LETTERS, {"decision": "replay", "row": ["x", "-1", "9" * 30]}, "Choose at least one row."),
        (LETTERS, {"only": "replay 999999"}, "There is no dead letter 999999."),
        (PROVIDERS, {"provider": "nobody"}, "nobody is no provider."),
        (PROVIDERS, {"provider": "no\x00body"}, "no\u2400body is no provider."),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(client, address, fields, words: str):
    log_in(client, "admin")
    delivery = under_review()

    assert words in post(client, address, **fields)
    assert state_of(delivery) == "review"


def test_the_answer_leads_back_to_its_list(sam):
    answer = sam.post(REVIEW, {"only": f"drop {token(under_review())}"})

    assert answer["Location"] == reverse("operations") + "#review"


def test_hundreds_of_transcripts_are_one_line_and_those_in_trouble(sam):
    until = timezone.now() + timedelta(seconds=30)
    transcript = {"kind": "transcript", "frames": 2}
    StreamState.objects.bulk_create(
        StreamState(**transcript, key=f"c{n}", state="live", owner="gw-1", lease_until=until)
        for n in range(300)
    )
    StreamState.objects.create(
        **transcript, key="bad", state="refused", reason="(403)", resume_at=until
    )
    StreamState.objects.create(**transcript, key="late", state="waiting", reason="no room")
    StreamState.objects.create(**transcript, key="lost", state="live", lease_until=None)
    StreamState.objects.create(**transcript, key="over", state="stopped", resume_at=until)
    StreamState.objects.create(**transcript, key="", state="stopped")  # the total of those gone

    text = text_of(sam)

    assert "all transcript streams" in text
    for words in ("300 live", "1 refused", "1 waits for room", "1 gateway<", ">610"):
        assert words in text
    shown = set(re.findall(r"<bdi[^>]*>(c\d+|bad|late|lost|over)</bdi>", text))
    assert shown == {"bad", "late", "lost"}
