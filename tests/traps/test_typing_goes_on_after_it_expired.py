"""TRAP (protocol §5): whoever forgets the socket at expiry sends no further indicator."""

from __future__ import annotations

import asyncio

from conversations.gateway.typing_sockets import TypingSockets
from tests.conversations.genesys.fakes import FakeTokens

URL = "/v1/conversations/{conversation_id}/websocket"


async def test_the_next_keystroke_is_active_again_on_the_same_open_socket(simulator) -> None:
    world = simulator.world
    world.open_conversation(id="conv-1")
    tokens = FakeTokens()
    tokens.token = type(tokens.token)(
        world.tokens.issue(frozenset({"webmessaging:send", "webmessaging:read"})),
        tokens.token.expires_at,
        0,
    )
    url = simulator.base_url.replace("http", "ws", 1) + URL
    sockets = TypingSockets(url=url, tokens=tokens, limit=5)
    loop = asyncio.get_running_loop()

    async def until(count: int) -> None:
        async with asyncio.timeout(30):
            while len(said()) < count:
                await asyncio.sleep(0.01)

    def said() -> list[str]:
        entries = world.ledger.entries(kinds=frozenset({"agent_typing"}))
        return [entry["state"] for entry in entries]

    sockets.keystroke("conv-1", "agent-1", at=loop.time())
    await until(2)
    sockets.keystroke("conv-1", "agent-1", at=loop.time())
    await until(3)
    await sockets.close()

    opened = world.ledger.entries(kinds=frozenset({"typing_socket"}))
    assert said() == ["active", "inactive", "active", "inactive"]
    assert [entry["state"] for entry in opened].count("open") == 1
