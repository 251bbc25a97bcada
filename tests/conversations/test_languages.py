"""Language tags in one form, whoever spelled them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations import languages

DEEPL_CODES = [
    "AR", "BG", "CS", "DA", "DE", "EL", "EN", "EN-GB", "EN-US", "ES", "ES-419", "ET", "FI", "FR",
    "HE", "HU", "ID", "IT", "JA", "KO", "LT", "LV", "NB", "NL", "PL", "PT", "PT-BR", "PT-PT", "RO",
    "RU", "SK", "SL", "SV", "TH", "TR", "UK", "VI", "ZH", "ZH-HANS", "ZH-HANT",
]  # fmt: skip
tag_like = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", max_size=20)
known = st.sampled_from(DEEPL_CODES)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("EN-US", "en-US"),
        ("pt_br", "pt-BR"),
        ("ZH-HANS", "zh-Hans"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("eng", "en"),
        ("iw", "he"),
        ("zh-yue", "yue"),
        ("zh-cmn-hans", "zh-Hans"),
        ("pt_BR.UTF-8", "pt-BR"),
        ("de_AT@euro", "de-AT"),
        ("  fr  ", "fr"),
        ("de-CH-1996", "de-CH-1996"),
        ("en-US-u-ca-gregory", "en-US"),
        ("en-x-private", "en"),
    ],
)
def test_a_tag_takes_its_canonical_form(tag: str, expected: str) -> None:
    assert languages.canonical(tag) == expected


@pytest.mark.parametrize(
    "tag",
    [
        "",
        " ",
        "auto",
        "x",
        "-",
        "en-",
        "-en",
        "en--US",
        "español",
        "日本語",
        "C",
        "12",
        "und",
        "mul",
        "und-Latn",
        "en US",
        "\u212ao",
        "e\x00n",
        "a" * 10000,
        "en" + "-abcde" * 10,
    ],
)
def test_what_is_no_language_is_undetermined(tag: str) -> None:
    assert languages.canonical(tag) == "und"
    assert languages.display(tag) == ""
    assert languages.name(tag) == "Unknown"


@given(st.one_of(st.text(), tag_like, known))
def test_a_canonical_tag_is_its_own_canonical_form(tag: str) -> None:
    once = languages.canonical(tag)

    assert languages.canonical(once) == once


@given(st.one_of(tag_like, known))
def test_case_and_underscores_do_not_matter(tag: str) -> None:
    expected = languages.canonical(tag)

    assert languages.canonical(tag.swapcase()) == expected
    assert languages.canonical(tag.replace("-", "_")) == expected


@given(st.one_of(tag_like, known), st.one_of(tag_like, known), st.one_of(tag_like, known))
def test_being_the_same_language_is_an_equivalence(a: str, b: str, c: str) -> None:
    same = languages.is_same_language

    assert same(a, a) == (languages.canonical(a) != "und")
    assert same(a, b) == same(b, a)
    assert not (same(a, b) and same(b, c)) or same(a, c)


@pytest.mark.parametrize("code", DEEPL_CODES)
def test_every_code_of_the_provider_survives_the_way_there_and_back(code: str) -> None:
    assert languages.display(languages.canonical(code)) == code
    assert languages.name(code) not in {"Unknown", languages.canonical(code)}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("EN-US", "en", True),
        ("pt-PT", "pt-BR", True),
        ("es", "ES-419", True),
        ("NO", "nb", True),
        ("eng", "EN_gb", True),
        ("zh", "ZH-HANS", True),
        ("zh-CN", "zh-Hans", True),
        ("zh-TW", "ZH-HANT", True),
        ("ru", "ru-Cyrl", True),
        ("ZH-HANS", "ZH-HANT", False),
        ("zh", "zh-TW", False),
        ("sr-Latn", "sr", False),
        ("es", "pt", False),
        ("", "", False),
        ("und", "en", False),
    ],
)
def test_readers_of_one_read_the_other(a: str, b: str, *, expected: bool) -> None:
    assert languages.is_same_language(a, b) is expected


def test_people_read_names_and_badges_are_upper_case() -> None:
    assert languages.name("pt_br") == "Portuguese (Brazil)"
    assert languages.name("de-AT") == "German (AT)"
    assert languages.name("tlh") == "tlh"
    assert languages.display("zh_hans") == "ZH-HANS"
    assert languages.base("zh_hans") == "zh"
