"""Which pages may open a socket: those of the listed origins, compared byte by byte.

Not Channels' OriginValidator: it takes every spelling that parses to a listed host and port
(`HTTP://user@host:80/path`), subdomains of a pattern with a dot, and of two Origins the last.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Send], Awaitable[None]]

_DEFAULT_PORTS = {"http": 80, "https": 443}


class ExactOrigins:
    """Lets a handshake through that has one Origin, and one that is listed; else Daphne says 403.

    A browser always sends it, and no page can forge it. Without one, a cookie would open the
    socket to any page of any site (reliability S3, F21).
    """

    def __init__(self, application: Application, origins: Iterable[str]) -> None:
        self._application = application
        self._allowed = frozenset(origin.encode("ascii", "replace") for origin in origins)

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        sent = [value for name, value in scope["headers"] if name == b"origin"]
        if len(sent) == 1 and sent[0] in self._allowed:
            await self._application(scope, receive, send)
            return
        await receive()  # websocket.connect
        await send({"type": "websocket.close"})


def as_browsers_write(origin: str) -> str | None:
    """The one spelling of an origin that a browser sends; None: it is no origin at all."""
    try:
        parts = urlsplit(origin)
        host, port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
    except ValueError:
        return None
    rest = (parts.path, parts.query, parts.fragment, parts.username, parts.password)
    if parts.scheme not in _DEFAULT_PORTS or any(rest) or not host or not _is_one_host(host):
        return None
    host = f"[{host}]" if ":" in host else host
    is_default = port in (None, _DEFAULT_PORTS[parts.scheme])
    return f"{parts.scheme}://{host}" if is_default else f"{parts.scheme}://{host}:{port}"


def _is_one_host(host: str) -> bool:
    """No pattern: `*.example.org` and `.example.org` would mean many hosts."""
    return "*" not in host and not host.startswith(".") and host.isprintable() and " " not in host
