"""What every answer tells a browser: no foreign script, no frame, no guessing of types (S6)."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.conversations import histories
from tests.conversations.live.histories import a_conversation
from tests.doors.verdicts import PAGES

pytestmark = pytest.mark.django_db

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}
TRUSTED_TYPES = {"require-trusted-types-for": "'script'", "trusted-types": "parley-page"}
ERRORS = ["/no-such-page/", "/live/missing/", "/operations/dead-letters/0/"]


def policy_of(answer) -> dict[str, str]:
    parts = answer.headers["Content-Security-Policy"].split(";")
    return dict(part.strip().split(" ", 1) for part in parts)


@pytest.mark.parametrize("path", sorted({door.address for door in PAGES} | {"/login/", *ERRORS}))
def test_every_answer_of_the_console_is_guarded(client: Client, path: str):
    a_conversation("own")
    client.force_login(histories.user("root", is_superuser=True))

    answer = client.get(path.format(letter=0))

    assert policy_of(answer) == POLICY | TRUSTED_TYPES
    assert_plain_guards(answer)


def test_the_admin_is_guarded_but_for_the_types_its_scripts_cannot_do_without(client: Client):
    client.force_login(histories.user("root", is_superuser=True))

    answer = client.get("/admin/conversations/message/")

    assert answer.status_code == 200
    assert policy_of(answer) == POLICY
    assert_plain_guards(answer)


@pytest.mark.parametrize("path", ["/live/own/", "/operations/", "/admin/"])
def test_what_somebody_read_is_in_no_cache(client: Client, path: str):
    a_conversation("own")
    client.force_login(histories.user("root", is_superuser=True))

    assert "no-store" in client.get(path).headers["Cache-Control"]


def assert_plain_guards(answer) -> None:
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
