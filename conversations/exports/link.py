"""Short-lived links to an export's files: for one user, for a quarter of an hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.core import signing

VALID = timedelta(minutes=15)
_SALT = "parley.exports.link"
What = Literal["file", "manifest"]


@dataclass(frozen=True, slots=True)
class Link:
    export: str
    user: int
    what: What


def token_for(link: Link) -> str:
    values = {"e": link.export, "u": link.user, "w": link.what}
    return signing.dumps(values, salt=_SALT, compress=False)


def link_of(token: str) -> Link | None:
    """None where it is not ours or has run out."""
    try:
        values = signing.loads(token, salt=_SALT, max_age=VALID)
        return Link(values["e"], values["u"], values["w"])
    except (signing.BadSignature, KeyError, TypeError):
        return None
