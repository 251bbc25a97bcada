"""JSON of others, made safe for the database before anything looks at it.

Refuses what a database refuses (NaN, infinities, huge numbers, deep nesting) and replaces what
it cannot store in a text: U+0000 becomes U+2400, a lone surrogate becomes U+FFFD.
"""

from __future__ import annotations

import json
import math
import re

MAX_DEPTH = 64  # the documented frames are 2 deep; a walk over this is far from the stack's end

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class InvalidJson(ValueError):
    """The text names the kind of defect, never the content."""


def load_json(data: str | bytes) -> object:
    """Decode strictly; every way in which this can fail is `InvalidJson`."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        if text.startswith("\ufeff"):  # a byte order mark is noise, not a defect
            text = text[1:]
        value = _DECODER.decode(text)
    except UnicodeDecodeError:
        raise InvalidJson("not UTF-8") from None
    except RecursionError:
        raise InvalidJson("nested too deeply") from None
    except InvalidJson:
        raise
    except ValueError:  # JSONDecodeError, and int() of more than 4,300 digits
        raise InvalidJson("not JSON") from None
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_too_deep(value):
        raise InvalidJson("nested too deeply")
    return _cleaned(value) if _needs_cleaning(text) else value


def clean_text(text: str) -> str:
    """Make a text storable: PostgreSQL refuses U+0000, every encoder a lone surrogate."""
    return _UNSTORABLE.sub(_replacement, text)


def _replacement(match: re.Match[str]) -> str:
    return "\u2400" if match.group() == "\x00" else "\ufffd"


def _needs_cleaning(text: str) -> bool:
    if "\\u" in text and _ESCAPED_UNSTORABLE.search(text):
        return True
    return not text.isascii() and _UNSTORABLE.search(text) is not None


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return any(isinstance(item, dict | list) for item in level)


def _refused_constant(name: str) -> object:
    raise InvalidJson(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):  # 1e999 is valid JSON and becomes an infinity
        raise InvalidJson("a number is out of range")
    return number


# One decoder for all: json.loads with hooks would build a new one for every frame.
_DECODER = json.JSONDecoder(parse_constant=_refused_constant, parse_float=_finite)
