"""Keys derived from the settings' secrets by HKDF, one for each purpose."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from conversations.normal_form import nfc

_BLOCK = 64  # of SHA-256, in bytes


class Seal:
    """HMAC-SHA256 (RFC 2104) under one key, whose two blocks are hashed once.

    The standard library looks its algorithm up anew for each digest, which costs more than it.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK:
            raise ValueError(f"a key of at most {_BLOCK} bytes")
        block = key.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, body: bytes) -> str:
        """In hexadecimal."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(body)
        outer.update(inner.digest())
        return outer.hexdigest()


@lru_cache(maxsize=32)
def seal_of(key: bytes) -> Seal:
    return Seal(key)


@lru_cache(maxsize=32)
def _stretched(secret: str, purpose: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=b"parley", info=purpose.encode())
    return derivation.derive(secret.encode())


def journal_key() -> bytes:
    return _stretched(settings.JOURNAL_KEY, "journal")


def field_cipher() -> Fernet:
    """Encrypts what is secret at rest: the token row."""
    return Fernet(base64.urlsafe_b64encode(_stretched(settings.FIELD_KEY, "fields")))


def fingerprint(*parts: str) -> str:
    """A keyed digest of `parts`, length-prefixed so that no two lists of parts collide."""
    return _keyed(_stretched(settings.FIELD_KEY, "fingerprints"), parts)


def content_key(*parts: str) -> str:
    """Recognises an event or a text again without keeping it (protocol §1)."""
    return _keyed(_stretched(settings.JOURNAL_KEY, "contents"), parts)


def echo_key(text: str) -> str:
    """Equal for texts that are equal but for Unicode form and white space (reliability §5.3.4)."""
    return content_key("echo", " ".join(nfc(text).split()))


def _keyed(key: bytes, parts: tuple[str, ...]) -> str:
    body = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
    return seal_of(key).digest(body)
