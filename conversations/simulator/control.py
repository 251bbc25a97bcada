"""The simulator's own endpoints under /_sim, for tests and the demo; loopback peers only."""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from conversations.simulator.dispositions import answer
from conversations.simulator.faults import BadRule
from conversations.simulator.scenarios.load import Load
from conversations.simulator.scenarios.loader import UnknownScenario, all_scripts, names
from conversations.simulator.verdict import check

if TYPE_CHECKING:
    from conversations.simulator.messages import SimulatedConversation
    from conversations.simulator.scenarios.player import Player
    from conversations.simulator.sockets import OrgSockets
    from conversations.simulator.transcripts import TranscriptSockets
    from conversations.simulator.typing_sockets import TypingSockets
    from conversations.simulator.webchat import GuestSockets
    from conversations.simulator.world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAX_LOAD_MESSAGES = 1_000_000


class BadRequest(ValueError):
    """What was asked cannot be meant as written."""


@web.middleware
async def loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not _is_loopback(request):
        return answer({"error": "loopback only"}, status=403)
    try:
        return await handler(request)
    except (BadRequest, BadRule, UnknownScenario, KeyError, TypeError, ValueError) as problem:
        return answer({"error": str(problem)}, status=400)


def _is_loopback(request: web.Request) -> bool:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer:
        return False
    address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


