"""Actors of the journal, as it names them and as a page says them."""

from __future__ import annotations

import pytest

from conversations.services.decisions import actor_of, name_of
from tests.conversations import histories


@pytest.mark.django_db
def test_a_person_is_named_by_key_and_by_name():
    sam = histories.user("sam:smith", "supervisor")

    assert actor_of(sam) == f"user:{sam.pk}:sam:smith"
    assert name_of(actor_of(sam)) == "sam:smith"


@pytest.mark.django_db
def test_nobody_passes_for_a_worker_by_their_name():
    assert actor_of(histories.user("worker")) != "worker"


@pytest.mark.parametrize(
    ("actor", "words"), [("gateway", "the gateway"), ("worker", "a worker"), ("other", "other")]
)
def test_a_part_of_parley_is_said_in_words(actor: str, words: str):
    assert name_of(actor) == words
