"""The token as coroutines see it: kept in memory, backed by the row of services.tokens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from conversations.crossing import Closed
from conversations.genesys.config import GenesysConfig
from conversations.genesys.exceptions import CredentialsRefused, TokenUnavailable
from conversations.genesys.oauth import Token, fetch_token
from conversations.net.http import HttpClient
from conversations.services import tokens as service

_WAIT_FOR_OTHERS_S = 15.0
_POLL_S = 0.1
_LAST_USE = timedelta(seconds=2)  # a token this near its end is not sent any more

_REFUSED = (
    "the token endpoint has refused GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET: correct them, or "
    "have them asked again (admin, Access tokens)"
)

Call = Callable[..., Awaitable[Any]]


class DatabaseTokens:
    """A `TokenSource`. `call(function, *args)` runs a function on the database thread."""

    def __init__(self, config: GenesysConfig, http: HttpClient, call: Call) -> None:
        self._config = config
        self._http = http
        self._call = call
        self._credentials = service.credentials_of(config)
        self._kept: Token | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> Token:
        if self._kept and self._kept.expires_at > timezone.now() + _LAST_USE:
            return self._kept
        return await self._renewed(beyond=-1, due_before=timezone.now() + _LAST_USE)

    async def renewed(self, refused: Token) -> Token:
        """A token newer than `refused`, which the platform answered with 401."""
        return await self._renewed(beyond=refused.generation, due_before=timezone.now() + _LAST_USE)

    async def renew_ahead(self) -> None:
        """Beat's call: renew 60 s before the end, so that no request ever waits for it."""
        await self._renewed(beyond=-1, due_before=timezone.now() + service.RENEW_AHEAD)

    async def _renewed(self, *, beyond: int, due_before: datetime) -> Token:
        async with self._lock:
            deadline = asyncio.get_running_loop().time() + _WAIT_FOR_OTHERS_S
            while asyncio.get_running_loop().time() < deadline:
                stored = await self._call(service.stored_token, self._credentials)
                if stored.refused:
                    raise CredentialsRefused(_REFUSED)
                token = stored.token
                if token and token.generation > beyond and token.expires_at > due_before:
                    self._kept = token
                    return token
                # Shielded: whoever is cancelled here must not leave the renewal begun and undone.
                renewed: Token | None = await asyncio.shield(self._renew(beyond, due_before))
                if renewed:
                    self._kept = renewed
                    return renewed
                await asyncio.sleep(_POLL_S)
        raise TokenUnavailable("another process has been renewing the token for too long")

    async def _renew(self, beyond: int, due_before: datetime) -> Token | None:
        """None: another process renews it, or this one ends."""
        try:
            return await self._renew_here(beyond, due_before)
        except Closed:  # a renewal that nobody abandons holds others up for 10 s at most
            return None

    async def _renew_here(self, beyond: int, due_before: datetime) -> Token | None:
        if not await self._call(self._begin, beyond, due_before):
            return None
        try:
            token = await fetch_token(self._http, self._config, now=timezone.now)
        except BaseException as error:
            refused = isinstance(error, CredentialsRefused)
            with contextlib.suppress(Closed):
                await self._call(self._abandon, refused)
            raise
        stored: Token = await self._call(service.store_token, self._credentials, token)
        return stored

    def _begin(self, beyond: int, due_before: datetime) -> bool:
        return service.begin_renewal(
            self._credentials, beyond_generation=beyond, due_before=due_before
        )

    def _abandon(self, refused: bool) -> None:
        service.abandon_renewal(self._credentials, refused=refused)
