"""The platform's side of calls, in a process of its own: `python -m bench.calls.feeder PORT`.

Tokens, and transcription sockets that send what they are told, as fast as it is taken or at a rate.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

# As fast as it goes: a talk of which every seventh chunk holds something personal.
_TALK = (
    "well I was wondering whether you could tell me something about my parcel",
    "of course let me have a look at it one moment please",
    "the two of us arrived at ten and nobody was there to help",
    "that is what I thought too thank you very much",
    "is there anything else that I can do for you today",
    "no that would be all I think",
    "you can write to {:08d}@example.com if you like",
)
_LINES = (
    "well I was wondering whether you could tell me more about it mark={:08d} if you please",
    "of course let me have a look at your booking mark={:08d} it will take a moment",
    "the invoice that I got last week is not the right one mark={:08d} I am afraid",
    "thank you very much for waiting mark={:08d} I have found it now",
    "could you please send it to john@example.com mark={:08d} thanks",
)


class Feeder:
    def __init__(self) -> None:
        self._sockets: dict[str, web.WebSocketResponse] = {}

    async def token(self, _request: web.Request) -> web.Response:
        token = {"access_token": "bench-token", "token_type": "bearer", "expires_in": 86400}
        return web.json_response(token)

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        first = await socket.receive_json()
        await socket.send_str('{"type":"subscribed"}')
        self._sockets[first["interactionId"]] = socket
        async for _ in socket:
            pass
        return socket

    async def _open(self) -> Any:
        return {"open": sum(not socket.closed for socket in self._sockets.values())}

    async def _burst(self, messages: int, first: int) -> Any:
        """Over all sockets side by side; a socket that is not read holds up its own."""
        sockets = list(self._sockets.items())
        marks = range(first, first + messages)
        frames = [(number % len(sockets), _frame(sockets, number, _TALK)) for number in marks]
        began = time.monotonic()

        async def send(place: int) -> None:
            socket = sockets[place][1]
            for where, frame in frames:
                if where == place:
                    await socket.send_str(frame)

        await asyncio.gather(*(send(place) for place in range(len(sockets))))
        return {"began": began, "ended": time.monotonic()}

    async def _steady(self, messages: int, rate: float, first: int) -> Any:
        sockets = list(self._sockets.items())
        published = []
        began = time.monotonic()
        for count in range(messages):
            await asyncio.sleep(max(0.0, began + count / rate - time.monotonic()))
            number = first + count
            published.append([number, time.monotonic()])
            await sockets[number % len(sockets)][1].send_str(_frame(sockets, number, _LINES))
        return {"published": published}

    async def obey(self, command: dict[str, Any]) -> Any:
        return await getattr(self, f"_{command.pop('do')}")(**command)


def _frame(sockets: list[tuple[str, Any]], number: int, texts: tuple[str, ...]) -> str:
    return json.dumps(
        {
            "type": "transcription",
            "interactionId": sockets[number % len(sockets)][0],
            "mediaTimestamp": datetime.now(UTC).isoformat(timespec="microseconds"),
            "text": texts[number // len(sockets) % len(texts)].format(number),
            "confidence": 0.93,
            "final": True,
            "mediaType": "audio/ulaw",
        }
    )


async def _serve(port: int) -> None:
    feeder = Feeder()
    application = web.Application()
    application.add_routes(
        [web.post("/oauth/token", feeder.token), web.get("/calls", feeder.stream)]
    )
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await feeder.obey(json.loads(line))
        os.write(1, json.dumps(answer).encode() + b"\n")
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
