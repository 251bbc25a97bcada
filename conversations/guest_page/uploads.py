"""Files that are too large for the page's socket: posted over HTTP, passed on to the platform.

The answer is a signed name for what the platform keeps now (`uploadId`); any web process can read
it, and the message is only said by the `upload` action that brings it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.core import signing

from conversations.conf import genesys_config
from conversations.genesys.uploads import Uploads
from conversations.guest_page.platform import PlatformControl
from conversations.live.database import read
from conversations.net.http import HttpClient
from conversations.tokens import DatabaseTokens

UPLOAD_ID_S = 15 * 60
_SALT = "guest-page-upload"


class UnknownUpload(ValueError):
    """Not signed by us, for somebody else, or too old."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What pages share: a client belongs to one event loop."""

    uploads: Uploads
    platform: PlatformControl


@dataclass(slots=True)
class _Shared:
    tools: Tools
    http: HttpClient
    users: int = 0


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()


@asynccontextmanager
async def borrowed_tools() -> AsyncIterator[Tools]:
    """Made for the first who needs them on this loop, closed behind the last."""
    loop = asyncio.get_running_loop()
    shared = _shared.get(loop)
    if shared is None:
        shared = _shared[loop] = _made()
    shared.users += 1
    try:
        yield shared.tools
    finally:
        shared.users -= 1
        if not shared.users:
            del _shared[loop]
            await shared.http.aclose()


def _made() -> _Shared:
    http = HttpClient(max_connections=20)
    tokens = DatabaseTokens(genesys_config(), http, read)
    tools = Tools(
        uploads=Uploads(http, api_url=settings.GENESYS_API_URL, tokens=tokens),
        platform=PlatformControl(http, api_url=settings.GENESYS_API_URL),
    )
    return _Shared(tools, http)


def upload_id(metadata: Mapping[str, Any], *, owner: int) -> str:
    return signing.dumps({"metadata": dict(metadata), "owner": owner}, salt=_SALT, compress=True)


def metadata_of(signed: str, *, owner: int | None) -> dict[str, Any]:
    try:
        data = signing.loads(signed, salt=_SALT, max_age=UPLOAD_ID_S)
    except signing.BadSignature:
        raise UnknownUpload("uploadId: not known, or too old: upload the file again") from None
    if data["owner"] != owner:
        raise UnknownUpload("uploadId: not known, or too old: upload the file again")
    metadata: dict[str, Any] = data["metadata"]
    return metadata
