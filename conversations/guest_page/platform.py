"""What the page asks of the platform besides being a guest: its simulator's own endpoints.

They exist on the simulator alone and answer loopback peers alone; on a real platform nobody is
asked, and the page does without scripts, fault switches and the agent's reply box.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from conversations.net.exceptions import InvalidBody, NetError
from conversations.net.http import HttpClient

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class PlatformControl:
    def __init__(self, http: HttpClient, *, api_url: str) -> None:
        self._http = http
        self._base = f"{api_url.rstrip('/')}/_sim"
        self.is_possible = urlsplit(api_url).hostname in _LOOPBACK

    async def scripts(self) -> list[dict[str, Any]] | None:
        """None: this platform is not a simulator."""
        answer = await self._ask("GET", "scripts")
        scripts = answer.get("scripts") if answer else None
        return scripts if isinstance(scripts, list) else None

    async def conversation(self, key: str) -> dict[str, Any] | None:
        return await self._ask("GET", f"conversations/{quote(key, safe='')}")

    async def say_as_agent(self, key: str, text: str) -> bool:
        body = {"conversationId": key, "text": text}
        return await self._ask("POST", "agent", body) is not None

    async def type_as_agent(self, key: str, state: str) -> None:
        await self._ask("POST", "typing", {"conversationId": key, "from": "agent", "state": state})

    async def read_as_agent(self, key: str) -> None:
        await self._ask("POST", "read", {"conversationId": key, "from": "agent"})

    async def set_fault(self, key: str, name: str, *, on: bool) -> bool:
        tag = f"page:{key}:{name}"
        done = await self._ask("DELETE", f"faults?tag={quote(tag, safe='')}")
        if on:
            rules = [{**rule, "tag": tag} for rule in _rules(name, key)]
            done = await self._ask("POST", "faults", {"rules": rules})
            if name == "outage":
                await self._ask("POST", "socket/close", {"code": 1006})
                await self._ask("POST", "webchat/close", {"code": 1006})
        return done is not None

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        if not self.is_possible:
            return None
        try:
            answer = await self._http.request(method, f"{self._base}/{path}", json=body)
            data = answer.json() if answer.status == 200 else None
        except (NetError, InvalidBody):
            return None
        return data if isinstance(data, dict) else None


def _rules(name: str, key: str) -> list[dict[str, Any]]:
    """A switch as fault rules; all but an outage touch this conversation alone."""
    mine: dict[str, Any] = {"conversation": key}
    both = ("webchat", "socket")
    if name == "drop":
        often = {"kind": "drop", "before": True, "probability": 0.3}
        return [{**mine, **often, "where": where, "seed": seed} for seed, where in enumerate(both)]
    if name == "duplicate":
        return [{**mine, "where": where, "kind": "duplicate", "probability": 1} for where in both]
    if name == "reorder":
        late = {"kind": "delay", "ms": 1500, "probability": 0.4}
        return [{**mine, **late, "where": where, "seed": seed} for seed, where in enumerate(both)]
    if name == "throttle":
        return [{**mine, "where": "post", "kind": "429", "retry_after": 2, "probability": 0.5}]
    return [
        {"where": where, "kind": "503", "probability": 1}
        for where in ("handshake", "webchat_handshake")
    ]
