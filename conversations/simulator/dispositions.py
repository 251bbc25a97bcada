"""Carrying out a fault on an HTTP request: when it is applied, and what the caller gets to see."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from conversations.simulator.faults import Rule
    from conversations.simulator.world import World

Apply = Callable[[], Awaitable[web.Response]]

HTML = (
    "<!DOCTYPE html><html><head><title>Service unavailable</title></head>"
    "<body><h1>We are doing some maintenance</h1></body></html>"
)
ENCODER = json.JSONEncoder(separators=(",", ":"))
JSON_HEADERS = {"Content-Type": "application/json"}
RST = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends a reset
HANG_S = 120.0


def answer(data: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = ENCODER.encode(data).encode()
    merged = JSON_HEADERS if headers is None else {**JSON_HEADERS, **headers}
    return web.Response(status=status, body=body, headers=merged)


async def carry_out(
    request: web.Request,
    *,
    world: World,
    rule: Rule | None,
    entry: MutableMapping[str, Any],
    apply: Apply,
) -> web.Response:
    """Answer a request as its rule wants; `apply` is what the platform does and would say."""
    if rule is None:
        response = await apply()
        entry["status"] = response.status
        return response
    entry["fault"] = rule.kind
    response = await _disposition(request, world=world, rule=rule, entry=entry, apply=apply)
    entry.setdefault("status", response.status)
    return response


async def _disposition(
    request: web.Request,
    *,
    world: World,
    rule: Rule,
    entry: MutableMapping[str, Any],
    apply: Apply,
) -> web.Response:
    kind = rule.kind
    if kind == "slow":
        await asyncio.sleep(rule.number("ms", 1000) / 1000)
        return await apply()
    if kind == "late_apply":
        world.later(rule.number("after_s", 3.0), apply)
        return await _unanswered(request, world=world, rule=rule, entry=entry)
    if kind.endswith("_after") or (not kind.endswith("_before") and _is_applied(rule)):
        applied = await apply()
    else:
        applied = None
    if kind.startswith(("timeout", "reset")):
        entry["status"] = None
        return await _silence(request, world=world, kind=kind, rule=rule)
    if kind in {"html", "truncated", "empty", "wrong_schema"}:
        return _spoilt(kind, applied)
    return error(rule)


def _is_applied(rule: Rule) -> bool:
    """Errors by status are not applied unless they say so; spoilt answers are."""
    return bool(rule.parameters.get("applied", rule.kind in {"html", "truncated", "empty",
                                                             "wrong_schema"}))  # fmt: skip


async def _unanswered(
    request: web.Request, *, world: World, rule: Rule, entry: MutableMapping[str, Any]
) -> web.Response:
    how = str(rule.parameters.get("answer", "timeout"))
    if how in {"timeout", "reset"}:
        entry["status"] = None
        return await _silence(request, world=world, kind=how, rule=rule)
    return answer({"message": "Service unavailable"}, status=int(how))


async def _silence(request: web.Request, *, world: World, kind: str, rule: Rule) -> web.Response:
    if kind.startswith("timeout"):
        deadline = world.monotonic() + rule.number("hang_s", HANG_S)
        # aiohttp does not tell a handler that its client has gone: look now and then
        while world.monotonic() < deadline and not world.stopping and _is_open(request):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    reset(request)
    return web.Response(status=500)


def _is_open(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def reset(request: web.Request) -> None:
    """Drop the connection without an answer, with a TCP reset."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
    transport.abort()


def _spoilt(kind: str, applied: web.Response | None) -> web.Response:
    if kind == "html":
        return web.Response(status=200, text=HTML, content_type="text/html")
    if kind == "empty":
        return web.Response(status=200, body=b"", headers=JSON_HEADERS)
    if kind == "wrong_schema":
        return answer({"result": "ok", "id": {"value": [1, 2]}, "translations": "none"})
    body = applied.body if applied is not None and isinstance(applied.body, bytes) else b""
    whole = body if len(body) > 2 else b'{"id":"msg-0000","status":"queued"}'
    return web.Response(status=200, body=whole[: len(whole) // 2], headers=JSON_HEADERS)


def error(rule: Rule) -> web.Response:
    """The platform's own error body, or HTML where the rule wants a proxy's page."""
    status = 404 if rule.kind == "missing" else rule.status
    headers = {}
    if "retry_after" in rule.parameters:
        headers["Retry-After"] = str(rule.parameters["retry_after"])
    elif status == 429:
        headers["Retry-After"] = "1"
    if rule.parameters.get("retry_after", "") is None:
        headers.pop("Retry-After", None)
    if rule.parameters.get("html"):
        headers["Content-Type"] = "text/html"
        return web.Response(status=status, body=HTML.encode(), headers=headers)
    body = {"message": f"Simulated {status}", "status": status, "code": f"simulated.{status}"}
    return answer(body, status=status, headers=headers)
