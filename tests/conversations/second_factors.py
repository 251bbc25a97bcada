"""Somebody's second factor in tests, and the codes that their app shows: RFC 6238, read anew."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from datetime import datetime

import time_machine
from django.contrib.auth.models import User

from conversations.services import second_factor


def code_at(letters: str, moment: datetime) -> str:
    key = base64.b32decode(letters.replace(" ", ""))
    step = int(moment.timestamp()) // 30
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def set_up(user: User, moment: datetime) -> tuple[str, list[str]]:
    """As at `moment`: the secret's letters and the recovery codes."""
    with time_machine.travel(moment, tick=False):
        secret = second_factor.begin(user)
        assert secret is not None
        found = second_factor.confirm(user, code_at(secret.letters, moment))
    assert found is not None
    return secret.letters, found[1]
