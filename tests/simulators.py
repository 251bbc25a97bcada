"""The simulator beside tests: in the test's own loop, or on a loop of its own in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from tests.servers import TEST_ENVIRONMENT

WITHIN_S = 10.0


def simulator_server(**options: Any) -> Any:
    """`options` are those of `SimulatorConfig`: ids_in_events, scenario, …"""
    from conversations.simulator.config import SimulatorConfig
    from conversations.simulator.server import SimulatorServer

    config = SimulatorConfig(
        client_id=TEST_ENVIRONMENT["GENESYS_CLIENT_ID"],
        client_secret=TEST_ENVIRONMENT["GENESYS_CLIENT_SECRET"],
        apertium=False,  # the same answers on every machine
        **options,
    )
    return SimulatorServer(config)


def simulator_environment(base_url: str) -> dict[str, str]:
    """The settings that point every outgoing call at the simulator."""
    socket_url = base_url.replace("http", "ws", 1)
    return {
        "GENESYS_API_URL": base_url,
        "GENESYS_OAUTH_URL": f"{base_url}/oauth/token",
        "GENESYS_MESSAGING_SOCKET_URL": f"{socket_url}/api/v2/conversations/messaging/websocket",
        "GENESYS_WEBCHAT_SOCKET_URL": f"{socket_url}/webchat/v1",
        "GENESYS_TRANSCRIPT_SOCKET_URL": (
            f"{socket_url}/api/v2/messaging/conversations/{{conversation_id}}/transcript"
        ),
        "GENESYS_TYPING_SOCKET_URL": f"{socket_url}/v1/conversations/{{conversation_id}}/websocket",
        "TRANSLATION_API_URL": f"{base_url}/v2/translate",
        "GENESYS_TRANSCRIPTION_SOCKET_URL": (
            f"{socket_url}/api/v2/analytics/conversations/transcriptions"
        ),
    }


class SimulatorThread:
    """`with SimulatorThread() as simulator:` for tests that block; touch its world by `call`."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="simulator", daemon=True
        )
        self.server: Any = None

    @property
    def base_url(self) -> str:
        return str(self.server.base_url)

    @property
    def world(self) -> Any:
        return self.server.world

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Runs it on the simulator's loop and waits for what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WITHIN_S)

    def __enter__(self) -> Self:
        self._thread.start()
        self.server = self.call(self._create())
        self.call(self.server.start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self.server is not None:
                self.call(self.server.stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WITHIN_S)
            self._loop.close()

    async def _create(self) -> Any:
        return simulator_server(**self._options)
