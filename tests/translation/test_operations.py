"""A provider as the operations page shows it, and the word to ask it again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.conversations import histories
from translation.models import ProviderState, Translation
from translation.operations import TranslationProviders, percentile
from translation.provider_state import Seen, report

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", ProviderState.State.values)
def test_every_state_has_its_words_and_its_colour(state: str):
    report("deepl", Seen(state, "because"))

    (line,) = TranslationProviders().lines()

    assert (line.name, line.state, line.reason) == ("deepl", state, "because")
    assert line.words == ProviderState.State(state).label
    assert line.is_well is (state == "ok")
    assert line.since is not None


def test_its_latency_is_of_what_it_made_lately_and_not_of_the_memory():
    report("deepl", Seen("ok", ""))
    histories.conversation(messages=3)
    first, second, third = Translation.objects.order_by("pk")
    Translation.objects.filter(pk=first.pk).update(latency_ms=5_000, from_memory=True)
    Translation.objects.filter(pk=second.pk).update(
        latency_ms=5_000, created_at=timezone.now() - timedelta(hours=1)
    )

    (line,) = TranslationProviders().lines()

    assert line.p95_ms == third.latency_ms


def test_a_provider_that_was_not_asked_lately_has_no_latency():
    report("deepl", Seen("ok", ""))

    assert TranslationProviders().lines()[0].p95_ms is None


def test_a_persons_word_is_written_down_with_who_and_when():
    report("deepl", Seen("quota", "456"))
    adam = histories.user("adam", "admin")
    before = timezone.now()

    assert TranslationProviders().ask_again("deepl", user=adam)

    row = ProviderState.objects.get()
    assert row.reopened_at is not None
    assert row.reopened_at >= before
    assert row.reopened_by == adam
    assert row.state == "quota"  # until the workers have seen it


def test_nothing_is_said_of_a_provider_that_is_not_there():
    assert not TranslationProviders().ask_again("nobody", user=histories.user("adam", "admin"))


@pytest.mark.parametrize(
    ("values", "value"), [([], None), ([7], 7), (list(range(100)), 95), ([1, 2], 2)]
)
def test_a_percentile_is_one_of_the_values(values: list[int], value: int | None):
    assert percentile(values, 95) == value
