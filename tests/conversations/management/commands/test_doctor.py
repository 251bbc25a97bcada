"""`doctor` names each thing that is wrong with its fix, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from conversations.conf import genesys_config
from conversations.management.commands.doctor import Unwell, check_exports
from conversations.models import AccessToken
from conversations.services.tokens import credentials_of

pytestmark = pytest.mark.django_db


class Platform(BaseHTTPRequestHandler):
    """A token endpoint that accepts one secret, and tells the time it is told."""

    date = ""

    def do_POST(self) -> None:
        granted = "dGVzdC1pZDp0ZXN0LXNlY3JldC12YWx1ZQ==" in self.headers["Authorization"]
        self.rfile.read(int(self.headers["Content-Length"]))
        body = {"access_token": "granted-token", "expires_in": 86400, "token_type": "bearer"}
        self._answer(200 if granted else 401, body if granted else {"error": "invalid_client"})

    def do_GET(self) -> None:
        self._answer(200, {})

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.date or super().date_time_string(timestamp)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@contextmanager
def served(handler: type[Platform]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def well(settings) -> Iterator[Any]:
    """Settings under which everything is in order."""
    with served(Platform) as url:
        settings.ALLOWED_ORIGINS = ["https://parley.example.org"]
        settings.GENESYS_CLIENT_ID = "test-id"
        settings.GENESYS_CLIENT_SECRET = "test-secret-value"
        settings.GENESYS_OAUTH_STYLE = "basic"
        settings.GENESYS_OAUTH_URL = f"{url}/oauth/token"
        settings.GENESYS_API_URL = url
        settings.TRANSLATION_API_URL = f"{url}/v2/translate"
        settings.TRANSLATION_API_KEY = "test-translation-key"
        yield settings


def doctor() -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


def line(text: str, name: str) -> str:
    (found,) = (row for row in text.splitlines() if f"{name}:" in row.split(" ", 1)[1][:30])
    return found


def test_all_is_well(well):
    code, text = doctor()

    assert code == 0, text
    assert all(row.startswith("ok ") for row in text.splitlines())
    assert "127.0.0.1" in line(text, "Genesys credentials")


@pytest.mark.parametrize(
    ("setting", "value", "name", "fix"),
    [
        ("JOURNAL_KEY", "short", "keys", "JOURNAL_KEY is missing or short"),
        ("ALLOWED_ORIGINS", [], "origins", "for example https://"),
        ("ALLOWED_ORIGINS", ["parley.example.org"], "origins", "Write scheme://host"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "broker", "Set REDIS_URL"),
        ("GENESYS_CLIENT_ID", "", "Genesys credentials", "GENESYS_CLIENT_ID is not set"),
        ("GENESYS_CLIENT_SECRET", "a-wrong-secret", "Genesys credentials", "refuses"),
        ("TRANSLATION_API_KEY", "", "translation", "TRANSLATION_API_KEY is not set"),
        ("TRANSLATION_API_URL", "http://127.0.0.1:1/", "translation", "cannot be reached"),
        ("TRANSLATION_API_URL", "nonsense", "translation", "is no address"),
    ],
)
def test_what_is_wrong_is_named_with_its_fix(well, setting: str, value: Any, name: str, fix: str):
    setattr(well, setting, value)

    code, text = doctor()

    assert code == 1
    assert line(text, name).startswith("FAIL ")
    assert fix in line(text, name)
    assert text.count("FAIL ") == 1


@pytest.mark.django_db(transaction=True)
def test_a_refusal_that_is_remembered_is_told_with_the_way_to_have_it_forgotten(well):
    credentials = credentials_of(genesys_config())
    AccessToken.objects.create(fingerprint=credentials, refused_at=timezone.now())

    code, text = doctor()

    assert code == 1
    assert "Ask for a token again" in line(text, "Genesys credentials")
    assert AccessToken.objects.get().refused_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_refusal_of_earlier_credentials_is_of_no_interest(well):
    AccessToken.objects.create(fingerprint="of others", refused_at=timezone.now())

    code, text = doctor()

    assert code == 0, text


def test_a_clock_that_is_wrong_is_named(well):
    class Yesterday(Platform):
        date = "Sat, 15 Jun 2024 10:30:00 GMT"

    with served(Yesterday) as url:
        well.GENESYS_API_URL = url
        code, text = doctor()

    assert code == 1
    assert "Run an NTP client" in line(text, "clock")


def test_no_secret_is_printed(well):
    well.GENESYS_CLIENT_SECRET = "a-wrong-secret"

    _, text = doctor()

    for secret in ("a-wrong-secret", well.JOURNAL_KEY, well.SECRET_KEY, "test-translation-key"):
        assert secret not in text


def test_a_folder_of_exports_that_others_can_read_is_said(settings, tmp_path):
    settings.EXPORT_FOLDER = str(tmp_path / "exports")
    assert check_exports().endswith("can be written")
    (tmp_path / "exports").mkdir(mode=0o755)

    with pytest.raises(Unwell, match="chmod 700"):
        check_exports()

    (tmp_path / "a file").write_text("")
    settings.EXPORT_FOLDER = str(tmp_path / "a file" / "exports")
    with pytest.raises(Unwell, match="cannot write"):
        check_exports()
