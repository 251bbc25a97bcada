"""Files that are too large for the socket: what is taken, and for whom its name is good."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversations.guest_page import uploads
from conversations.guest_page.uploads import UnknownUpload, metadata_of, upload_id
from tests.conversations import histories
from tests.simulators import SimulatorThread, simulator_environment

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
MIB = 1 << 20


@pytest.fixture
def sam(client: Client, settings: Any) -> Client:
    settings.SIMULATOR_PAGE = True
    client.force_login(histories.user("sam", "supervisor"))
    return client


def post(client: Client, content: bytes = PNG, *, name: str = "a.png", **fields: str) -> Any:
    file = SimpleUploadedFile("a.png", content, "image/png")
    return client.post("/simulator/uploads/", {"file": file, "filename": name, **fields})


def use(settings: Any, simulator: SimulatorThread) -> None:
    for name, value in simulator_environment(simulator.base_url).items():
        setattr(settings, name, value)


@pytest.mark.django_db(transaction=True)
def test_a_file_is_passed_on_and_named_for_its_owner(
    sam: Client, settings: Any, simulator_thread: SimulatorThread
):
    use(settings, simulator_thread)

    answer = post(sam, PNG + bytes(100_000))

    owner = histories.User.objects.get(username="sam").pk
    metadata = metadata_of(answer.json()["uploadId"], owner=owner)
    assert (metadata["filename"], metadata["size"]) == ("a.png", len(PNG) + 100_000)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (PNG + bytes(11 * MIB), "a.png", "10 MiB fit"),
        (PNG + bytes(10 * MIB - len(PNG) + 1), "a.png", "10"),
        (b"<!doctype html>", "a.png", "only PNG, JPEG and PDF"),
        (b"<svg/>", "a.svg", "only PNG, JPEG and PDF"),
        (PNG, "a.jpg", "it is a PNG file"),
        (PNG, "../a.png", "name"),
        (PNG, "a\u202egnp.exe", "name"),
    ],
    ids=["11 MiB", "a byte too many", "html", "svg", "another", "path", "override"],
)
def test_what_may_not_be_sent_is_refused_in_words(
    sam: Client, content: bytes, name: str, words: str
):
    answer = post(sam, content, name=name)

    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.django_db(transaction=True)
def test_a_missing_scope_is_named(sam: Client, settings: Any, simulator_thread: SimulatorThread):
    use(settings, simulator_thread)
    simulator_thread.world.faults.add({"where": "presign", "kind": "403"})

    answer = post(sam)

    assert answer.status_code == 502
    assert "webchat:attachment:write" in answer.json()["error"]
    assert answer.json()["retry"] is False


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/simulator/", "/simulator/uploads/"])
def test_where_it_is_switched_off_there_is_no_such_page(sam: Client, settings: Any, address: str):
    settings.SIMULATOR_PAGE = False

    answers = {getattr(sam, method)(address).status_code for method in ("get", "post")}
    menu = sam.get("/live/").content.decode()

    assert answers <= {404, 405}
    assert "/simulator/" not in menu


@pytest.mark.parametrize("owner", [2, None])
def test_a_name_is_good_for_nobody_else(owner: int | None):
    name = upload_id({"id": "att-1"}, owner=1)

    with pytest.raises(UnknownUpload, match="upload the file again"):
        metadata_of(name, owner=owner)


def test_a_name_that_is_old_or_changed_is_good_for_nothing(monkeypatch: pytest.MonkeyPatch):
    name = upload_id({"id": "att-1"}, owner=1)
    assert metadata_of(name, owner=1) == {"id": "att-1"}

    with pytest.raises(UnknownUpload):
        metadata_of(name[:-1] + ("A" if name[-1] != "A" else "B"), owner=1)
    monkeypatch.setattr(uploads, "UPLOAD_ID_S", -1)
    with pytest.raises(UnknownUpload):
        metadata_of(name, owner=1)
