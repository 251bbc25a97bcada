"""What can go wrong between this machine and another one.

NetError
├── NotSent         nothing left this machine: asking again cannot do anything twice
├── AnswerUnknown   something may have left it: the request may or may not have been applied
└── InvalidBody     an answer came, but its body is not what it should be
"""

from __future__ import annotations

KEPT_BYTES = 2000


class NetError(Exception):
    """Base of the tree. The text names kinds of failure, never a URL, header or body."""


class NotSent(NetError):
    """DNS, refused, connect timeout, TLS, no free connection: before the first byte."""


class TooLate(NotSent):
    """Its first byte could not leave within the time that the caller gave it."""


class AnswerUnknown(NetError):
    """A timeout, a reset or a broken answer after the first byte may have left."""


class InvalidBody(NetError):
    """The body is not the documented JSON; its beginning is kept as data, never in the text."""

    def __init__(self, reason: str, *, kept: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.kept = kept[:KEPT_BYTES]
