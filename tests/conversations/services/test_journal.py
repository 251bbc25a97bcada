"""Entries are bound to texts without holding them, and written in one canonical form."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.keys import journal_key
from conversations.models import JournalEntry
from conversations.services.journal import body_of, canonical, commitment, new_salt
from tests.conversations import histories


def test_a_commitment_is_the_hash_of_salt_and_text():
    assert commitment(b"salt", "ñ") == hashlib.sha256("saltñ".encode()).hexdigest()


def test_equal_texts_have_different_commitments():
    assert commitment(new_salt(), "Hola") != commitment(new_salt(), "Hola")


def test_data_is_written_in_one_form_whatever_its_order():
    assert canonical({"b": 1, "a": "ñ"}) == canonical({"a": "ñ", "b": 1}) == '{"a":"ñ","b":1}'
    assert canonical(None) == canonical({}) == ""


@pytest.mark.django_db
def test_a_digest_can_be_recomputed_from_the_stored_row_as_documented():
    histories.conversation(messages=1)
    first, second = JournalEntry.objects.order_by("seq")[:2]

    at = second.at.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    data = second.data.replace("\\", "\\\\").replace('"', '\\"')
    body = (
        f'["conv-1",2,"{second.kind}","{second.actor}","{at}",{second.message_id},'
        f'"{data}","{second.commitment}","{first.digest}"]'
    )

    assert second.digest == hmac.new(journal_key(), body.encode(), hashlib.sha256).hexdigest()
    assert second.previous == first.digest


TEXTS = st.text(max_size=60)


@given(
    st.tuples(TEXTS, st.integers(0, 2**63 - 1), TEXTS, TEXTS),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=30))])),
    st.tuples(st.none() | st.integers(0, 2**63 - 1), TEXTS, TEXTS, TEXTS),
)
def test_what_is_sealed_is_the_array_as_json_writes_it(before: tuple, at: datetime, behind: tuple):
    """Whatever stands in a row: quotes in a changed digest do not make another entry of it."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")

    wanted = json.dumps([*before, moment, *behind], separators=(",", ":"), ensure_ascii=False)

    assert body_of(*before, at, *behind) == wanted.encode()
