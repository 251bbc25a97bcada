"""Fourteen ways to tamper with the journal, each found and named (S10, E8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations.histories import tamper
from tests.faults.tampering import CLASSES, build, faults, missed


@pytest.mark.django_db
def test_every_way_to_tamper_is_found_and_named(settings, tmp_path: Path):
    file = tmp_path / "anchors.jsonl"
    settings.JOURNAL_ANCHOR_FILE = str(file)
    site = build(file, seed=7)
    tamper("SELECT 1")  # as the owner of the database who has switched the triggers off
    assert faults(site) == []

    wrong = missed(site, runs=5)

    assert wrong == []
    assert len(CLASSES) == 14
    assert faults(site) == []
