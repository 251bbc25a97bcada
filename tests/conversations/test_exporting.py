"""The exports page asks who may, notes who was refused, and gives a file to whom it is for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.test import AsyncClient, Client
from django.urls import reverse

from conversations.models import Export, ExportFetch, JournalEntry
from conversations.normal_form import nfc
from conversations.services.verification import verify_journal
from tests.conversations import histories
from tests.conversations.exports.jobs import file_of, finished, run_all

pytestmark = pytest.mark.django_db
PAGE = "/exports/"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.EXPORT_FOLDER = str(tmp_path)
    settings.JOURNAL_SIGNING_KEY = "0123456789abcdef" * 4
    return tmp_path


@pytest.fixture
def cora(client: Client):
    user = histories.user("cora", "compliance")
    client.force_login(user)
    return user


def wish(**changed: object) -> dict[str, object]:
    return {
        "kind": "transcripts", "file_format": "jsonl", "reason": "A request", "do": "start",
    } | changed  # fmt: skip


def kinds_noted() -> list[str]:
    console = JournalEntry.objects.filter(conversation__channel="console")
    return list(console.order_by("seq").values_list("kind", flat=True))


def link_to(client: Client, export: Export, what: str = "file") -> str:
    answer = client.post(reverse("export-link", args=[export.key]), {"what": what})
    assert answer.status_code == 302
    return answer.headers["Location"]


async def fetched(address: str, user=None, **headers: str):
    client = AsyncClient()
    if user is not None:
        await client.aforce_login(user)
    answer = await client.get(address, headers=headers)
    body = b"".join([piece async for piece in answer]) if answer.streaming else answer.content
    return answer, body


def test_what_is_asked_for_becomes_a_job_of_whoever_asked(client: Client, cora):
    histories.conversation("conv-1", messages=2)

    answer = client.post(
        "/exports/new/",
        wish(conversations="conv-1\n", since="2024-01-01T00:00", until="2999-01-01T00:00",
             columns=["transcripts.seq", "transcripts.original_text", "audit.seq"]),
    )  # fmt: skip
    run_all()

    assert answer.status_code == 302
    export = Export.objects.get()
    assert (export.state, export.requester, export.reason) == ("finished", cora, "A request")
    assert json.loads(export.asked) == {
        "columns": ["seq", "original_text"], "conversations": ["conv-1"],
        "since": "2024-01-01T00:00:00.000000+00:00", "until": "2999-01-01T00:00:00.000000+00:00",
    }  # fmt: skip
    page = client.get(PAGE).content.decode()
    assert export.sha256 in page
    assert "by nobody" in page


@pytest.mark.timeout(20)
def test_a_letter_with_a_hundred_thousand_accents_holds_no_preview_up(client: Client, cora):
    storm = "e" + "\u0301\u0323" * 50_000
    histories.translated(histories.said(storm), "Hello")

    page = client.post("/exports/new/", wish(do="preview")).content.decode()

    assert "The first 1 of 1 row" in page
    assert storm not in page
    assert f"{nfc(storm[:31])} [99970 marks more]" in page


def test_a_preview_shows_the_first_rows_and_is_noted(client: Client, cora):
    histories.conversation("conv-1", messages=22)

    answer = client.post("/exports/new/", wish(do="preview"))

    page = answer.content.decode()
    assert "The first 20 of 22 rows" in page
    assert "Hola 20" in page
    assert "Hola 21" not in page
    assert kinds_noted() == ["export_previewed"]
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"conversations": "nowhere"}, "There is no conversation nowhere."),
        ({"file_format": "pdf"}, "A PDF is of one conversation"),
        ({"kind": "audit", "file_format": "pdf"}, "Audit: CSV or JSON lines."),
        ({"since": "2024-02-01T00:00", "until": "2024-01-01T00:00"}, "The end must be after"),
        ({"reason": " "}, "Say what it is for."),
        ({"language": "=1"}, "Write a language as es or pt-BR."),
        ({"kind": "passwords"}, "passwords is not one of the available choices"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_started(client: Client, cora, changed, words):
    answer = client.post("/exports/new/", wish(**changed))

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Export.objects.exists()


@pytest.mark.parametrize("role", ["agent", "supervisor", "admin"])
def test_who_may_not_export_is_refused_and_noted_once_a_minute(client: Client, role: str):
    client.force_login(histories.user("sam", role))

    answers = [client.get(PAGE), client.get(PAGE), client.post("/exports/new/", wish())]

    assert {answer.status_code for answer in answers} == {403}
    noted = JournalEntry.objects.filter(kind="export_refused").order_by("seq")
    assert [json.loads(entry.data)["what"] for entry in noted] == ["page", "request"]
    assert all(entry.actor.endswith(":sam") for entry in noted)


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_a_file_is_given_to_whom_its_link_is_for_and_to_nobody_else(settings):
    def prepare():
        histories.conversation("conv-1", messages=2)
        export = finished()
        cora, carl = histories.user("cora", "compliance"), histories.user("carl", "compliance")
        client = Client()
        client.force_login(cora)
        return export, cora, carl, link_to(client, export), link_to(client, export, "manifest")

    from asgiref.sync import sync_to_async

    export, cora, carl, address, manifest = await sync_to_async(prepare)()
    whole = file_of(export, settings).read_bytes()

    answer, body = await fetched(address, cora)

    assert body == whole
    assert answer.headers["Cache-Control"].find("no-store") >= 0
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="transcripts-')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Length"] == str(len(whole))
    part, rest = await fetched(address, cora, range="bytes=10-")
    assert (part.status_code, rest) == (206, whole[10:])
    _, text = await fetched(manifest, cora)
    assert json.loads(text)["sha256"] == export.sha256

    refused = [await fetched(address), await fetched(address, carl)]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        refused.append(await fetched(address, cora))
    refused.append(await fetched(address[:-3] + "x/", cora))

    assert {answer.status_code for answer, _ in refused} == {404}

    def noted():
        entries = JournalEntry.objects.filter(kind="export_refused").order_by("seq")
        found = [(entry.actor.split(":")[-1], json.loads(entry.data)) for entry in entries]
        return (
            found,
            list(ExportFetch.objects.values_list("what", flat=True)),
            verify_journal().holds,
        )

    found, fetches, holds = await sync_to_async(noted)()
    theirs = {"what": "file", "export": export.key}
    assert ("anonymous", theirs) in found
    assert ("carl", theirs) in found
    assert ("cora", {"what": "file"}) in found  # expired: nobody knows any more which it was
    assert fetches == ["file", "file", "manifest"]
    assert holds


def test_verifying_says_whether_the_file_is_the_one_that_was_written(
    settings, client: Client, cora
):
    histories.conversation("conv-1", messages=2)
    export = finished()
    address = reverse("export-verify", args=[export.key])

    well = client.post(address, follow=True).content.decode()
    path = file_of(export, settings)
    path.write_bytes(path.read_bytes().replace(b"Hola 2", b"Hola 3"))
    changed = client.post(address, follow=True).content.decode()

    assert "holds: 2 of 2 rows, 1 of 1 blocks as written" in well
    assert "does not hold: file changed" in changed
    assert kinds_noted()[-2:] == ["export_verified", "export_verified"]


def test_a_job_is_cancelled_from_the_page(client: Client, cora):
    histories.conversation("conv-1", messages=2)
    client.post("/exports/new/", wish())
    export = Export.objects.get()

    page = client.post(reverse("export-cancel", args=[export.key]), follow=True).content.decode()

    run_all()
    export.refresh_from_db()
    assert export.state == "cancelled"
    assert "Cancelled." in page
    assert kinds_noted() == ["export_requested", "export_cancelled"]


def test_the_chain_of_the_console_is_nobodys_conversation(client: Client, cora):
    histories.conversation("conv-1", messages=1)
    client.post("/exports/new/", wish())
    client.force_login(histories.user("root", is_superuser=True))

    assert client.get("/live/parley:console/").status_code == 404
    assert client.get("/live/conv-1/").status_code == 200
