"""The simulator's socket where there is no console: `manage.py simulate` serves it on its port.

Programs and pages of this machine may do what a signed-in user may; pages of other origins only
where they are listed. A page of anywhere else could reach a port of this machine, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from conversations.genesys.config import GenesysConfig
from conversations.genesys.oauth import Token, fetch_token
from conversations.genesys.uploads import Uploads
from conversations.guest_page.platform import PlatformControl
from conversations.guest_page.socket import anybody, serve
from conversations.guest_page.uploads import Tools
from conversations.net.http import HttpClient

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_SCOPES = "webchat:attachment:write webchat:write"
_OWNER = 0


class StandAlone:
    """An ASGI application. `origins`: of further pages, exact."""

    def __init__(
        self, *, client_id: str, client_secret: str, origins: Collection[str] = ()
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._origins = frozenset(origins)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()  # websocket.connect
        if not self._may_come(scope["headers"]):
            await send({"type": "websocket.close"})
            return
        await send({"type": "websocket.accept"})
        host, port = scope["server"]
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        await serve(
            receive,
            send,
            owner=_OWNER,
            admit=anybody,
            tools=lambda: self._tools(f"http://{at}"),
            socket_url=f"ws://{at}/webchat/v1",
            progress=_no_progress,
        )

    def _may_come(self, headers: Any) -> bool:
        sent = [value.decode("latin-1") for name, value in headers if name == b"origin"]
        return not sent or (len(sent) == 1 and (sent[0] in self._origins or _is_here(sent[0])))

    @asynccontextmanager
    async def _tools(self, address: str) -> AsyncIterator[Tools]:
        http = HttpClient(max_connections=4)
        config = GenesysConfig(
            client_id=self._client_id,
            client_secret=self._client_secret,
            oauth_url=f"{address}/oauth/token",
            oauth_style="basic",
            scopes=_SCOPES,
            api_url=address,
            messaging_socket_url="",
        )
        uploads = Uploads(http, api_url=address, tokens=_Tokens(config, http))
        try:
            yield Tools(uploads=uploads, platform=PlatformControl(http, api_url=address))
        finally:
            await http.aclose()


class _Tokens:
    """One for each upload: they are rare here."""

    def __init__(self, config: GenesysConfig, http: HttpClient) -> None:
        self._config = config
        self._http = http

    async def current(self) -> Token:
        return await fetch_token(self._http, self._config, now=lambda: datetime.now(UTC))

    async def renewed(self, refused: Token) -> Token:
        return await self.current()


def _is_here(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.hostname in _HERE
    except ValueError:
        return False


async def _no_progress(_key: str, _after: int) -> Mapping[str, Any] | None:
    return None  # only a console knows
