"""The token endpoint (protocol, OAuth) and the check of bearer tokens on every other call."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from conversations.simulator.dispositions import answer, carry_out

if TYPE_CHECKING:
    from conversations.simulator.world import World

SCOPES = (
    "webchat:send webchat:read webchat:write webchat:attachment:write conversation:write "
    "conversation:webchat:write view:conversation analytics:conversation:read webmessaging:send "
    "webmessaging:read analytics:read"
)
ALL_SCOPES = frozenset(SCOPES.split())
INJECT_SCOPES = frozenset({"webchat:send", "conversation:write"})
TRANSCRIPT_SCOPES = frozenset({"view:conversation"})
SOCKET_SCOPES = frozenset({"webchat:read"})
NO_SCOPES: frozenset[str] = frozenset()


class TokenEndpoint:
    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.Response:
        world = self._world
        form = await request.post()
        client, secret, style = _credentials(request, form)
        entry = world.ledger.add("token", style=style, scope=str(form.get("scope", "")))
        rule = world.faults.pick("token")

        async def apply() -> web.Response:
            if not self._is_ours(client, secret):
                body = {"error": "invalid_client", "description": "client credentials are wrong"}
                return answer(body, status=401)
            if form.get("grant_type") != "client_credentials":
                return answer({"error": "unsupported_grant_type"}, status=400)
            asked = frozenset(str(form.get("scope", "")).split()) or ALL_SCOPES
            if not asked <= ALL_SCOPES:
                return answer({"error": "invalid_scope"}, status=400)
            entry["granted"] = True
            token = world.tokens.issue(asked)
            life = world.config.token_life_s
            return answer({"access_token": token, "token_type": "bearer", "expires_in": life})

        return await carry_out(request, world=world, rule=rule, entry=entry, apply=apply)

    def _is_ours(self, client: str, secret: str) -> bool:
        config = self._world.config
        same_client = hmac.compare_digest(client.encode(), config.client_id.encode())
        return same_client and hmac.compare_digest(secret.encode(), config.client_secret.encode())


def _credentials(request: web.Request, form: Mapping[str, object]) -> tuple[str, str, str]:
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("basic "):
        try:
            decoded = base64.b64decode(header[6:], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return "", "", "basic"
        client, _, secret = decoded.partition(":")
        return client, secret, "basic"
    return str(form.get("client_id", "")), str(form.get("client_secret", "")), "form"


def refuse(request: web.Request, *, world: World, needed: frozenset[str]) -> web.Response | None:
    """None where the bearer token is good for this call; else the platform's 401 or 403."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    scopes = world.tokens.scopes(token.strip()) if scheme.lower() == "bearer" else None
    if scopes is None:
        body = {"message": "Invalid login credentials.", "code": "bad.credentials", "status": 401}
        return answer(body, status=401)
    missing = needed - scopes
    if missing and world.config.enforce_scopes:
        message = f"Missing scopes: {' '.join(sorted(missing))}"
        return answer({"message": message, "code": "missing.scopes", "status": 403}, status=403)
    return None
