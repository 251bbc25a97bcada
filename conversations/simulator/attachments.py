"""Files of guests (protocol §2): an address to upload to, the upload, and the download.

As object stores do it: the address is the permission, and a bearer token beside it is an error.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from conversations.simulator.dispositions import answer, carry_out
from conversations.simulator.tokens import refuse

if TYPE_CHECKING:
    from conversations.simulator.world import World

PRESIGN = "/api/v2/webchat/attachments/generatepresignedurl"
TYPES = frozenset({"image/png", "image/jpeg", "application/pdf"})
MAX_BYTES = 10 * 1024 * 1024
MAX_UPLOADS = 2_000
UPLOAD_SCOPES = frozenset({"webchat:attachment:write", "webchat:write"})


@dataclass(slots=True)
class Upload:
    id: str
    filename: str
    content_type: str
    size: int
    key: str
    expires_at: float
    content: bytes | None = None

    def metadata(self, base: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "filename": self.filename,
            "contentType": self.content_type,
            "size": self.size,
            "url": f"{base}/webchat/v1/attachments/{self.id}/{quote(self.filename, safe='')}"
            f"?key={self.key}",
        }


class Attachments:
    def __init__(self, world: World) -> None:
        self._world = world
        self._uploads: OrderedDict[str, Upload] = OrderedDict()
        self._stored = 0

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(PRESIGN, self.presign),
            web.put("/webchat/v1/uploads/{id}", self.put),
            web.get("/webchat/v1/attachments/{id}/{name}", self.get),
        ]

    def uploaded(self, metadata: Any) -> bool:
        """Whether a message may name this: it was presigned here and has arrived."""
        key = metadata.get("id") if isinstance(metadata, dict) else None
        upload = self._uploads.get(key) if isinstance(key, str) else None
        return upload is not None and upload.content is not None

    async def presign(self, request: web.Request) -> web.Response:
        world = self._world
        raw = await request.read()
        entry = world.ledger.add("presign")
        refused = refuse(request, world=world, needed=UPLOAD_SCOPES)
        asked = _asked(raw)
        if refused is None and isinstance(asked, str):
            refused = answer({"message": asked, "code": "bad.request", "status": 400}, status=400)
        if refused is not None or isinstance(asked, str):
            entry["status"] = refused.status if refused else 400
            return refused or answer({}, status=400)

        async def apply() -> web.Response:
            upload = self._open(asked)
            base = f"{request.scheme}://{request.host}"
            address = f"{base}/webchat/v1/uploads/{upload.id}?key={upload.key}"
            return answer({"uploadUrl": address, "metadata": upload.metadata(base)})

        rule = world.faults.pick("presign")
        return await carry_out(request, world=world, rule=rule, entry=entry, apply=apply)

    def _open(self, asked: dict[str, Any]) -> Upload:
        upload = Upload(
            id=f"att-{secrets.token_hex(6)}",
            filename=asked["filename"],
            content_type=asked["contentType"],
            size=asked["size"],
            key=secrets.token_urlsafe(16),
            expires_at=self._world.monotonic() + self._world.config.upload_life_s,
        )
        self._uploads[upload.id] = upload
        while len(self._uploads) > MAX_UPLOADS:
            self._drop_oldest()
        return upload

    async def put(self, request: web.Request) -> web.Response:
        world = self._world
        upload = self._uploads.get(request.match_info["id"])
        entry = world.ledger.add("upload", applied=False)
        refused = self._refused(request, upload)
        if refused is not None or upload is None:
            entry["status"] = refused.status if refused else 404
            return refused or answer({}, status=404)
        body = await _read(request, limit=upload.size)
        if body is None:
            entry["status"] = 400
            return answer({"message": "The length is not the announced one."}, status=400)

        async def apply() -> web.Response:
            self._store(upload, body)
            entry["applied"] = True
            return web.Response(status=200)

        rule = world.faults.pick("upload")
        return await carry_out(request, world=world, rule=rule, entry=entry, apply=apply)

    def _refused(self, request: web.Request, upload: Upload | None) -> web.Response | None:
        if "Authorization" in request.headers:
            return answer({"message": "Only one way to authorise is allowed."}, status=400)
        if upload is None or not hmac.compare_digest(request.query.get("key", ""), upload.key):
            return answer({"message": "The signature does not match."}, status=403)
        if self._world.monotonic() >= upload.expires_at:
            return answer({"message": "The address has expired."}, status=403)
        if request.content_type != upload.content_type:
            return answer({"message": "Content-Type is not the signed one."}, status=403)
        return None

    def _store(self, upload: Upload, body: bytes) -> None:
        self._stored += len(body) - len(upload.content or b"")
        upload.content = body
        self._uploads.move_to_end(upload.id)
        while self._stored > self._world.config.stored_bytes and len(self._uploads) > 1:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, oldest = self._uploads.popitem(last=False)
        self._stored -= len(oldest.content or b"")

    async def get(self, request: web.Request) -> web.Response:
        """Always to be saved: a browser must not run what a guest sent."""
        upload = self._uploads.get(request.match_info["id"])
        if upload is None or not hmac.compare_digest(request.query.get("key", ""), upload.key):
            return answer({"message": "Not found."}, status=404)
        if upload.content is None:
            return answer({"message": "Not uploaded."}, status=404)
        name = quote(upload.filename, safe="")
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=upload.content, content_type=upload.content_type, headers=headers)


def _asked(raw: bytes) -> dict[str, Any] | str:
    """What was asked for, or what is wrong with it."""
    try:
        data = json.loads(raw)
    except ValueError:
        return "a JSON object is wanted"
    if not isinstance(data, dict):
        return "a JSON object is wanted"
    name, size = data.get("filename"), data.get("size")
    if not isinstance(name, str) or not name.strip() or len(name) > 255:
        return "filename: a string of 1 to 255 characters"
    if data.get("contentType") not in TYPES:
        return f"contentType: one of {', '.join(sorted(TYPES))}"
    if type(size) is not int or not 0 < size <= MAX_BYTES:
        return f"size: 1 to {MAX_BYTES}"
    return {"filename": name, "contentType": data["contentType"], "size": size}


async def _read(request: web.Request, *, limit: int) -> bytes | None:
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts) if size == limit else None
