"""A large file as an answer: streamed in pieces, resumable, in no cache.

Asynchronous: under ASGI Django would read the whole of a synchronous stream into memory first.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

_PIECE = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")


async def file_response(
    request: HttpRequest, path: Path, *, name: str, content_type: str, tag: str
) -> HttpResponseBase:
    """`tag` changes with the content. Raises Http404 where the file has just gone."""
    try:
        descriptor = await asyncio.to_thread(os.open, path, os.O_RDONLY)
    except FileNotFoundError:
        raise Http404 from None
    size = os.fstat(descriptor).st_size
    begin, end = _asked(request, size, tag)
    if request.method == "HEAD" or begin > end:
        os.close(descriptor)
        answer: HttpResponseBase = HttpResponse(status=200 if request.method == "HEAD" else 416)
        if begin > end:
            answer.headers["Content-Range"] = f"bytes */{size}"
            begin, end = 0, -1
    else:
        is_part = (begin, end) != (0, size - 1)
        answer = StreamingHttpResponse(
            _pieces(descriptor, begin, end + 1 - begin), status=206 if is_part else 200
        )
        if is_part:
            answer.headers["Content-Range"] = f"bytes {begin}-{end}/{size}"
    # So that a browser sees when it did not get all of it.
    answer.headers["Content-Length"] = str(end + 1 - begin)
    answer.headers["Content-Type"] = content_type
    answer.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["ETag"] = f'"{tag}"'
    return answer


def _asked(request: HttpRequest, size: int, tag: str) -> tuple[int, int]:
    """First and last byte; the first behind the last where there is nothing of the kind."""
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range", f'"{tag}"')
    if not found or condition != f'"{tag}"':
        return 0, size - 1
    begin = int(found[1])
    return begin, min(int(found[2]), size - 1) if found[2] else size - 1


async def _pieces(descriptor: int, place: int, left: int) -> AsyncIterator[bytes]:
    try:
        while left:
            data = await asyncio.to_thread(os.pread, descriptor, min(_PIECE, left), place)
            if not data:
                return
            yield data
            place += len(data)
            left -= len(data)
    finally:
        os.close(descriptor)
