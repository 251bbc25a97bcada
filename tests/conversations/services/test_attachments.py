"""Files that come with a message: kept as deletable rows, bound to the journal, shown, exported."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from conversations.exports.base import Scope
from conversations.exports.transcripts import transcript_rows
from conversations.genesys.events import MessageCopied
from conversations.live.rows import rows_for
from conversations.models import JournalEntry, Message, MessageAttachment
from conversations.services.attachments import commitment_to
from conversations.services.copies import record_copies
from conversations.services.verification import verify_journal
from tests.conversations.services.wire import parsed, record

pytestmark = pytest.mark.django_db

PICTURE = {
    "id": "att-1",
    "filename": "recibo.png",
    "contentType": "image/png",
    "size": 1234,
    "url": "https://files.example.org/att-1?key=secret",
}
SHOWN = {"name": "recibo.png", "content_type": "image/png", "size": 1234}


def test_a_message_with_files_is_shown_and_exported_with_them():
    record(parsed(id="m-1", text="", attachments=[PICTURE, {"filename": "b.pdf"}]))

    message = Message.objects.get()
    [row] = rows_for([message.pk]).values()
    [exported] = transcript_rows(Scope())

    assert (message.translation_state, message.has_text) == ("", False)
    assert row["attachments"] == [
        {**SHOWN, "url": PICTURE["url"]},
        {"name": "b.pdf", "content_type": "", "size": None, "url": None},
    ]
    assert exported["attachments"] == [
        SHOWN,
        {"name": "b.pdf", "content_type": "", "size": None},
    ]


def test_the_journal_binds_a_file_without_holding_its_name():
    record(parsed(id="m-1", attachments=[PICTURE]))

    attachment = MessageAttachment.objects.get()
    entry = JournalEntry.objects.get(kind="received")

    assert json.loads(entry.data)["attachments"] == [commitment_to(attachment)]
    assert "recibo" not in entry.data
    attachment.name = "another.png"
    assert commitment_to(attachment) not in entry.data
    MessageAttachment.objects.all().delete()
    assert verify_journal().holds


def test_what_the_transcript_brought_first_has_the_files_of_the_org_socket():
    record(parsed(id="m-0"))  # the conversation is known
    at = datetime(2024, 6, 15, 10, 31, tzinfo=UTC)
    record_copies([MessageCopied("conv-1", "m-1", "guest", "external", "Maria", "mire", at)])
    for _ in range(2):
        record(parsed(id="m-1", text="mire", timestamp=at.isoformat(), attachments=[PICTURE]))

    attachment = MessageAttachment.objects.get()
    entry = JournalEntry.objects.get(kind="matched")

    assert attachment.message == Message.objects.get(external_id="m-1")
    assert json.loads(entry.data)["attachments"] == [commitment_to(attachment)]
    assert verify_journal().holds


def test_a_repeated_message_has_its_files_once():
    for _ in range(2):
        record(parsed(id="m-1", attachments=[PICTURE]))

    assert MessageAttachment.objects.count() == 1


def test_a_message_without_files_has_no_word_of_them_in_the_journal():
    record(parsed(id="m-1"))

    assert "attachments" not in JournalEntry.objects.get(kind="received").data


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//x", "", "x" * 3000])
def test_an_address_that_a_browser_must_not_follow_is_none(url: str):
    record(parsed(id="m-1", attachments=[{**PICTURE, "url": url}]))

    [row] = rows_for([Message.objects.get().pk]).values()
    assert row["attachments"] == [{**SHOWN, "url": None}]


@pytest.mark.parametrize("attachments", ["nonsense", {}, [7, None], None])
def test_nonsense_in_the_place_of_files_costs_no_message(attachments: object):
    record(parsed(id="m-1", attachments=attachments))

    assert Message.objects.count() == 1
    assert not MessageAttachment.objects.exists()
