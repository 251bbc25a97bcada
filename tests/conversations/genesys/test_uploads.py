"""Files to a platform of real sockets: what each failure means, and that nothing is half sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from conversations.genesys.attachments import checked_file
from conversations.genesys.exceptions import CredentialsRefused, TokenUnavailable, UploadFailed
from conversations.genesys.uploads import PART_BYTES, Uploads
from conversations.net.http import HttpClient
from tests.conversations.genesys.fakes import FakeTime, FakeTokens

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * (3 * PART_BYTES)
FILE = checked_file("a.png", PNG)


class Storage:
    """Answers by a list of statuses each; the last one stays."""

    def __init__(self, presign: list[Any] | None = None, put: list[int] | None = None) -> None:
        self.presign, self.put = presign or [200], put or [200]
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.stored: list[bytes] = []
        self.url = ""

    async def on_presign(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"].startswith("Bearer token-")
        self.asked.append(await request.json())
        status = self.presign.pop(0) if len(self.presign) > 1 else self.presign[0]
        if status != 200:
            return web.Response(status=status) if isinstance(status, int) else status()
        metadata = {"id": f"a-{len(self.asked)}"}
        address = f"{self.url}/put/{len(self.asked)}"
        return web.json_response({"uploadUrl": address, "metadata": metadata})

    async def on_put(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        body = await request.read()
        status = self.put.pop(0) if len(self.put) > 1 else self.put[0]
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        elif status == 200:
            self.stored.append(body)
        return web.Response(status=status or 500)


@asynccontextmanager
async def uploads_to(storage: Storage, **options: Any) -> AsyncIterator[Uploads]:
    app = web.Application(client_max_size=20 << 20)
    app.router.add_post("/api/v2/webchat/attachments/generatepresignedurl", storage.on_presign)
    app.router.add_put("/put/{number}", storage.on_put)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    storage.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    http = HttpClient()
    tokens = options.pop("tokens", FakeTokens())
    sleep = FakeTime().sleep
    try:
        yield Uploads(http, api_url=storage.url, tokens=tokens, sleep=sleep, random=lambda: 0)
    finally:
        await http.aclose()
        await runner.cleanup()


async def test_the_bytes_go_to_the_address_without_our_token():
    storage, progress = Storage(), []

    async with uploads_to(storage) as uploads:
        metadata = await uploads.upload(FILE, on_progress=lambda *now: progress.append(now))

    assert metadata == {"id": "a-1"}
    assert storage.asked == [{"filename": "a.png", "contentType": "image/png", "size": len(PNG)}]
    assert storage.stored == [PNG]
    [headers] = storage.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Length"] == str(len(PNG))
    assert "Authorization" not in headers
    assert "Transfer-Encoding" not in headers
    assert progress[0] == (0, len(PNG))
    assert progress[-1] == (len(PNG), len(PNG))
    assert len(progress) > 3


@pytest.mark.parametrize("status", [403, 410, 500, 503, 0])
async def test_an_expired_address_or_a_broken_line_is_tried_with_a_new_address(status: int):
    storage = Storage(put=[status, 200])

    async with uploads_to(storage) as uploads:
        metadata = await uploads.upload(FILE)

    assert metadata == {"id": "a-2"}
    assert storage.stored == [PNG]


async def test_three_failures_are_said_and_may_be_tried_again():
    storage = Storage(put=[503])

    async with uploads_to(storage) as uploads:
        with pytest.raises(UploadFailed, match=r"the storage failed \(503\)") as failed:
            await uploads.upload(FILE)
        assert not failed.value.is_final
        assert len(storage.asked) == 3

        storage.put = [200]
        assert await uploads.upload(FILE)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_names_the_scope_and_is_not_tried_again(status: int):
    storage = Storage(presign=[status])

    async with uploads_to(storage) as uploads:
        with pytest.raises(UploadFailed, match="webchat:attachment:write") as failed:
            await uploads.upload(FILE)

    assert failed.value.is_final
    assert storage.stored == []


async def test_without_a_token_nobody_is_kept_waiting_for_three_more():
    class NoTokens(FakeTokens):
        async def current(self) -> Any:
            self.calls += 1
            raise TokenUnavailable("away")

    tokens = NoTokens()

    async with uploads_to(Storage(), tokens=tokens) as uploads:
        with pytest.raises(UploadFailed, match="away") as failed:
            await uploads.upload(FILE)

    assert (tokens.calls, failed.value.is_final) == (1, False)


async def test_refused_credentials_are_said_plainly():
    tokens = FakeTokens(failing=CredentialsRefused("the credentials are wrong"))

    async with uploads_to(Storage(), tokens=tokens) as uploads:
        with pytest.raises(UploadFailed, match="the credentials are wrong"):
            await uploads.upload(FILE)


@pytest.mark.parametrize(
    "body",
    ["<html>", "[]", "{}", '{"uploadUrl": 7, "metadata": {}}', '{"uploadUrl": "x", "metadata": 7}',
     '{"uploadUrl": "file:///etc/passwd", "metadata": {}}'],
)  # fmt: skip
async def test_an_answer_of_another_shape_uploads_nothing(body: str):
    storage = Storage(presign=[lambda: web.Response(text=body, content_type="application/json")])

    async with uploads_to(storage) as uploads:
        with pytest.raises(UploadFailed):
            await uploads.upload(FILE)

    assert storage.headers == []


async def test_a_size_that_the_platform_refuses_is_final():
    storage = Storage(presign=[400])

    async with uploads_to(storage) as uploads:
        with pytest.raises(UploadFailed, match="400") as failed:
            await uploads.upload(FILE)

    assert failed.value.is_final
    assert json.dumps(storage.asked).count("a.png") == 1
