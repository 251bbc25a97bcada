"""What can go wrong with the platform.

GenesysError
├── CredentialsRefused   wrong client id or secret: only new settings help
├── TokenUnavailable     no token for now: the token endpoint is silent, broken or busy
├── ScopeMissing         403: that kind of call stops for the organisation
├── Throttled            429, three times
├── NotApplied           certainly not done: the work goes back to its queue
│   └── Unavailable      only of calls that may be repeated: no good answer in three tries
├── AmbiguousDelivery    a message may or may not have been delivered (alias `Ambiguous`)
├── Permanent            the platform refused it for good: dead letter
├── InvalidAnswer        an answer that is not the documented JSON
│   └── TooLarge             longer than is read of one, or it cannot be unpacked
├── CallMissing          404 or 405 of a call that the platform may lack
├── NotConnected         a frame was to be sent while there was no connection
├── UploadFailed         a file did not arrive: nothing was said, it may be tried again
└── GuestRefused         what a guest may not send, checked before it is sent (protocol §2)
    ├── GuestInfoRefused     name or e-mail
    ├── EmptyMessage         neither text nor attachment
    ├── TextTooLong          more than 4,096 UTF-16 code units
    ├── ContextRefused       no JSON object, or too large
    ├── AttachmentRefused    type, content or name
    │   └── AttachmentTooLarge
    └── QueueFull            too many messages wait to be sent

No text has a token, a secret, a body or a message; bodies are data (`body`), masked.
"""

from __future__ import annotations

from conversations.net.exceptions import KEPT_BYTES
from conversations.net.masking import mask


def kept_text(body: bytes) -> str:
    """The first 2,000 characters of a body as they may be stored: masked, without U+0000."""
    text = mask(body[: KEPT_BYTES * 4].decode("utf-8", "replace"))[:KEPT_BYTES]
    return text.replace("\x00", "\u2400")


class GenesysError(Exception):
    """Base of the tree."""


class CredentialsRefused(GenesysError):
    """Say so plainly and stop trying until the settings change (protocol, OAuth)."""


class TokenUnavailable(GenesysError):
    def __init__(self, reason: str, *, retry_after_s: float | None = None, body: str = "") -> None:
        super().__init__(f"no token: {reason}")
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.body = body


class ScopeMissing(GenesysError):
    def __init__(self, call: str, scopes: tuple[str, ...], *, body: str = "") -> None:
        super().__init__(
            f"403 for {call}: either the OAuth client lacks the scope {' or '.join(scopes)},"
            " or it has no access to web messaging in this organisation"
        )
        self.call = call
        self.scopes = scopes
        self.body = body


class Throttled(GenesysError):
    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"429: asked to wait {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class NotApplied(GenesysError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"not applied: {reason}")
        self.reason = reason


class Unavailable(NotApplied):
    """The last try of a repeatable call had no answer or a 5xx; it may be made again."""


class AmbiguousDelivery(GenesysError):
    """Never send again on this: find out (protocol §1, injecting)."""

    def __init__(self, reason: str, *, status: int | None = None, body: str = "") -> None:
        super().__init__(f"unknown whether delivered: {reason}")
        self.reason = reason
        self.status = status
        self.body = body


Ambiguous = AmbiguousDelivery


class Permanent(GenesysError):
    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"refused for good with status {status}")
        self.status = status
        self.body = body


class InvalidAnswer(GenesysError):
    def __init__(self, reason: str, *, body: str = "") -> None:
        super().__init__(f"not the documented answer: {reason}")
        self.reason = reason
        self.body = body


class TooLarge(InvalidAnswer):
    """It would be so again."""


class CallMissing(GenesysError):
    def __init__(self, call: str, status: int) -> None:
        super().__init__(f"the platform has no {call} ({status})")
        self.call = call
        self.status = status


class NotConnected(GenesysError):
    def __init__(self) -> None:
        super().__init__("the connection is closed")


class UploadFailed(GenesysError):
    """Text and file are still there: try again. `is_final`: only a person can mend it."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(f"the file was not uploaded: {reason}")
        self.reason = reason
        self.is_final = is_final


class GuestRefused(GenesysError):
    """`field` names what is wrong, for a page that shows the error there."""

    field = "text"


class GuestInfoRefused(GuestRefused):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class EmptyMessage(GuestRefused):
    def __init__(self) -> None:
        super().__init__("write something, or attach a file")


class TextTooLong(GuestRefused):
    def __init__(self, units: int, limit: int) -> None:
        super().__init__(f"the message has {units:,} characters, and {limit:,} fit: shorten it")
        self.units = units
        self.limit = limit


class ContextRefused(GuestRefused):
    field = "context"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the context was not set: {reason}")
        self.reason = reason


class AttachmentRefused(GuestRefused):
    field = "file"

    def __init__(self, reason: str) -> None:
        super().__init__(f"this file cannot be sent: {reason}")
        self.reason = reason


class AttachmentTooLarge(AttachmentRefused):
    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"it has {size / 2**20:.1f} MiB, and {limit / 2**20:.0f} MiB fit")
        self.size = size
        self.limit = limit


class QueueFull(GuestRefused):
    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting:,} messages wait to be sent already: wait a moment")
        self.waiting = waiting
