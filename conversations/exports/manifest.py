"""The manifest beside an export's file: what the file is, and who says so. Reads no database.

Signed with the journal's own key (Ed25519), so that whoever has the public one can tell that the
file is the one that was written; `verifying` compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PURPOSE = "parley export 1"
SUFFIX = ".manifest.json"
HEADS_AT_MOST = 1_000  # more conversations are proved by the digest of their heads alone

Values = Mapping[str, Any]


def signed(values: Values, key: Ed25519PrivateKey | None) -> str:
    """The manifest's text; without a key its signature is null."""
    public = key.public_key().public_bytes_raw().hex() if key else None
    body = {"manifest": PURPOSE, **values, "public_key": public}
    signature = key.sign(_body(body)).hex() if key else None
    return json.dumps({**body, "signature": signature}, indent=1, ensure_ascii=False) + "\n"


def read(text: str) -> dict[str, Any]:
    """Raises ValueError where the text is no manifest."""
    values = json.loads(text)
    if not isinstance(values, dict) or values.get("manifest") != PURPOSE:
        raise ValueError("no manifest of an export")
    return values


def is_signed_by(values: Values, key: Ed25519PublicKey) -> bool:
    body = {name: value for name, value in values.items() if name != "signature"}
    try:
        key.verify(bytes.fromhex(values["signature"]), _body(body))
    except (InvalidSignature, ValueError, TypeError, KeyError):
        return False
    return True


def _body(values: Values) -> bytes:
    """The canonical JSON of all values but the signature, under a name for the purpose."""
    text = json.dumps([PURPOSE, values], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()
