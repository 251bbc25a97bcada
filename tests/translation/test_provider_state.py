"""What workers see of a provider stands where a person sees it, and hears their word."""

from __future__ import annotations

import pytest
from django.utils import timezone

from translation.models import ProviderState
from translation.provider_state import Seen, report

pytestmark = pytest.mark.django_db


def test_a_new_provider_gets_its_row():
    assert report("deepl", Seen("ok", "")) is None

    assert ProviderState.objects.get().state == "ok"


def test_a_change_is_written_with_its_moment_and_its_reason():
    report("deepl", Seen("ok", ""))
    before = ProviderState.objects.get().since
    assert before is not None

    report("deepl", Seen("quota", "x" * 300))

    row = ProviderState.objects.get()
    assert (row.state, len(row.reason)) == ("quota", 200)
    assert row.since is not None
    assert row.since > before


def test_the_same_again_writes_nothing():
    report("deepl", Seen("ok", ""))
    report("deepl", Seen("open", "x" * 300))
    before = ProviderState.objects.get()

    report("deepl", Seen("open", "x" * 300))

    after = ProviderState.objects.get()
    assert (after.since, after.updated_at) == (before.since, before.updated_at)


def test_the_operators_word_is_read():
    report("deepl", Seen("quota", ""))
    moment = timezone.now()
    ProviderState.objects.update(reopened_at=moment)

    assert report("deepl", Seen("quota", "")) == moment
