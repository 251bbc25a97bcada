"""The database makes the same bytes as Python does, of everything that a text can be."""

from __future__ import annotations

import csv
import io
import json
import os

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.exports import in_database, rendering, spreadsheet
from conversations.exports.base import Scope
from conversations.exports.sources import source_of
from conversations.models import (
    AttributeAudit,
    Conversation,
    Export,
    ExportHead,
    Message,
    MessageAttachment,
    MessageText,
)
from conversations.services.replies import Reply
from tests.conversations import histories
from tests.conversations.live.histories import History
from tests.hostile import TEXTS
from tests.translation.makings import made
from translation.replies import Previewed, send_reply

pytestmark = pytest.mark.django_db

FORMATS = ("csv", "jsonl")


def heads_of_all() -> int:
    """An export that covers everything that is there now."""
    export = Export.objects.create(
        key=os.urandom(16).hex(), kind="transcripts", file_format="csv", asked="{}",
        reason_salt=b"0" * 16, requested_at=timezone.now(),
    )  # fmt: skip
    for one in Conversation.objects.all():
        ExportHead.objects.create(export=export, conversation=one, seq=one.seq, head=one.head)
    return export.pk


def a_bit_of_everything() -> None:
    histories.conversation("conv-1", messages=2)
    histories.said("How can I help?", conversation="conv-1", by="agent", number=9)
    histories.passed_through(histories.said("OK", conversation="conv-1", number=10))
    histories.not_translated(histories.said("¿…?", conversation="conv-2"))
    histories.translated(histories.said("en camino", conversation="conv-2", number=2), "on its way")
    message = Message.objects.order_by("pk").first()
    for position, name in enumerate(("a;=1.pdf", 'b"\n.png')):
        MessageAttachment.objects.create(
            message=message, position=position, name=name, content_type="x/y",
            size=position or None, salt=b"0" * 16, url="https://example.org/a",
        )  # fmt: skip
    AttributeAudit.objects.filter(before__isnull=True).update(keys=["originalText"])
    Message.objects.filter(pk=message.pk).update(read_at=timezone.now())
    a_reply()
    erased = histories.said("forget me", conversation="conv-3")
    MessageText.objects.filter(message=erased).delete()
    Message.objects.filter(pk=erased.pk).update(erased_at=timezone.now())


def a_reply() -> None:
    user = User.objects.create(username="agent")
    said = Reply(key="0" * 16, agent_id="agent-1", text="Good day", language="en", target="es")
    conversation = Conversation.objects.get(external_id="conv-1")
    send_reply(conversation.pk, said, Previewed(made("Buenos días"), "Muy buenos días"), user=user)


def hostile_messages() -> None:
    conversation = History(histories.conversation("hostile", messages=1)).conversation
    talk = History(conversation)
    for text in TEXTS:
        talk.say("guest", text)
        talk.translate(talk.messages[-1])
    MessageText.objects.filter(role="translated").update(text="=HYPERLINK(1)")


def rendered_here(kind: str, scope: Scope, file_format: str) -> bytes:
    source = source_of(kind)
    pages = rendering._rendered_here(source, scope, file_format, source.columns, after=None, size=7)
    return b"".join(page.data for page in pages)


@pytest.mark.postgresql_only  # no other database renders
def test_what_the_database_renders_is_what_python_renders():
    a_bit_of_everything()
    hostile_messages()
    scope = Scope(export=heads_of_all())

    for kind in ("transcripts", "audit"):
        for file_format in FORMATS:
            compare(kind, file_format, scope)


def compare(kind: str, file_format: str, scope: Scope) -> None:
    source = source_of(kind)
    assert rendering.can_render(source, scope)

    pages = list(
        in_database.pages(source, scope, file_format, source.columns, size=50)  # type: ignore[arg-type]
    )

    here = rendered_here(kind, scope, file_format)
    there = b"".join(page.data for page in pages)
    # By lines, so that a difference is seen; then all of it.
    end = b"\r\n" if file_format == "csv" else b"\n"
    for mine, theirs in zip(here.split(end), there.split(end), strict=False):
        assert mine == theirs
    assert here == there
    assert sum(page.rows for page in pages) > 200


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("kind", ["transcripts", "audit"])
def test_a_job_goes_on_where_another_ended(kind: str, file_format: str):
    a_bit_of_everything()
    scope, source = Scope(export=heads_of_all()), source_of(kind)
    whole = list(rendering.pages(source, scope, file_format, source.columns))

    pages = rendering.pages(source, scope, file_format, source.columns, size=2)
    first = next(pages)
    rest = rendering.pages(source, scope, file_format, source.columns, after=first.last, size=3)

    expected = b"".join(page.data for page in whole)
    assert first.data + b"".join(page.data for page in rest) == expected


@pytest.mark.parametrize("kind", ["transcripts", "audit"])
def test_nothing_after_the_heads_is_exported(kind: str):
    a_bit_of_everything()
    scope = Scope(export=heads_of_all())
    before = rendered_here(kind, scope, "jsonl")
    histories.said("later", conversation="conv-1", number=99)
    histories.said("elsewhere", conversation="conv-9")

    source = source_of(kind)
    after = b"".join(page.data for page in rendering.pages(source, scope, "jsonl", source.columns))

    assert after == before
    assert rendered_here(kind, scope, "jsonl") == before


def test_a_row_has_the_columns_that_were_chosen():
    histories.conversation(messages=1)
    scope = Scope(export=heads_of_all())
    columns = ["original_text", "seq"]

    [page] = rendering.pages(source_of("transcripts"), scope, "jsonl", columns)

    assert page.data == b'{"original_text":"Hola 1","seq":1}\n'


def test_an_erased_text_is_null_and_says_since_when():
    a_bit_of_everything()
    scope, source = Scope(export=heads_of_all()), source_of("transcripts")

    pages = rendering.pages(source, scope, "jsonl", source.columns)

    rows = [json.loads(line) for page in pages for line in page.data.splitlines()]
    [erased] = [row for row in rows if row["conversation_id"] == "conv-3"]
    at = Message.objects.get(erased_at__isnull=False).erased_at
    assert erased["original_text"] is None
    assert erased["erased_at"] == at.isoformat(timespec="microseconds")
    assert [row["erased_at"] for row in rows if row is not erased] == [None] * (len(rows) - 1)


def test_hostile_texts_read_back_equal_from_csv():
    hostile_messages()
    scope, source = Scope(export=heads_of_all()), source_of("transcripts")

    data = rendering.beginning("csv", source.columns, bom=True)
    data += b"".join(page.data for page in rendering.pages(source, scope, "csv", source.columns))

    text = data.decode("utf-8-sig")
    records = list(csv.DictReader(io.StringIO(text, newline="")))
    assert data.startswith(spreadsheet.BOM)
    read = [spreadsheet.plain_text(record["original_text"]) for record in records]
    assert read[1:] == list(TEXTS)
    assert {record["translated_text"] for record in records[1:]} == {"'=HYPERLINK(1)"}
