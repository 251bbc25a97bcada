"""A client of the platform as small as can be: what a right (or a wrong) console would do."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from typing import Any

from aiohttp import (
    ClientResponse,
    ClientSession,
    ClientWebSocketResponse,
    WSMsgType,
    encode_basic_auth,
)

MESSAGING = "/api/v2/conversations/messaging"


class Client:
    def __init__(self, session: ClientSession, base_url: str) -> None:
        self.session = session
        self.base_url = base_url
        self.token = ""
        self.headers: dict[str, str] = {}

    async def authenticate(self) -> None:
        answer = await self.session.post(
            f"{self.base_url}/oauth/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": encode_basic_auth("demo-client", "demo-secret")},
        )
        self.token = (await answer.json())["access_token"]
        self.headers = {"Authorization": f"Bearer {self.token}"}

    async def listen(self) -> ClientWebSocketResponse:
        return await self.session.ws_connect(
            f"{self.base_url}{MESSAGING}/websocket", params={"access_token": self.token}
        )

    async def post(self, key: str, said: str, **change: Any) -> ClientResponse:
        body = {
            "from": {"id": f"guest-{key.removeprefix('conv-')}", "type": "guest"},
            "to": {"type": "agent"},
            "text": said,
            "type": "text",
            **change,
        }
        return await self.session.post(
            f"{self.base_url}{MESSAGING}/{key}/messages", json=body, headers=self.headers
        )

    async def put(self, key: str, original: str, language: str) -> ClientResponse:
        attributes = {
            "originalText": original,
            "originalLanguage": language,
            "translationTimestamp": "2024-06-15T10:30:01.120Z",
        }
        return await self.session.put(
            f"{self.base_url}{MESSAGING}/{key}",
            json={"customAttributes": attributes},
            headers=self.headers,
        )

    async def history(self, key: str) -> ClientResponse:
        return await self.session.get(
            f"{self.base_url}{MESSAGING}/{key}/messages", headers=self.headers
        )

    async def translate(self, *texts: str, **change: Any) -> ClientResponse:
        body = {"text": list(texts), "target_lang": "EN-US", **change}
        return await self.session.post(
            f"{self.base_url}/v2/translate",
            json=body,
            headers={"Authorization": "DeepL-Auth-Key demo"},
        )

    async def sim(self, method: str, path: str, data: Any = None) -> dict[str, Any]:
        answer = await self.session.request(method, f"{self.base_url}/_sim/{path}", json=data)
        return await answer.json()  # type: ignore[no-any-return]

    async def messages(self, socket: ClientWebSocketResponse) -> dict[str, Any]:
        """The next message event."""
        while True:
            async with asyncio.timeout(3):
                event = await socket.receive_json()
            if event["type"] == "message":
                return event  # type: ignore[no-any-return]


class Console:
    """Translates what guests write, in order; knows its own echoes by text. `careless` does not."""

    def __init__(self, client: Client, *, careless: bool = False) -> None:
        self._client = client
        self._careless = careless
        self._ours: dict[str, deque[str]] = {}
        self._tasks: dict[str, tuple[asyncio.Queue[Any], asyncio.Task[None]]] = {}

    async def run(self) -> None:
        socket = await self._client.listen()
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._received(json.loads(frame.data))
        finally:
            for _, task in self._tasks.values():
                task.cancel()

    def _received(self, event: dict[str, Any]) -> None:
        if event["type"] != "message" or event["from"]["type"] != "guest":
            return
        key = event["conversationId"]
        ours = self._ours.setdefault(key, deque())
        if event["text"] in ours and not self._careless:
            ours.remove(event["text"])
            return
        if key not in self._tasks:
            queue: asyncio.Queue[Any] = asyncio.Queue()
            self._tasks[key] = (queue, asyncio.create_task(self._work(key, queue)))
        self._tasks[key][0].put_nowait(event)

    async def _work(self, key: str, queue: asyncio.Queue[Any]) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                text = (await queue.get())["text"]
                answer = await (await self._client.translate(text)).json()
                result = answer["translations"][0]
                language = result["detected_source_language"]
                if language == "EN":
                    continue
                self._ours[key].append(result["text"])
                await self._client.post(key, result["text"])
                await self._client.put(key, text, language)
