"""Whoever has a second factor comes in by it alone; whose role needs one gets nowhere without."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from conversations import access
from conversations.live import frames, rights
from conversations.live.rights import Claim
from conversations.models import JournalEntry, LoginAttempts, SecondFactor
from conversations.services import second_factor
from tests.conversations import histories
from tests.conversations.live.histories import a_conversation
from tests.conversations.second_factors import code_at, set_up
from tests.conversations.services.decided import frame
from tests.doors.verdicts import PAGES, ROLES
from tests.doors.visitors import OF_STATUS, logged_in

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password-7"
NOW = datetime(2026, 6, 15, 10, 30, 5, tzinfo=UTC)
CODE = "/login/code/"


@pytest.fixture(autouse=True)
def plain_http(settings) -> None:
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def cora() -> User:
    return histories.user("cora", "compliance", password=PASSWORD)


@pytest.fixture
def letters(cora: User) -> str:
    return set_up(cora, NOW - timedelta(minutes=5))[0]


def post(client: Client, path: str, *, after_s: float = 0, **data: Any) -> Any:
    with time_machine.travel(NOW + timedelta(seconds=after_s), tick=False):
        return client.post(path, data, REMOTE_ADDR="192.0.2.7")


def get(client: Client, path: str, *, after_s: float = 0) -> Any:
    with time_machine.travel(NOW + timedelta(seconds=after_s), tick=False):
        return client.get(path, REMOTE_ADDR="192.0.2.7")


def log_in(client: Client, *, door: str = "login", after_s: float = 0, **more: str) -> Any:
    data = {"username": "cora", "password": PASSWORD} | more
    return post(client, reverse(door), after_s=after_s, **data)


def code(letters: str, after_s: float = 0) -> str:
    return code_at(letters, NOW + timedelta(seconds=after_s))


def is_in(client: Client, after_s: float = 0) -> bool:
    return get(client, "/exports/", after_s=after_s).status_code == 200


def noted() -> list[tuple[str, dict[str, Any]]]:
    chain = JournalEntry.objects.order_by("seq").values_list("kind", "data")
    return [(kind, json.loads(data or "{}")) for kind, data in chain]


# --- the doors ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("door", "onward"), [("login", "/exports/"), ("admin:login", "/admin/auth/user/")]
)
def test_after_the_password_both_doors_ask_for_a_code(client, letters, door: str, onward: str):
    halfway = log_in(client, door=door, next=onward)
    assert (halfway.status_code, halfway["Location"]) == (302, CODE)
    assert not is_in(client)
    assert get(client, "/admin/").status_code == 302
    assert "Type the code" in get(client, CODE).content.decode()

    done = post(client, CODE, after_s=20, code=code(letters))

    assert (done.status_code, done["Location"]) == (302, onward)
    assert is_in(client, after_s=21)
    network = {"network": "192.0.2.0/24", "by": "password and code"}
    assert noted()[1:] == [("logged_in", network)]


def test_a_wrong_a_used_and_a_too_early_code_have_the_same_answer(client, letters, settings):
    settings.LOGIN_ATTEMPTS = 50
    used = code(letters)
    log_in(client)
    assert post(client, CODE, code=used).status_code == 302
    client = Client()
    log_in(client, after_s=5)

    answers = [
        post(client, CODE, after_s=10, code=used),
        post(client, CODE, after_s=20, code="000000"),
        post(client, CODE, after_s=20.5, code=code(letters, 20)),  # right, and too early
        post(client, CODE, after_s=30, code="abcde-fghjk"),
        post(client, CODE, after_s=50, code=""),
    ]

    pages = {one.content.decode().split("csrfmiddlewaretoken")[0] for one in answers}
    assert len(pages) == 1
    assert "That was not right" in answers[0].content.decode()
    assert {one.status_code for one in answers} == {200}
    assert not is_in(client, after_s=51)
    refused = [data for kind, data in noted() if kind == "login_refused"]
    assert [data["what"] for data in refused] == ["code"]


def test_guesses_at_codes_count_as_guesses_at_passwords(client: Client, letters: str):
    log_in(client)
    codes = []
    for n in range(1, 6):
        codes.append(post(client, CODE, after_s=40 * n, code="000000"))
        log_in(client, after_s=40 * n)  # the right password takes none of their counts back
    beyond = post(client, CODE, after_s=270, code=code(letters, 270))

    assert [one.status_code for one in codes] == [200] * 5
    assert beyond.status_code == 429
    assert not is_in(client, after_s=271)
    assert [data["what"] for kind, data in noted() if kind == "login_refused"][-1] == "too many"


def test_a_log_in_in_two_steps_costs_its_network_nothing(client, letters: str, settings):
    settings.LOGIN_ATTEMPTS = settings.LOGIN_NETWORK_ATTEMPTS = 1
    log_in(client)
    post(client, CODE, after_s=1, code=code(letters))

    left = {row.kind: row.count for row in LoginAttempts.objects.all()}
    assert left == {"network": 0}


def test_a_recovery_code_opens_the_door_once(client: Client, cora: User):
    _, codes = set_up(cora, NOW - timedelta(minutes=5))
    log_in(client)
    assert post(client, CODE, code=codes[0]).status_code == 302
    again = Client()
    log_in(again)

    assert post(again, CODE, code=codes[0]).status_code == 200

    kinds = [kind for kind, _ in noted()]
    assert kinds == ["factor_set", "code_used", "logged_in", "login_refused"]


@pytest.mark.parametrize("what", ["time", "password", "activity", "factor", "nobody"])
def test_half_way_is_forgotten_when_it_is_old_or_anything_has_changed(
    client: Client, cora: User, letters: str, what: str
):
    if what != "nobody":
        log_in(client)
    if what == "password":
        cora.set_password("another-password-9")
        cora.save()
    if what == "activity":
        User.objects.update(is_active=False)
    if what == "factor":
        second_factor.reset(cora, actor="console")
    late_s = 301 if what == "time" else 30

    answer = post(client, CODE, after_s=late_s, code=code(letters, late_s))

    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert not is_in(client, after_s=late_s)


def test_the_key_of_the_session_changes_at_both_steps(client: Client, letters: str):
    keys = [client.cookies.get(django_settings.SESSION_COOKIE_NAME)]
    log_in(client)
    keys.append(client.cookies[django_settings.SESSION_COOKIE_NAME].value)
    post(client, CODE, code=code(letters))
    keys.append(client.cookies[django_settings.SESSION_COOKIE_NAME].value)

    assert len(set(keys)) == 3
    assert Session.objects.count() == 1


# --- sessions that are open ---------------------------------------------------------------------
def test_setting_it_up_keeps_this_session_and_ends_the_others(client: Client, cora: User):
    other = Client()
    for one in (client, other):
        log_in(one)
    claims = {}
    for one in (client, other):
        key = one.cookies[django_settings.SESSION_COOKIE_NAME].value
        claims[key] = Claim(cora.pk, key, cora.get_session_auth_hash(), action="export")

    assert post(client, "/account/second-factor/", password="guess").status_code == 400
    assert not SecondFactor.objects.exists()
    page = post(client, "/account/second-factor/", password=PASSWORD).content.decode()
    shown = page.split('class="secret"><code>')[1].split("</code>")[0]
    assert "<svg" in page
    wrong = post(client, "/account/second-factor/confirm/", code="000000")
    assert (wrong.status_code, shown in wrong.content.decode()) == (400, False)
    assert is_in(other)
    confirmed = post(
        client, "/account/second-factor/confirm/", after_s=40, code=code(shown, 40)
    ).content.decode()

    assert confirmed.count("<li><code>") == 10
    assert is_in(client, after_s=41)
    with time_machine.travel(NOW + timedelta(seconds=41), tick=False):
        found = rights.verdicts(claims.values())
    assert set(found.values()) == {frames.UNAUTHENTICATED}  # this one's key is another by now
    assert len(found) == 2
    assert not is_in(other, after_s=42)
    later = get(client, "/account/", after_s=43).content.decode()
    assert "10 recovery codes left" in later
    assert shown not in later
    assert "<svg" not in later
    again = post(client, "/account/second-factor/", after_s=44, password=PASSWORD)
    assert (again.status_code, again["Location"]) == (302, "/account/")


def test_a_page_and_a_socket_of_before_it_was_set_up_end(client: Client, cora: User):
    log_in(client)
    key = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    claim = Claim(cora.pk, key, cora.get_session_auth_hash(), action="export")
    with time_machine.travel(NOW, tick=False):
        before = rights.verdicts([claim])
    set_up(cora, NOW)

    with time_machine.travel(NOW, tick=False):
        assert before == {}
        assert rights.verdicts([claim]) == {claim: frames.UNAUTHENTICATED}
    assert not is_in(client)
    assert not Session.objects.exists()


def test_removing_it_needs_a_fresh_code_and_ends_the_other_sessions(client, letters):
    other = Client()
    for one, after_s in ((client, 0), (other, 30)):
        log_in(one, after_s=after_s)
        post(one, CODE, after_s=after_s, code=code(letters, after_s))
    assert is_in(client, 31)
    assert is_in(other, 31)

    used = post(client, "/account/second-factor/remove/", after_s=40, code=code(letters, 30))
    assert (used.status_code, SecondFactor.objects.exists()) == (400, True)
    done = post(client, "/account/second-factor/remove/", after_s=70, code=code(letters, 70))

    assert (done.status_code, SecondFactor.objects.exists()) == (302, False)
    assert is_in(client, 71)
    assert not is_in(other, 71)


def test_guesses_from_a_session_that_was_left_open_are_held_to_the_limit(client, letters):
    log_in(client)
    post(client, CODE, code=code(letters))

    answers = [
        post(client, f"/account/second-factor/{word}/", after_s=60 * n, code="000000").status_code
        for n, word in enumerate(["remove", "codes"] * 3, start=1)
    ]

    assert answers == [400] * 5 + [429]


# --- roles that need one ------------------------------------------------------------------------
ALLOWED = {"/account/", "/session/"}


@pytest.mark.parametrize("role", ROLES)
def test_without_one_a_role_that_needs_it_gets_to_its_set_up_alone(settings, role: str):
    settings.SECOND_FACTOR_FOR, settings.SIMULATOR_PAGE = ["all"], True
    a_conversation("own"), a_conversation("foreign")
    letter = frame().pk
    client = Client()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = logged_in(role)
    is_one = role not in ("anonymous", "deactivated")

    wrong = {}
    for door in PAGES:
        answer = getattr(client, door.method.lower())(door.address.format(letter=letter))
        to = answer.headers.get("Location", "").split("?")[0]
        if door.address in ALLOWED and is_one:
            expected = answer.status_code in (200, 204)
        elif door.address == "/account/second-factor/" and is_one:
            expected = answer.status_code == 400  # without the password
        elif is_one:
            is_led = door.method == "GET" or door.address == "/account/second-factor/confirm/"
            expected = to == "/account/" if is_led else answer.status_code == 403
        else:
            found = "login" if to == "/login/" else OF_STATUS.get(answer.status_code)
            expected = found == door.of(role)
        if not expected:
            wrong[door.address] = (answer.status_code, to)

    assert wrong == {}
    for path in ("/admin/", "/admin/auth/user/", "/admin/login/", "/admin/password_change/"):
        to = client.get(path).headers.get("Location", "")
        assert (to == "/account/") is is_one
    assert client.get("/healthz").status_code == 200
    if is_one:
        assert client.post("/logout/").status_code == 302


@pytest.mark.parametrize(
    ("needed", "expected"),
    [
        ([], set()),
        (["admin"], {"admin", "superuser"}),
        (["compliance", "agent"], {"compliance", "agent", "superuser"}),
        (["all"], {"nobody", "agent", "supervisor", "compliance", "admin", "superuser"}),
    ],
)
def test_it_is_asked_of_the_roles_that_are_named_by_the_one_rule(settings, needed, expected):
    settings.SECOND_FACTOR_FOR = needed
    users = {
        role: histories.user(role, *({role} & set(access.GROUPS)), is_superuser=role == "superuser")
        for role in ROLES
        if role not in ("anonymous", "deactivated")
    }
    a_conversation("own")

    lacking = {role for role, user in users.items() if access.lacks_second_factor(user)}

    assert lacking == expected
    for role in lacking:
        assert not any(access.can(users[role], action) for action in access._ALLOWED)
        assert not access.visible_conversations(users[role]).exists()
        assert not access.conversations_to_answer(users[role]).exists()
        assert not access.sees_every_conversation(users[role])
        assert rights.admit(users[role].pk, "own").code == frames.FORBIDDEN


def test_with_one_they_are_where_their_role_lets_them(client: Client, letters: str, settings):
    settings.SECOND_FACTOR_FOR = ["compliance"]
    log_in(client)
    post(client, CODE, code=code(letters))

    assert is_in(client, 1)
    assert get(client, "/admin/", after_s=2).status_code == 200


# --- reset --------------------------------------------------------------------------------------
def test_an_admin_resets_somebodys_with_a_second_word_but_not_their_own(client, cora, letters):
    ada = histories.user("ada", "admin")
    root = histories.user("root", is_superuser=True)
    for user in (ada, root):
        set_up(user, NOW)
    client.force_login(ada)
    session = client.session
    session["otp_device_id"] = SecondFactor.objects.get(user=ada).persistent_id
    session.save()
    page = reverse("admin:auth_user_changelist")
    asked = {"action": "reset_second_factor", "_selected_action": [ada.pk, cora.pk, root.pk]}

    question = client.post(page, asked).content.decode()
    assert SecondFactor.objects.count() == 3
    assert "cora" in question
    client.post(page, asked | {"confirmed_reason": "she rang me", "confirmed_word": ""})

    assert set(SecondFactor.objects.values_list("user__username", flat=True)) == {"ada", "root"}
    reset = JournalEntry.objects.get(kind="factor_reset")
    assert reset.actor == f"user:{ada.pk}:ada"
    assert json.loads(reset.data) == {"account": f"user:{cora.pk}:cora"}
    assert "she rang me" in LogEntry.objects.get().change_message
    listed = client.get(reverse("admin:auth_user_change", args=[root.pk])).content.decode()
    assert (
        "in force" in client.get(reverse("admin:auth_user_change", args=[ada.pk])).content.decode()
    )
    assert "otpauth" not in listed
