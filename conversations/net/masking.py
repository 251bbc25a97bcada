"""Secrets never reach a log line, an export or an error page: this is what takes them out.

Knows the secrets by value (registered where they enter) and by the places they travel in.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict

MASK = "***"
_MIN_LENGTH = 6  # a shorter one would blot out ordinary words
_MAX_REGISTERED = 256  # tokens are renewed for ever; the oldest are long invalid

_REGISTERED: OrderedDict[str, None] = OrderedDict()
_PLACES = re.compile(
    r"(?i)(\b(?:access_token|client_secret|refresh_token)\b[\"']?\s*[=:]\s*[\"']?"
    r"|\b(?:Bearer|Basic|DeepL-Auth-Key)\s+)[^\s\"'&;,<>]+"
)
_QUERY = re.compile(
    r"(?i)([?&;][^=&#;?\s]*(?:token|secret|key|signature|password)[^=&#;?\s]*=)[^&#\s]*"
)


def register_secret(value: str) -> None:
    """Every text that passes `mask` from now on shows this value as ***."""
    if len(value) < _MIN_LENGTH:
        return
    _REGISTERED[value] = None
    _REGISTERED.move_to_end(value)
    while len(_REGISTERED) > _MAX_REGISTERED:
        _REGISTERED.popitem(last=False)


def mask(text: str) -> str:
    for secret in list(_REGISTERED):
        if secret in text:
            text = text.replace(secret, MASK)
    return _PLACES.sub(rf"\1{MASK}", text)


def mask_url(url: str) -> str:
    """Also hides whatever a query calls a token, key, secret, signature or password."""
    return mask(_QUERY.sub(rf"\1{MASK}", url))


class MaskingFilter(logging.Filter):
    """For handlers: masks the finished line and a traceback, whoever logged it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = mask(record.exc_text)
        return True
