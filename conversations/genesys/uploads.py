"""A guest's file to the platform (protocol §2): an address to upload to, then the bytes.

The bytes go without our bearer token: the address is the permission. Nothing is said before they
have arrived, so whatever fails here leaves nothing half sent.
"""

from __future__ import annotations

import asyncio
import random as randomness
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from conversations.genesys.attachments import GuestFile
from conversations.genesys.exceptions import (
    CredentialsRefused,
    ScopeMissing,
    TokenUnavailable,
    UploadFailed,
)
from conversations.genesys.oauth import BearerAuth, TokenSource
from conversations.genesys.scopes import SCOPES_BY_CALL
from conversations.net.exceptions import InvalidBody, NetError
from conversations.net.http import Answer, HttpClient
from conversations.net.retry import Outcome, classify, retry_delay_s

PRESIGN = "/api/v2/webchat/attachments/generatepresignedurl"  # D
TRIES = 3
PART_BYTES = 64 * 1024
UPLOAD_S = 120.0  # for 10 MiB over a slow line
_EXPIRED = frozenset({400, 403, 404, 410})  # how object stores say that an address is of no use

Progress = Callable[[int, int], None]  # bytes handed over, bytes in all


def _ignore(_sent: int, _size: int) -> None:
    return None


@dataclass(frozen=True, slots=True)
class _Address:
    url: str = field(repr=False)
    metadata: Mapping[str, Any]


class Uploads:
    def __init__(
        self,
        http: HttpClient,
        *,
        api_url: str,
        tokens: TokenSource,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._http = http
        self._presign_url = api_url.rstrip("/") + PRESIGN
        self._auth = BearerAuth(tokens)
        self._sleep = sleep
        self._random = random

    async def upload(
        self, file: GuestFile, *, on_progress: Progress = _ignore
    ) -> Mapping[str, Any]:
        """The metadata to name in the message. Raises UploadFailed, which may be tried again.

        Each try asks for an address of its own: the last one may have been half used.
        """
        failure = UploadFailed("not tried")
        for attempt in range(1, TRIES + 1):
            if attempt > 1:
                await self._sleep(retry_delay_s(attempt - 1, random=self._random))
            try:
                address = await self._address(file)
                await self._put(address, file, on_progress)
            except UploadFailed as error:
                # Where there is no token, its source has tried long enough.
                if error.is_final or isinstance(error.__cause__, TokenUnavailable):
                    raise
                failure = error
            else:
                return address.metadata
        raise failure

    async def _address(self, file: GuestFile) -> _Address:
        body = {"filename": file.name, "contentType": file.content_type, "size": file.size}
        try:
            answer = await self._http.request("POST", self._presign_url, json=body, auth=self._auth)
        except NetError as error:
            raise UploadFailed(f"no address to upload to: {error}") from error
        except (CredentialsRefused, ScopeMissing) as error:
            raise UploadFailed(str(error), is_final=True) from error
        except TokenUnavailable as error:
            raise UploadFailed(str(error)) from error
        outcome = classify(answer.status)
        if outcome is Outcome.OK:
            return _address_of(answer)
        if outcome in (Outcome.AUTH, Outcome.FORBIDDEN):
            scopes = " and ".join(SCOPES_BY_CALL["upload"])
            reason = f"{answer.status}: the OAuth client needs the scopes {scopes}"
            raise UploadFailed(reason, is_final=True)
        is_final = outcome in (Outcome.PERMANENT, Outcome.REFUSED)
        raise UploadFailed(f"no address to upload to: status {answer.status}", is_final=is_final)

    async def _put(self, address: _Address, file: GuestFile, on_progress: Progress) -> None:
        headers = {"content-type": file.content_type, "content-length": str(file.size)}
        try:
            answer = await self._http.request(
                "PUT",
                address.url,
                headers=headers,
                content=_parts(file.content, on_progress),
                total_timeout_s=UPLOAD_S,
            )
        except NetError as error:
            raise UploadFailed(f"the line broke: {error}") from error
        if not 200 <= answer.status < 300:
            words = "the address has expired" if answer.status in _EXPIRED else "the storage failed"
            raise UploadFailed(f"{words} ({answer.status})")


async def _parts(content: bytes, on_progress: Progress) -> AsyncIterator[bytes]:
    """The next part is asked for when the line has taken the last one: that is the progress."""
    on_progress(0, len(content))
    for start in range(0, len(content), PART_BYTES):
        part = content[start : start + PART_BYTES]
        yield part
        on_progress(start + len(part), len(content))


def _address_of(answer: Answer) -> _Address:
    try:
        body = answer.json()
    except InvalidBody as error:
        raise UploadFailed(
            f"the platform's answer is not the documented one: {error.reason}"
        ) from None
    url = body.get("uploadUrl") if isinstance(body, dict) else None
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(url, str) or not isinstance(metadata, dict):
        raise UploadFailed("the platform's answer lacks uploadUrl or metadata")
    if urlsplit(url).scheme not in ("https", "http"):
        raise UploadFailed("the platform's uploadUrl is no web address", is_final=True)
    return _Address(url, metadata)
