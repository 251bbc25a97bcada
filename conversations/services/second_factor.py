"""The second factor: set up, asked for, removed, reset; each with its entry in the console's chain.

What is shown to its owner is returned here once, and can be read nowhere afterwards.
"""

from __future__ import annotations

import base64
import os
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.db import transaction
from django.utils import timezone

from conversations.keys import field_cipher, fingerprint
from conversations.models import JournalEntry, RecoveryCode, SecondFactor
from conversations.models.second_factor import DIGITS, STEP_S
from conversations.services.console_journal import note
from conversations.services.decisions import actor_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

RECOVERY_CODES = 10
GENERATOR, RECOVERY = "code", "recovery code"  # what somebody showed
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read for another
_LENGTH = 10  # 49 bits
_SET_UP_WITHIN = timedelta(hours=1)
_Kind = JournalEntry.Kind


@dataclass(frozen=True, slots=True)
class Secret:
    """For an app: typed in as groups of letters, or taken from a picture of `address`."""

    letters: str
    address: str


def begin(user: User) -> Secret | None:
    """A new secret, in place of one that was not confirmed; None where there is a factor."""
    key = os.urandom(20)
    sealed = field_cipher().encrypt(key)
    with transaction.atomic():
        SecondFactor.objects.filter(user=user, confirmed=False).delete()
        _, is_new = SecondFactor.objects.get_or_create(user=user, defaults={"secret": sealed})
    if not is_new:
        return None
    letters = base64.b32encode(key).decode()
    label = quote(f"Parley:{user.get_username()}", safe=":")
    address = (
        f"otpauth://totp/{label}?secret={letters}&issuer=Parley&digits={DIGITS}&period={STEP_S}"
    )
    return Secret(" ".join(letters[n : n + 4] for n in range(0, len(letters), 4)), address)


def is_begun(user: User) -> bool:
    return _unconfirmed(user).exists()


@transaction.atomic
def confirm(user: User, typed: str) -> tuple[SecondFactor, list[str]] | None:
    """The app shows right codes: from now on they are asked for. Returns the recovery codes."""
    factor = _unconfirmed(user).select_for_update().first()
    if factor is None or not factor.verify_token(_plain(typed)):
        return None
    factor.confirmed = True
    factor.save()
    note(_Kind.FACTOR_SET, actor=actor_of(user), data={})
    return factor, _new_codes(factor)


@transaction.atomic
def check(user: User, typed: str) -> str:
    """What it was that somebody typed, and is used up by now; empty where it is not right.

    TRAP: a code that was right is not taken twice, though it holds for another minute.
    """
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed=True).first()
    plain = _plain(typed)
    if factor is None:
        return ""
    if len(plain) == DIGITS:
        return GENERATOR if factor.verify_token(plain) else ""
    if not factor.verify_is_allowed()[0]:
        return ""
    if not factor.codes.filter(digest=_digest(factor, plain)).delete()[0]:
        factor.throttle_increment()
        return ""
    factor.accept()
    note(_Kind.CODE_USED, actor=actor_of(user), data={"left": factor.codes.count()})
    return RECOVERY


@transaction.atomic
def remove(user: User, typed: str) -> bool:
    if not check(user, typed):
        return False
    SecondFactor.objects.filter(user=user).delete()
    note(_Kind.FACTOR_REMOVED, actor=actor_of(user), data={})
    return True


@transaction.atomic
def renew_codes(user: User, typed: str) -> list[str]:
    """New recovery codes in place of all before; none where `typed` is not right."""
    if not check(user, typed):
        return []
    factor = SecondFactor.objects.get(user=user)
    factor.codes.all().delete()
    note(_Kind.CODES_RENEWED, actor=actor_of(user), data={})
    return _new_codes(factor)


@transaction.atomic
def reset(user: User, *, actor: str) -> bool:
    """Taken from them by somebody else: their password alone lets them in, to set up another."""
    found = SecondFactor.objects.select_for_update().filter(user=user).first()
    if found is None:
        return False
    SecondFactor.objects.filter(pk=found.pk).delete()
    if found.confirmed:
        note(_Kind.FACTOR_RESET, actor=actor, data={"account": actor_of(user)})
    return bool(found.confirmed)


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(factor__user=user).count()


def _unconfirmed(user: User) -> QuerySet[SecondFactor]:
    since = timezone.now() - _SET_UP_WITHIN
    return SecondFactor.objects.filter(user=user, confirmed=False, created_at__gt=since)


def _new_codes(factor: SecondFactor) -> list[str]:
    made = [
        "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(RECOVERY_CODES)
    ]
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(factor=factor, digest=_digest(factor, code)) for code in made]
    )
    return [f"{code[:5]}-{code[5:]}" for code in made]


def _plain(typed: str) -> str:
    """As people copy codes: with spaces and hyphens, in capitals, in digits of their script."""
    kept = unicodedata.normalize("NFKC", typed[:64]).lower()
    return "".join(letter for letter in kept if letter.isalnum())


def _digest(factor: SecondFactor, plain: str) -> str:
    return fingerprint("recovery code", str(factor.pk), plain)
