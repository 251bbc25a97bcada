"""What a front end may ask of the simulator's socket (protocol §2), read strictly. Pure.

`{"action": "send", "text"}`, `{"action": "context", "data"}` and `{"action": "upload", "filename",
"contentType", "buffer" | "uploadId", "caption"}` are the wire's; the others are for the page that
ships with the console. An action that cannot be meant is refused at the field that is wrong.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MAX_MESSAGE = 64 * 1024  # characters of one action: what the web server lets through
MAX_BUFFER = 40 * 1024  # bytes of a file that comes with its action
MAX_REF = 64
MAX_SPEED = 50.0
FAULTS = ("drop", "duplicate", "reorder", "throttle", "outage")


class ActionRefused(ValueError):
    """`field` names what is wrong, for the page to show it there."""

    def __init__(self, field: str, message: str, *, action: str = "", ref: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.action = action
        self.ref = ref


@dataclass(frozen=True, slots=True)
class ConnectAs:
    name: str
    email: str
    metadata: Mapping[str, Any]
    session: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SendText:
    text: str = field(repr=False)
    ref: str = ""


@dataclass(frozen=True, slots=True)
class SendAgain:
    ref: str


@dataclass(frozen=True, slots=True)
class SetContext:
    data: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class UploadFile:
    """With its bytes, or as what the upload over HTTP has answered."""

    filename: str
    content_type: str
    content: bytes | None = field(repr=False)
    upload_id: str = field(repr=False)
    caption: str = field(repr=False)
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Type:
    side: Literal["guest", "agent"]
    state: Literal["active", "inactive"]


@dataclass(frozen=True, slots=True)
class SetLine:
    """Go offline, or come back."""

    online: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """Say something as the agent."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """The agent's side has been looked at."""


@dataclass(frozen=True, slots=True)
class SetFault:
    name: str
    on: bool


@dataclass(frozen=True, slots=True)
class Play:
    script: str
    speed: float


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Say no further line of the script."""


Action = (
    ConnectAs | SendText | SendAgain | SetContext | UploadFile | Type | SetLine | Reply | Seen
    | SetFault | Play | StopPlaying
)  # fmt: skip
# These act on the platform itself, and not as a guest.
STAFF_ONLY = (Reply, Seen, SetFault, Play, StopPlaying)


def parse(data: str) -> Action:
    """Raises ActionRefused."""
    if len(data) > MAX_MESSAGE:
        raise ActionRefused("action", f"at most {MAX_MESSAGE:,} characters: upload files over HTTP")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ActionRefused("action", "a JSON object is wanted")
    name = body.get("action")
    reader = _READERS.get(name) if isinstance(name, str) else None
    if reader is None:
        raise ActionRefused("action", f"action: one of {', '.join(_READERS)}")
    try:
        return reader(body)
    except ActionRefused as refused:
        refused.action, refused.ref = str(name), _optional(body, "ref", MAX_REF)
        raise


def _connect(body: Mapping[str, Any]) -> ConnectAs:
    metadata = body.get("metadata", {})
    if not isinstance(metadata, dict):
        raise ActionRefused("metadata", "metadata: a JSON object")
    if len(json.dumps(metadata)) > 8_000:
        raise ActionRefused("metadata", "metadata: at most 8,000 characters")
    return ConnectAs(
        _text(body, "name", 1_000), _text(body, "email", 1_000), metadata,
        _optional(body, "session", 200),
    )  # fmt: skip


def _send(body: Mapping[str, Any]) -> SendText:
    return SendText(_text(body, "text", MAX_MESSAGE), _optional(body, "ref", MAX_REF))


def _again(body: Mapping[str, Any]) -> SendAgain:
    return SendAgain(_text(body, "ref", MAX_REF))


def _context(body: Mapping[str, Any]) -> SetContext:
    return SetContext(body.get("data"))


def _upload(body: Mapping[str, Any]) -> UploadFile:
    has_buffer, has_id = "buffer" in body, "uploadId" in body
    if has_buffer == has_id:
        raise ActionRefused("file", "buffer (base64) or uploadId: one of the two")
    return UploadFile(
        filename=_text(body, "filename", 1_000) if has_buffer else "",
        content_type=_optional(body, "contentType", 200),
        content=_content(body["buffer"]) if has_buffer else None,
        upload_id=_text(body, "uploadId", MAX_MESSAGE) if has_id else "",
        caption=_optional(body, "caption", MAX_MESSAGE),
        ref=_optional(body, "ref", MAX_REF),
    )


def _content(buffer: object) -> bytes:
    if not isinstance(buffer, str):
        raise ActionRefused("file", "buffer: the file's bytes as base64")
    try:
        content = base64.b64decode(buffer, validate=True)
    except (binascii.Error, ValueError):
        raise ActionRefused("file", "buffer: this is not base64") from None
    if len(content) > MAX_BUFFER:
        raise ActionRefused("file", f"buffer: at most {MAX_BUFFER:,} bytes; post larger files")
    return content


def _typing(body: Mapping[str, Any]) -> Type:
    state, side = body.get("state"), body.get("side", "guest")
    if state not in ("active", "inactive"):
        raise ActionRefused("state", "state: active or inactive")
    if side not in ("guest", "agent"):
        raise ActionRefused("side", "side: guest or agent")
    return Type(side, state)


def _fault(body: Mapping[str, Any]) -> SetFault:
    name, on = body.get("name"), body.get("on")
    if name not in FAULTS or not isinstance(on, bool):
        raise ActionRefused("fault", f"name: one of {', '.join(FAULTS)}; on: true or false")
    return SetFault(str(name), on)


def _play(body: Mapping[str, Any]) -> Play:
    speed = body.get("speed", 1.0)
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 < speed <= MAX_SPEED:
        raise ActionRefused("speed", f"speed: a number above 0, at most {MAX_SPEED:g}")
    return Play(_text(body, "script", 200), float(speed))


_READERS: dict[str, Callable[[Mapping[str, Any]], Action]] = {
    "connect": _connect,
    "send": _send,
    "again": _again,
    "context": _context,
    "upload": _upload,
    "typing": _typing,
    "offline": lambda body: SetLine(online=False),
    "online": lambda body: SetLine(online=True),
    "reply": lambda body: Reply(_text(body, "text", MAX_MESSAGE)),
    "seen": lambda body: Seen(),
    "fault": _fault,
    "play": _play,
    "stop": lambda body: StopPlaying(),
}


def _text(body: Mapping[str, Any], key: str, limit: int) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise ActionRefused(key, f"{key}: a string")
    if len(value) > limit:
        raise ActionRefused(key, f"{key}: at most {limit:,} characters")
    return _storable(value)


def _optional(body: Mapping[str, Any], key: str, limit: int) -> str:
    value = body.get(key)
    return _storable(value) if isinstance(value, str) and len(value) <= limit else ""


def _storable(text: str) -> str:
    """A lone surrogate goes through no encoder."""
    return text.encode("utf-8", "replace").decode()
