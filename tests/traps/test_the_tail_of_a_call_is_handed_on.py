"""TRAP: a buffer that flushes only at 5 keeps the last words of a call for ever (protocol §4)."""

from __future__ import annotations

import pytest

from tests.assist.calls import CALL, calls, count

pytestmark = pytest.mark.django_db(transaction=True)


async def test_three_chunks_are_stored_while_the_call_goes_on(settings, simulator) -> None:
    async with calls(settings, simulator, CALL) as gateway:
        gateway.start()
        await gateway.until_open()

        for word in ("fewer", "than", "five"):
            gateway.say(word)

        await gateway.until(lambda: count() == 3, within_s=10)
