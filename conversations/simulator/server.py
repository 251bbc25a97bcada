"""One port for all of it: aiohttp routes onto the simulated platform, and its start and stop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from types import TracebackType

from aiohttp import web

from conversations.simulator.analytics import ANALYTICS, AnalyticsEndpoint
from conversations.simulator.attachments import Attachments
from conversations.simulator.calls.board import Calls
from conversations.simulator.calls.control import CallControl
from conversations.simulator.calls.knowledge import KnowledgeEndpoint
from conversations.simulator.calls.sockets import CallSockets
from conversations.simulator.config import SimulatorConfig
from conversations.simulator.control import Control
from conversations.simulator.mounted import Application, mounted
from conversations.simulator.rest import MessagingRest
from conversations.simulator.scenarios.player import Player
from conversations.simulator.sockets import OrgSockets
from conversations.simulator.tokens import TokenEndpoint
from conversations.simulator.transcripts import TranscriptSockets
from conversations.simulator.translate import TranslateEndpoint
from conversations.simulator.typing_sockets import TypingSockets
from conversations.simulator.webchat import GuestSockets
from conversations.simulator.world import World

MESSAGING = "/api/v2/conversations/messaging"
TRANSCRIPT = "/api/v2/messaging/conversations/{id}/transcript"
TYPING = "/v1/conversations/{id}/websocket"
TRANSCRIPTIONS = "/api/v2/analytics/conversations/transcriptions"
PAGE_SOCKETS = ("/", "/ws/simulator/")
STOP_S = 0.5
START_S = 10.0


class SimulatorServer:
    """`start`, use `base_url` and `world`, `stop`; or `async with`."""

    def __init__(
        self, config: SimulatorConfig | None = None, *, page_socket: Application | None = None
    ) -> None:
        """`page_socket`: what front ends may speak to besides a guest's own socket."""
        self._page_socket = page_socket
        self.config = config or SimulatorConfig()
        self.world = World(self.config)
        self.player = Player(self.world)
        self.sockets = OrgSockets(self.world)
        self.transcripts = TranscriptSockets(self.world)
        self.attachments = Attachments(self.world)
        self.guests = GuestSockets(self.world, attachments=self.attachments)
        self.typing = TypingSockets(self.world)
        self.calls = Calls(self.world)
        self._control = Control(
            world=self.world,
            sockets=self.sockets,
            transcripts=self.transcripts,
            guests=self.guests,
            typing=self.typing,
            player=self.player,
        )
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://{self.config.host}:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://{self.config.host}:{self.port}{MESSAGING}/websocket"

    @property
    def webchat_url(self) -> str:
        return f"ws://{self.config.host}:{self.port}/webchat/v1"

    async def start(self) -> None:
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=STOP_S)
        await runner.setup()
        self._runner = runner
        site = web.TCPSite(runner, self.config.host, self.config.port, reuse_address=True)
        await site.start()
        self.port = runner.addresses[0][1]
        if self.config.scenario:
            self.player.start(
                self.config.scenario,
                speed=self.config.speed,
                conversations=self.config.conversations,
            )

    async def stop(self) -> None:
        await self.player.stop()
        await self._control.stop()
        await self.calls.stop()
        await self.world.stop()
        self.sockets.close_all(1001, "stopping")
        self.transcripts.close(1001, "stopping")
        self.guests.close_all(1012, "stopping")
        self.typing.close(1012, "stopping")
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> SimulatorServer:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def _application(self) -> web.Application:
        rest = MessagingRest(self.world)
        token = TokenEndpoint(self.world)
        application = web.Application(client_max_size=4 << 20)
        application.add_routes(
            [
                web.post("/oauth/token", token.handle),
                web.post("/api/v2/oauth/token", token.handle),
                web.get(f"{MESSAGING}/websocket", self.sockets.handle),
                web.get(TRANSCRIPT, self.transcripts.handle),
                web.get(MESSAGING, rest.active),
                web.post(f"{MESSAGING}/{{id}}/messages", rest.post_message),
                web.get(f"{MESSAGING}/{{id}}/messages", rest.history),
                web.put(f"{MESSAGING}/{{id}}", rest.put_attributes),
                web.post(ANALYTICS, AnalyticsEndpoint(self.world, self.calls).handle),
                web.post("/v2/translate", TranslateEndpoint(self.world).handle),
                web.get("/webchat/v1", self.guests.handle),
                web.get(TYPING, self.typing.handle),
                *self.attachments.routes(),
                web.get(TRANSCRIPTIONS, CallSockets(self.world, self.calls).handle),
                web.post("/knowledge/query", KnowledgeEndpoint(self.world).handle),
                *self._page_routes(),
            ]
        )
        application.add_subapp("/_sim/calls", CallControl(self.calls).application())
        application.add_subapp("/_sim", self._control.application())
        return application

    def _page_routes(self) -> list[web.RouteDef]:
        if self._page_socket is None:
            return []
        handler = mounted(self._page_socket)
        return [web.get(path, handler) for path in PAGE_SOCKETS]


class RunningSimulator:
    """A simulator in a thread with its own event loop. `stop` ends both."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._loop = asyncio.new_event_loop()
        self._started: Future[SimulatorServer] = Future()
        self._config = config
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()
        self.server = self._started.result(START_S)

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def base_url(self) -> str:
        return self.server.base_url

    @property
    def socket_url(self) -> str:
        return self.server.socket_url

    @property
    def world(self) -> World:
        """Read only from other threads; change it through the /_sim endpoints."""
        return self.server.world

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        stopping = asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop)
        stopping.result(START_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._start())
            if self._started.exception() is None:
                self._loop.run_forever()
        finally:
            self._loop.close()

    async def _start(self) -> None:
        server = SimulatorServer(self._config)
        try:
            await server.start()
        except OSError as problem:  # the port is taken: the caller hears of it
            await server.stop()
            self._started.set_exception(problem)
        except BaseException as problem:
            self._started.set_exception(problem)
            raise
        else:
            self._started.set_result(server)


def run_in_thread(config: SimulatorConfig | None = None) -> RunningSimulator:
    return RunningSimulator(config or SimulatorConfig())