class Control:
    def __init__(
        self,
        *,
        world: World,
        sockets: OrgSockets,
        transcripts: TranscriptSockets,
        guests: GuestSockets,
        typing: TypingSockets,
        player: Player,
    ) -> None:
        self._world = world
        self._sockets = sockets
        self._transcripts = transcripts
        self._guests = guests
        self._typing_sockets = typing
        self._player = player
        self._loads: list[Load] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """An application of its own: the platform's routes pay for no middleware."""
        application = web.Application(middlewares=[loopback_only], client_max_size=4 << 20)
        application.add_routes(self._routes())
        return application

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/ledger", self.ledger),
            web.delete("/ledger", self.forget),
            web.get("/counts", self.counts),
            web.get("/verdict", self.verdict),
            web.get("/conversations", self.conversations),
            web.get("/conversations/{id}", self.one_conversation),
            web.get("/scenarios", self.scenarios),
            web.get("/scripts", self.scripts),
            web.post("/guest", self.guest),
            web.post("/agent", self.agent),
            web.post("/typing", self.typing),
            web.post("/read", self.read),
            web.post("/repeat", self.repeat),
            web.post("/system", self.system),
            web.post("/close", self.close_conversation),
            web.post("/transcript/close", self.close_transcripts),
            web.post("/transcript/frame", self.transcript_frame),
            web.get("/faults", self.faults),
            web.post("/faults", self.add_faults),
            web.delete("/faults", self.clear_faults),
            web.post("/scenario", self.scenario),
            web.delete("/scenario", self.stop_scenarios),
            web.post("/socket/close", self.close_sockets),
            web.post("/webchat/close", self.close_guests),
            web.post("/typing/close", self.close_typing),
            web.post("/tokens/revoke", self.revoke_tokens),
            web.post("/frame", self.raw_frame),
            web.post("/load", self.load),
            web.get("/load", self.load_progress),
        ]

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What happened

    async def ledger(self, request: web.Request) -> web.Response:
        """`?since=SEQ` and `?kind=post&kind=put` narrow it."""
        kinds = frozenset(request.query.getall("kind", []))
        found = self._world.ledger.entries(
            since=int(request.query.get("since", 0)), kinds=kinds or None
        )
        return answer({"dropped": self._world.ledger.dropped, "entries": found})

    async def forget(self, request: web.Request) -> web.Response:
        self._world.ledger.clear()
        return answer({})

    async def counts(self, request: web.Request) -> web.Response:
        counts = dict(self._world.ledger.counts)
        return answer({**counts, "sockets": len(self._world.sockets)})

    async def verdict(self, request: web.Request) -> web.Response:
        verdict = check(self._world.ledger.entries())
        totals = {"expected": verdict.expected, "delivered": verdict.delivered}
        return answer({"good": verdict.is_good, **totals, "problems": verdict.problems})

    async def conversations(self, request: web.Request) -> web.Response:
        rows = [one.as_json() for one in self._world.conversations.values()]
        return answer({"conversations": rows})

    async def one_conversation(self, request: web.Request) -> web.Response:
        found = self._world.conversations.get(request.match_info["id"])
        if found is None:
            return answer({"error": "no such conversation"}, status=404)
        return answer(found.as_json())

    async def scenarios(self, request: web.Request) -> web.Response:
        return answer({"scenarios": names(), "played": self._player.played})

    async def scripts(self, request: web.Request) -> web.Response:
        """Every scripted conversation, line by line. Whoever asks is going to say them: from now
        on the translation service knows what they mean."""
        scripts = all_scripts()
        self._player.learn(scripts)
        return answer({"scripts": [script.as_json() for script in scripts]})

    # Saying something

    async def guest(self, request: web.Request) -> web.Response:
        data = await _body(request)
        conversation = self._conversation(data, guest=str(data.get("name", "Anonymous")))
        event = self._world.say_as_guest(
            conversation,
            data.get("text"),
            language=data.get("language"),
            translation=data.get("translation"),
            with_id=data.get("id"),
        )
        return answer({"conversationId": conversation.id, "event": event})

    async def agent(self, request: web.Request) -> web.Response:
        data = await _body(request)
        conversation = self._conversation(data, agent=str(data.get("name", "Agent")))
        event = self._world.say_as_agent(
            conversation, str(data.get("text", "")), with_id=data.get("id")
        )
        return answer({"conversationId": conversation.id, "event": event})

    async def typing(self, request: web.Request) -> web.Response:
        data = await _body(request)
        conversation = self._conversation(data)
        self._world.type_(conversation, _side(data), str(data.get("state", "active")))
        return answer({"conversationId": conversation.id})

    async def read(self, request: web.Request) -> web.Response:
        data = await _body(request)
        conversation = self._conversation(data)
        self._world.read(conversation, _side(data))
        return answer({"conversationId": conversation.id})

    async def repeat(self, request: web.Request) -> web.Response:
        data = await _body(request)
        conversation = self._conversation(data)
        return answer({"repeated": self._world.repeat(conversation, int(data.get("count", 1)))})

    async def system(self, request: web.Request) -> web.Response:
        data = await _body(request)
        conversation = self._conversation(data)
        self._transcripts.tell_system(conversation, str(data.get("text", "")))
        return answer({"conversationId": conversation.id})

    async def close_conversation(self, request: web.Request) -> web.Response:
        data = await _body(request)
        conversation = self._conversation(data)
        self._world.close_conversation(conversation)
        return answer({"conversationId": conversation.id})

    def _conversation(self, data: dict[str, Any], **opening: Any) -> SimulatedConversation:
        return self._world.conversation(
            data.get("conversationId"), language=data.get("language"), **opening
        )

    # Faults

    async def faults(self, request: web.Request) -> web.Response:
        return answer({"rules": [rule.as_json() for rule in self._world.faults.rules]})

    async def add_faults(self, request: web.Request) -> web.Response:
        """One rule, a list of rules, or {"rules": [...]}."""
        data = json.loads(await request.read())
        given = data.get("rules", [data]) if isinstance(data, dict) else data
        added = [self._world.faults.add(rule).as_json() for rule in given]
        return answer({"rules": added})

    async def clear_faults(self, request: web.Request) -> web.Response:
        """`?tag=NAME` takes back the rules of that tag alone."""
        self._world.faults.clear(tag=request.query.get("tag"))
        return await self.faults(request)

    # Playing

    async def scenario(self, request: web.Request) -> web.Response:
        data = await _body(request)
        tasks = self._player.start(
            str(data.get("name", "demo")),
            speed=float(data.get("speed", 1.0)),
            conversations=data.get("conversations"),
            loop=data.get("loop"),
        )
        return answer({"conversations": len(tasks)})

    async def stop_scenarios(self, request: web.Request) -> web.Response:
        await self._player.stop()
        return answer({})

    async def load(self, request: web.Request) -> web.Response:
        data = await _body(request)
        messages = int(data.get("messages", 1000))
        lines = int(data.get("conversations", 40))
        rate = float(data.get("rate", 50))
        if not (0 < messages <= MAX_LOAD_MESSAGES and 0 < lines <= messages and rate > 0):
            raise BadRequest("messages, conversations and rate: greater than 0")
        run = Load(
            world=self._world,
            messages=messages,
            rate=rate,
            seed=int(data.get("seed", 1)),
            equal_texts=float(data.get("equal_texts", 0.1)),
        )
        ids = run.open(lines)
        task = asyncio.get_running_loop().create_task(run.run(), name="simulator-load")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._loads = [*self._loads[-19:], run]
        return answer({"conversations": ids})

    async def load_progress(self, request: web.Request) -> web.Response:
        runs = [
            {"emitted": run.emitted, "messages": run.messages, "done": run.done}
            for run in self._loads
        ]
        return answer({"loads": runs, "done": all(run.done for run in self._loads)})

    # Sockets and tokens

    async def close_sockets(self, request: web.Request) -> web.Response:
        data = await _body(request)
        closed = self._sockets.close_all(int(data.get("code", 1006)), str(data.get("reason", "")))
        return answer({"closed": closed})

    async def close_guests(self, request: web.Request) -> web.Response:
        """{"code", "reason", "conversationId"}: the guests of one conversation, or all."""
        data = await _body(request)
        code, reason = int(data.get("code", 1006)), str(data.get("reason", ""))
        key = data.get("conversationId")
        return answer({"closed": self._guests.close_all(code, reason, conversation=key)})

    async def close_typing(self, request: web.Request) -> web.Response:
        data = await _body(request)
        closed = self._typing_sockets.close(
            int(data.get("code", 1006)),
            str(data.get("reason", "")),
            conversation_id=data.get("conversationId"),
        )
        return answer({"closed": closed})

    async def close_transcripts(self, request: web.Request) -> web.Response:
        data = await _body(request)
        closed = self._transcripts.close(
            int(data.get("code", 1006)),
            str(data.get("reason", "")),
            conversation_id=data.get("conversationId"),
        )
        return answer({"closed": closed})

    async def transcript_frame(self, request: web.Request) -> web.Response:
        data = await _body(request)
        told = self._transcripts.send_raw(str(data["conversationId"]), str(data["text"]))
        return answer({"sockets": told})

    async def revoke_tokens(self, request: web.Request) -> web.Response:
        return answer({"revoked": self._world.tokens.revoke_all()})

    async def raw_frame(self, request: web.Request) -> web.Response:
        """{"text": …} as a text frame, {"base64": …} as a binary one."""
        data = await _body(request)
        if "base64" in data:
            try:
                raw: str | bytes = base64.b64decode(data["base64"], validate=True)
            except binascii.Error as problem:
                raise BadRequest("base64: not readable") from problem
        else:
            raw = str(data["text"])
        self._world.ledger.add("frame", size=len(raw))
        return answer({"sockets": self._world.send_raw(raw)})


def _side(data: dict[str, Any]) -> str:
    side = str(data.get("from", "guest"))
    if side not in {"guest", "agent"}:
        raise BadRequest("from: guest or agent")
    return side


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    data = json.loads(raw) if raw else {}
    if not isinstance(data, dict):
        raise BadRequest("a JSON object is wanted")
    return data
