"""A conversation as a PDF has every script in it, set in the fonts that come with the program."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest

from conversations.exports import pdf
from conversations.models import MessageText
from tests.conversations import histories
from tests.conversations.exports.jobs import file_of, finished, run_all, wanted
from tests.conversations.live.histories import History
from tests.hostile import TEXTS

pytestmark = pytest.mark.django_db

SAID = {
    "ar": "مرحبا، رقم طلبي هو 12345",
    "he": "שלום, ההזמנה שלי",
    "ja": "予約を変更したいです",
    "zh-Hant": "您好，我想更改預訂",
    "ko": "안녕하세요",
    "hi": "नमस्ते",
    "th": "สวัสดี",
    "es": "¿Dónde está? 👍",
}


def unpacked(document: bytes) -> bytes:
    """All streams of a PDF as they were before they were compressed."""
    found = []
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL):
        try:
            found.append(zlib.decompress(match[1]))
        except zlib.error:
            found.append(match[1])
    return document + b"".join(found)


def test_every_script_is_set_in_a_font_of_our_own(settings, folder: Path):
    for number, (language, text) in enumerate(SAID.items()):
        message = histories.said(text, number=number)
        histories.translated(message, f"In English {number}", language=language)
        MessageText.objects.filter(message=message, role="original").update(language=language)

    export = finished("transcripts", "pdf", conversations=("conv-1",))

    document = file_of(export, settings).read_bytes()
    inside = unpacked(document)
    fonts = {name.decode() for name in re.findall(rb"/BaseFont ?/[A-Z]{6}\+(Noto\w+)", inside)}
    assert document.startswith(b"%PDF-")
    assert export.rows == len(SAID)
    assert fonts >= {
        "NotoSans", "NotoSansArabic", "NotoSansHebrew", "NotoSansCJKjp", "NotoSansCJKtc",
        "NotoSansCJKkr", "NotoSansDevanagari", "NotoSansThai", "NotoEmoji",
    }  # fmt: skip
    every_font = set(re.findall(rb"/BaseFont ?/[A-Z]{6}\+([A-Za-z]+)", inside))
    assert {name for name in every_font if not name.startswith(b"Noto")} == set()


def test_hostile_texts_are_words_and_nothing_else(settings):
    talk = History(histories.conversation("conv-1", messages=1))
    for text in TEXTS:
        talk.say("guest", text)
    talk.conversation.save()

    export = finished("transcripts", "pdf", conversations=("conv-1",))

    assert export.rows == len(TEXTS) + 1


def test_what_is_too_long_for_a_pdf_is_said(monkeypatch):
    monkeypatch.setattr(pdf, "MESSAGES_AT_MOST", 2)
    histories.conversation("conv-1", messages=3)

    export = wanted("transcripts", "pdf", conversations=("conv-1",))
    run_all()

    export.refresh_from_db()
    assert export.state == "failed"
    assert "A PDF holds 2 messages at most" in export.failure


def test_a_word_longer_than_the_page_may_be_broken_anywhere_but_within_a_letter():
    long = "x" * 39 + "e\u0301" * 60

    broken = pdf._breakable(long)

    assert broken.replace("\u200b", "") == long
    assert "\u200b\u0301" not in broken
    assert max(map(len, broken.split("\u200b"))) < 60
    assert pdf._breakable("short words stay as they are") == "short words stay as they are"


@pytest.mark.timeout(60)
def test_a_letter_with_a_hundred_thousand_accents_is_set_with_thirty(settings, folder: Path):
    storm = "e" + "\u0301\u0323" * 50_000
    histories.translated(histories.said(f"Hola {storm} fin"), "Hello")

    export = finished("transcripts", "pdf", conversations=("conv-1",))

    assert file_of(export, settings).read_bytes().startswith(b"%PDF-")
    said = pdf._said(f"Hola {storm} fin", "es")
    assert said is not None
    assert said["text"].replace("\u200b", "") == f"Hola {storm[:31]} [99970 marks more] fin"


def test_the_first_letter_says_in_which_direction_a_text_runs():
    assert pdf._is_right_to_left("12 (א) abc")
    assert not pdf._is_right_to_left("12 abc אבג")
    assert not pdf._is_right_to_left("…")


def row_of(**values: object) -> dict[str, object]:
    empty = dict.fromkeys([
        "seq", "original_text", "original_language", "translated_text", "target_language",
        "erased_at", "provider", "delivery_state", "attributes_written_at", "journal_digest",
    ])  # fmt: skip
    common = {"sent_at": "2024-06-15T10:30:00Z", "attachments": [], "sender_name": "Tom"}
    return {**empty, **common, "sender_type": "guest", **values}


def test_what_turns_words_round_is_named_and_turns_nothing_else():
    turned = "a\u202eb"
    files = [{"name": "\u202egnp.exe"}]

    made = pdf._message(row_of(original_text=turned, sender_name=turned, attachments=files))

    assert made["original"]["hidden"] == "U+202E"
    assert made["original"]["text"] == turned
    assert made["who"] == f"\u2068{turned}\u2069 (hidden U+202E)"
    assert made["attachments"] == ["\u2068\u202egnp.exe\u2069 (hidden U+202E)"]


def test_a_guest_who_is_called_as_the_agent_is_differs_in_words():
    guest, agent = (pdf._message(row_of(sender_type=one)) for one in ("guest", "agent"))

    assert guest["who"] == agent["who"]
    assert (guest["role"], agent["role"]) == ("guest", "agent")
