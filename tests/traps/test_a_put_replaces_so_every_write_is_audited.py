"""TRAP (protocol §1): a PUT replaces; the next message overwrites the last one's original.

Seen to fail with `RecordAttributes` updating the conversation's last audit in place.
"""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import AttributeAudit
from conversations.services.journal import commitment
from tests.translation.workers import working

pytestmark = pytest.mark.django_db(transaction=True)
SAID = ("uno", "dos", "tres")


async def test_the_platform_keeps_the_last_original_and_we_keep_them_all(simulator: Any):
    async with working(simulator) as worker:
        for text in SAID:
            await worker.hear_guest(text)
            await worker.until_idle()

        assert simulator.world.conversation("conv-1").attributes["originalText"] == "tres"
        audits = await worker.crossing.call(_audits)
        assert [audit.text.text for audit in audits] == list(SAID)
        assert [audit.before for audit in audits] == [None, audits[0], audits[1]]
        for audit, text in zip(audits, SAID, strict=True):
            assert audit.commitment == commitment(bytes(audit.text.salt), text)


def _audits() -> list[Any]:
    return list(AttributeAudit.objects.order_by("pk").select_related("text", "before"))
