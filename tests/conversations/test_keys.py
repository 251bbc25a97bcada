"""Keys and digests: one secret for each purpose, and no two different things alike."""

from __future__ import annotations

import hmac

import pytest
from cryptography.fernet import InvalidToken
from hypothesis import given
from hypothesis import strategies as st

from conversations.keys import Seal, content_key, echo_key, field_cipher, fingerprint, journal_key


def test_what_is_encrypted_can_be_read_with_the_same_key_only(settings):
    secret = field_cipher().encrypt(b"token")

    assert field_cipher().decrypt(secret) == b"token"
    settings.FIELD_KEY = "another-key-of-more-than-32-characters"
    with pytest.raises(InvalidToken):
        field_cipher().decrypt(secret)


def test_each_purpose_has_a_key_of_its_own(settings):
    settings.FIELD_KEY = settings.JOURNAL_KEY

    assert fingerprint("a") != content_key("a")
    assert journal_key() not in (fingerprint("a").encode(), settings.JOURNAL_KEY.encode())


@pytest.mark.parametrize("digest", [fingerprint, content_key])
def test_parts_that_are_cut_elsewhere_are_other_parts(digest):
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello there", "Hello  there\n"),
        ("Caf\u00e9", "Cafe\u0301"),
        ("\u00a0Hello", "Hello"),
        ("", "  "),
    ],
)
def test_an_echo_is_known_in_another_form(one: str, other: str):
    assert echo_key(one) == echo_key(other)


@pytest.mark.parametrize(("one", "other"), [("Hello", "hello"), ("a b", "ab"), ("1", "１")])
def test_texts_that_say_different_things_have_different_keys(one: str, other: str):
    assert echo_key(one) != echo_key(other)


def test_a_digest_tells_nothing_without_the_key(settings):
    before = echo_key("Hello")

    settings.JOURNAL_KEY = "another-key-of-more-than-32-characters"

    assert echo_key("Hello") != before


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_a_seal_is_the_hmac_of_the_standard_library(key: bytes, body: bytes):
    seal = Seal(key)

    assert [seal.digest(body), seal.digest(body)] == [hmac.digest(key, body, "sha256").hex()] * 2


def test_a_key_that_is_longer_than_a_block_is_refused():
    with pytest.raises(ValueError, match="64 bytes"):
        Seal(b"k" * 65)
