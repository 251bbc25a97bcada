"""The platform's REST calls of protocol §1: inject, history, attributes, active conversations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from conversations.simulator.dispositions import answer, carry_out
from conversations.simulator.messages import iso
from conversations.simulator.tokens import INJECT_SCOPES, NO_SCOPES, refuse

if TYPE_CHECKING:
    from conversations.simulator.faults import Rule
    from conversations.simulator.world import World

NOT_FOUND = {"message": "Conversation not found.", "code": "not.found", "status": 404}


class MessagingRest:
    def __init__(self, world: World) -> None:
        self._world = world

    async def post_message(self, request: web.Request) -> web.Response:
        world = self._world
        key = request.match_info["id"]
        body = _parsed(await request.read())
        text = body.get("text")
        entry = world.ledger.add("post", conversationId=key, text=text, applied=False)
        sender = body.get("from")
        entry["from"] = sender
        refused = refuse(request, world=world, needed=INJECT_SCOPES) or self._invalid(key, body)
        if refused is not None:
            entry["status"] = refused.status
            return refused
        rule = world.faults.pick("post", conversation=key, text=text)
        echo = world.faults.pick("echo", conversation=key, text=text)
        if echo is not None:
            entry["echo_fault"] = echo.kind

        async def apply() -> web.Response:
            external_id = world.apply_post(entry, world.conversations[key], body, echo)
            if echo is not None and echo.kind == "early_echo":
                await asyncio.sleep(echo.number("ms", 500) / 1000)
            return self._posted(external_id, echo)

        return await carry_out(request, world=world, rule=rule, entry=entry, apply=apply)

    def _posted(self, external_id: str, echo: Rule | None) -> web.Response:
        config = self._world.config
        status = config.answer_status
        if not config.ids_in_answers or (echo is not None and echo.kind == "answer_without_id"):
            return answer({}, status=status)
        return answer({"id": external_id}, status=status)

    def _invalid(self, key: str, body: Mapping[str, Any]) -> web.Response | None:
        if key not in self._world.conversations:
            return answer(NOT_FOUND, status=404)
        sender, recipient, text = body.get("from"), body.get("to"), body.get("text")
        problems = []
        if not isinstance(sender, dict) or sender.get("type") not in {"guest", "agent"}:
            problems.append("from.type: guest or agent")
        elif not isinstance(sender.get("id"), str) or not sender["id"]:
            problems.append("from.id: a string")
        elif not isinstance(recipient, dict) or recipient.get("type") != _other(sender["type"]):
            problems.append(f"to.type: {_other(sender['type'])}")
        if not isinstance(text, str) or not text:
            problems.append("text: a string that is not empty")
        if body.get("type") != "text":
            problems.append("type: text")
        limit = self._world.config.text_limit
        if not problems and limit is not None and isinstance(text, str) and len(text) > limit:
            body = {"message": "The text is too long.", "code": "too.large", "status": 413}
            return answer(body, status=413)
        if not problems:
            return None
        return answer({"message": "; ".join(problems), "code": "bad.request", "status": 400},
                      status=400)  # fmt: skip

    async def history(self, request: web.Request) -> web.Response:
        world = self._world
        key = request.match_info["id"]
        entry = world.ledger.add("history", conversationId=key)
        refused = refuse(request, world=world, needed=NO_SCOPES)
        if refused is not None:
            entry["status"] = refused.status
            return refused

        async def apply() -> web.Response:
            conversation = world.conversations.get(key)
            if conversation is None:
                return answer(NOT_FOUND, status=404)
            return answer({"messages": conversation.messages})

        rule = world.faults.pick("history", conversation=key)
        return await carry_out(request, world=world, rule=rule, entry=entry, apply=apply)

    async def put_attributes(self, request: web.Request) -> web.Response:
        world = self._world
        key = request.match_info["id"]
        attributes = _parsed(await request.read()).get("customAttributes")
        entry = world.ledger.add("put", conversationId=key, attributes=attributes, applied=False)
        refused = refuse(request, world=world, needed=INJECT_SCOPES)
        if refused is None and key not in world.conversations:
            refused = answer(NOT_FOUND, status=404)
        if refused is None and not _are_attributes(attributes):
            body = {"message": "customAttributes: strings by name", "status": 400}
            refused = answer(body, status=400)
        if refused is not None:
            entry["status"] = refused.status
            return refused

        async def apply() -> web.Response:
            world.apply_attributes(entry, world.conversations[key], attributes or {})
            return answer({"id": key, "customAttributes": attributes})

        rule = world.faults.pick("put", conversation=key)
        return await carry_out(request, world=world, rule=rule, entry=entry, apply=apply)

    async def active(self, request: web.Request) -> web.Response:
        world = self._world
        entry = world.ledger.add("active", activeSince=request.query.get("activeSince"))
        refused = refuse(request, world=world, needed=NO_SCOPES)
        since = _moment(request.query.get("activeSince", ""))
        if refused is None and since is None:
            body = {"message": "activeSince: ISO 8601 with offset", "status": 400}
            refused = answer(body, status=400)
        if refused is not None or since is None:
            entry["status"] = refused.status if refused else 400
            return refused or answer({}, status=400)

        async def apply() -> web.Response:
            rows = [
                {"conversationId": one.id, "lastMessageAt": iso(one.last_message_at)}
                for one in world.conversations.values()
                if one.last_message_at is not None and one.last_message_at >= since
            ]
            return answer({"conversations": rows})

        rule = world.faults.pick("active")
        return await carry_out(request, world=world, rule=rule, entry=entry, apply=apply)


def _other(kind: str) -> str:
    return "agent" if kind == "guest" else "guest"


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _are_attributes(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _moment(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.replace(" ", "+"))  # an unescaped + is a blank
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
