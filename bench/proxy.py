"""The yardstick: translate, POST, PUT for each guest message, and nothing kept or ordered.

asyncio + aiohttp + uvloop, at most 100 connections. It knows its echoes by text, or it would
translate them again for ever; it loses what is in flight when it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from datetime import UTC, datetime
from typing import Any

import aiohttp
import uvloop

_MAX_CONNECTIONS = 100
_TARGET = "EN-US"


class Proxy:
    def __init__(self, http: aiohttp.ClientSession, address: str, token: str) -> None:
        self._http = http
        self._url = f"http://{address}"
        self._messaging = f"{self._url}/api/v2/conversations/messaging"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._echoes: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def received(self, frame: str) -> None:
        event = json.loads(frame)
        if event["type"] != "message" or event["from"]["type"] != "guest":
            return
        if event["text"] in self._echoes:
            self._echoes.discard(event["text"])
            return
        task = asyncio.create_task(self._deliver(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, event: dict[str, Any]) -> None:
        conversation = f"{self._messaging}/{event['conversationId']}"
        asked = {"text": [event["text"]], "target_lang": _TARGET}
        key = {"Authorization": "DeepL-Auth-Key bench"}
        async with self._http.post(f"{self._url}/v2/translate", json=asked, headers=key) as answer:
            translation = (await answer.json())["translations"][0]
        self._echoes.add(translation["text"])
        message = {
            "from": {"id": event["from"]["id"], "type": "guest"},
            "to": {"type": "agent"},
            "text": translation["text"],
            "type": "text",
        }
        url = f"{conversation}/messages"
        async with self._http.post(url, json=message, headers=self._headers) as answer:
            await answer.read()
        attributes = {
            "originalLanguage": translation["detected_source_language"],
            "originalText": event["text"],
            "translationTimestamp": datetime.now(UTC).isoformat(),
        }
        body = {"customAttributes": attributes}
        async with self._http.put(conversation, json=body, headers=self._headers) as answer:
            await answer.read()


async def main(address: str) -> None:
    connector = aiohttp.TCPConnector(limit=_MAX_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as http:
        grant = {"grant_type": "client_credentials"}
        async with http.post(f"http://{address}/oauth/token", data=grant) as answer:
            token = (await answer.json())["access_token"]
        proxy = Proxy(http, address, token)
        url = f"http://{address}/api/v2/conversations/messaging/websocket"
        async with http.ws_connect(url, params={"access_token": token}) as socket:
            async for frame in socket:
                proxy.received(frame.data)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main(sys.argv[1]))
