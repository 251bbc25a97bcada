"""Old state and events equal a fresh snapshot, whatever happened and whatever got lost (F5, F6)."""

from __future__ import annotations

from random import Random

import pytest

from tests.conversations.live.pages import Page
from tests.conversations.live.visits import Visit, played

pytestmark = pytest.mark.django_db

BATCHES = 20
VISITS = 25  # of a batch: 500 histories


@pytest.mark.parametrize("seed", range(BATCHES))
def test_old_state_and_events_equal_a_fresh_snapshot(seed):
    random = Random(seed)
    visits = [Visit(lambda path: Page(), random) for _ in range(VISITS)]

    for _ in played(visits):
        pass

    for visit in visits:
        assert visit.page.is_whole
        assert visit.page.shown() == visit.fresh(Page()).shown()
