"""Which files a guest may send: by what they are, and not only by what they are called. Pure.

D (protocol §2): PNG, JPEG and PDF up to 10 MiB; a name is a plain file name whose ending, if it
has one, is that of its content.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conversations.genesys.exceptions import AttachmentRefused, AttachmentTooLarge

MAX_BYTES = 10 * 1024 * 1024
MAX_NAME = 200
ENDINGS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "application/pdf": (".pdf",),
}
_NAMES = {"image/png": "PNG", "image/jpeg": "JPEG", "application/pdf": "PDF"}
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_JPEG = b"\xff\xd8\xff"
_PDF = b"%PDF-"
# They change what a reader takes the ending of a name for.
_OVERRIDES = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class GuestFile:
    """A file that has been looked at: `content_type` is what its bytes say."""

    name: str
    content_type: str
    content: bytes = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Attachment:
    """What the platform tells of an attachment; `raw` is sent back as it came."""

    id: str
    name: str
    content_type: str
    size: int | None
    url: str = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)


def content_type_of(content: bytes) -> str | None:
    """What it is by its first bytes, if it is one that may be sent."""
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    if content.startswith(_PDF):
        return "application/pdf"
    return None


def checked_file(name: str, content: bytes, *, declared: str = "") -> GuestFile:
    """The file if it may be sent; else why not, in words for the person who chose it."""
    _check_name(name)
    if not content:
        raise AttachmentRefused("the file is empty")
    if len(content) > MAX_BYTES:
        raise AttachmentTooLarge(len(content), MAX_BYTES)
    found = content_type_of(content)
    if found is None:
        what = _foreign(content)
        raise AttachmentRefused(f"it is {what}; only PNG, JPEG and PDF files can be sent")
    kind, said = _NAMES[found], declared.split(";")[0].strip().lower()
    if said and said != found:
        raise AttachmentRefused(f"it is a {kind} file and not {said}")
    stem, dot, ending = name.rpartition(".")
    if not (stem and dot):
        name += ENDINGS[found][0]
    elif f".{ending.lower()}" not in ENDINGS[found]:
        raise AttachmentRefused(f"it is a {kind} file, but its name ends in .{ending[:20]}")
    return GuestFile(name, found, content)


def check_size(size: int) -> None:
    """Before a file is read at all."""
    if size > MAX_BYTES:
        raise AttachmentTooLarge(size, MAX_BYTES)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME:
        raise AttachmentRefused(f"its name must have 1 to {MAX_NAME} characters")
    if "/" in name or "\\" in name or name in {".", ".."}:
        raise AttachmentRefused("its name must be a plain file name, without folders")
    for character in name:
        if character in _OVERRIDES:
            raise AttachmentRefused("its name hides its ending by a change of direction: rename it")
        if unicodedata.category(character) in {"Cc", "Cs"}:
            raise AttachmentRefused("its name has characters that cannot be shown: rename it")


def _foreign(content: bytes) -> str:
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html", b"<script", b"<head", b"<body")):
        return "a web page"
    if start.startswith((b"gif87a", b"gif89a")):
        return "a GIF picture"
    if start.startswith(b"pk\x03\x04"):
        return "an archive"
    return "of another type"


def attachments_of(value: object) -> tuple[Attachment, ...]:
    """Metadata as an event carries it; what is no object is left out rather than the message."""
    if not isinstance(value, list):
        return ()
    return tuple(_attachment(one) for one in value[:50] if isinstance(one, dict))


def _attachment(data: Mapping[str, Any]) -> Attachment:
    size = data.get("size")
    return Attachment(
        id=_text(data, "id"),
        name=_text(data, "filename") or _text(data, "name"),
        content_type=_text(data, "contentType", limit=100),
        size=size if type(size) is int and 0 <= size < 2**63 else None,
        url=_text(data, "url", limit=2_000, cut=False),
        raw=data,
    )


def _text(data: Mapping[str, Any], key: str, *, limit: int = MAX_NAME, cut: bool = True) -> str:
    """Half an address leads nowhere: one that is too long is left out (`cut=False`)."""
    value = data.get(key)
    if not isinstance(value, str) or (len(value) > limit and not cut):
        return ""
    return value[:limit]
