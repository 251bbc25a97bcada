"""Settings come from the environment, typed; a wrong value is said with its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env

NAME = "PARLEY_TEST_SETTING"


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)


def given(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)


def test_without_the_variable_the_default_counts():
    assert env.text(NAME, "x") == "x"
    assert env.number(NAME, 5) == 5
    assert env.flag(NAME, default=True) is True
    assert env.items(NAME, "a b") == ["a", "b"]
    assert env.choice(NAME, "a", ("a", "b")) == "a"


def test_space_around_a_value_is_not_part_of_it(monkeypatch):
    given(monkeypatch, "  value \n")

    assert env.text(NAME) == "value"


def test_a_file_holds_a_secret(monkeypatch, tmp_path: Path):
    file = tmp_path / "secret"
    file.write_text("from the file\n", encoding="utf-8")
    monkeypatch.setenv(f"{NAME}_FILE", str(file))

    assert env.text(NAME) == "from the file"


def test_the_variable_wins_over_the_file(monkeypatch, tmp_path: Path):
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "missing"))
    given(monkeypatch, "direct")

    assert env.text(NAME) == "direct"


def test_a_file_that_cannot_be_read_is_named(monkeypatch, tmp_path: Path):
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "missing"))

    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE.*missing"):
        env.text(NAME)


@pytest.mark.parametrize("word", ["1", "true", "Yes", "ON"])
def test_words_for_yes(monkeypatch, word: str):
    given(monkeypatch, word)

    assert env.flag(NAME, default=False) is True


@pytest.mark.parametrize("word", ["0", "false", "No", "off", ""])
def test_words_for_no(monkeypatch, word: str):
    given(monkeypatch, word)

    assert env.flag(NAME, default=True) is False


def test_a_word_for_neither_is_refused(monkeypatch):
    given(monkeypatch, "maybe")

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be true or false"):
        env.flag(NAME, default=True)


@pytest.mark.parametrize("value", ["1.5", "12s", "0", "11", "-3", ""])
def test_a_number_outside_its_limits_is_refused(monkeypatch, value: str):
    given(monkeypatch, value)

    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.number(NAME, 5, low=1, high=10)


@pytest.mark.parametrize("value", ["a b,c", "a, b, c", " a  b c "])
def test_a_list_is_separated_by_commas_or_spaces(monkeypatch, value: str):
    given(monkeypatch, value)

    assert env.items(NAME) == ["a", "b", "c"]


def test_networks_are_read_and_a_single_address_is_one(monkeypatch):
    given(monkeypatch, "10.0.0.0/8, 192.0.2.7 2001:db8::/32")

    found = [str(network) for network in env.networks(NAME)]

    assert found == ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("value", "write"),
    [
        ("10.0.0.1/8", "Write 10.0.0.0/8, or 10.0.0.1 for that address alone."),
        ("2001:db8::7/32", "Write 2001:db8::/32, or 2001:db8::7 for that address alone."),
        ("everybody", "Write for example 10.0.0.0/8."),
        ("10.0.0.0/33", "Write for example 10.0.0.0/8."),
    ],
)
def test_what_is_no_network_is_refused_by_name_and_says_what_to_write(
    monkeypatch, value: str, write: str
):
    given(monkeypatch, value)

    with pytest.raises(ImproperlyConfigured, match=NAME) as refused:
        env.networks(NAME)

    assert str(refused.value).endswith(write)


def test_a_list_of_words_names_what_is_allowed(monkeypatch):
    given(monkeypatch, "b, a")
    assert env.items_of(NAME, ("a", "b")) == ["b", "a"]

    given(monkeypatch, "a, c")
    with pytest.raises(ImproperlyConfigured, match="some of a, b, not 'c'"):
        env.items_of(NAME, ("a", "b"))


def test_a_choice_names_what_is_allowed(monkeypatch):
    given(monkeypatch, "c")

    with pytest.raises(ImproperlyConfigured, match="a, b"):
        env.choice(NAME, "a", ("a", "b"))


def test_a_missing_key_says_how_to_make_one():
    with pytest.raises(ImproperlyConfigured, match="token_urlsafe"):
        env.key(NAME)


def test_a_short_key_is_refused_without_being_shown(monkeypatch):
    given(monkeypatch, "CANARY-short")

    with pytest.raises(ImproperlyConfigured) as refused:
        env.key(NAME)

    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize(
    "value", ["https://api.example.org", "http://127.0.0.1:9000/v2", "https://[::1]:8443/"]
)
def test_an_address_has_a_scheme_and_a_host(monkeypatch, value: str):
    given(monkeypatch, value)

    assert env.url(NAME, "", ("https", "http")) == value


@pytest.mark.parametrize("default", ["", "https://api.example.org"])
def test_an_empty_address_is_the_default(monkeypatch, default: str):
    given(monkeypatch, "")

    assert env.url(NAME, default, ("https",)) == default


@pytest.mark.parametrize(
    "value",
    ["CANARY.example.org", "ftp://CANARY", "https://", "https:/CANARY", "https://me:CANARY@h:x/"],
)
def test_what_is_no_address_is_refused_without_being_shown(monkeypatch, value: str):
    given(monkeypatch, value)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} .* https:// or http://") as refused:
        env.url(NAME, "", ("https", "http"))

    assert "CANARY" not in str(refused.value)
