"""While the database is away a page's socket closes with a code; nothing is traced."""

from __future__ import annotations

from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.db import OperationalError

from conversations.live.outage import CloseDuringOutage


def failing_with(error: Exception, *, accepted: bool) -> CloseDuringOutage:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if accepted:
            await send({"type": "websocket.accept"})
        raise error

    return CloseDuringOutage(application)


@pytest.mark.parametrize("accepted", [False, True])
async def test_a_socket_is_told_that_the_database_is_away(accepted: bool):
    error = OperationalError("connection refused")
    socket = WebsocketCommunicator(failing_with(error, accepted=accepted), "/ws/live/")

    is_accepted, _ = await socket.connect()
    closed = await socket.receive_output()

    assert is_accepted
    assert (closed["type"], closed["code"]) == ("websocket.close", 4503)


async def test_a_fault_of_ours_is_not_hidden():
    socket = WebsocketCommunicator(failing_with(ValueError("x"), accepted=True), "/ws/live/")

    await socket.connect()
    with pytest.raises(ValueError, match="x"):
        await socket.receive_output()
