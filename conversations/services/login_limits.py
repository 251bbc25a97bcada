"""Bounds guesses at passwords: counts attempts by account and network together, and by network.

Never by account alone: a stranger could keep its owner out from everywhere. What was typed is kept
as a keyed digest, for it may be a password. An attempt counts before it is tried, so that a
hundred at once are no way around.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, Q

from conversations.keys import fingerprint
from conversations.models import LoginAttempts
from conversations.net.strict_json import clean_text

_KEPT = timedelta(days=1)
_NOTED_AGAIN_AFTER = timedelta(minutes=1)
_Kind = LoginAttempts.Kind


@transaction.atomic
def admit(account: str, network: str, *, now: datetime) -> int:
    """Count an attempt; returns the seconds to wait where there were too many, else 0."""
    if wait := _count(_Kind.NETWORK, "", network, now):
        return wait
    return _count(_Kind.ACCOUNT, _plain(account), network, now)


@transaction.atomic
def forgive(account: str, network: str) -> None:
    """They are in: their attempts are no guesses."""
    LoginAttempts.objects.filter(key=_key(_Kind.ACCOUNT, _plain(account), network)).delete()
    of_network = LoginAttempts.objects.filter(key=_key(_Kind.NETWORK, "", network), count__gt=0)
    of_network.update(count=F("count") - 1)


def take_back(account: str, network: str) -> None:
    """It was the right password, and a code is wanted still: that attempt alone is no guess.

    TRAP: not `forgive`: each right password would begin the count of guesses at codes anew.
    """
    keys = [_key(_Kind.ACCOUNT, _plain(account), network), _key(_Kind.NETWORK, "", network)]
    counted = LoginAttempts.objects.filter(key__in=keys, count__gt=0)
    counted.update(count=F("count") - 1)


def is_to_be_noted(account: str, network: str, *, now: datetime) -> bool:
    """Whether a refusal goes into the journal: once a minute for each name and network.

    TRAP: the same for names that no account has. If those were noted as one, a refusal that takes
    the time of an entry would tell that there is such an account.
    """
    for key in (_key(_Kind.ACCOUNT, _plain(account), network), _key(_Kind.NETWORK, "", network)):
        row = LoginAttempts.objects.filter(key=key)
        if row.exists():  # that of the name is not there where its network had tried too often
            lately = Q(noted_at__gt=now - _NOTED_AGAIN_AFTER)
            return row.exclude(lately).update(noted_at=now) == 1
    return False


def reset_attempts(
    *, account: str = "", network: str = "", keys: Collection[int] | None = None
) -> int:
    """Let them try again at once: one account, one network, these rows, or everybody."""
    rows = LoginAttempts.objects.all()
    if account:
        rows = rows.filter(account=account)
    if network:
        rows = rows.filter(network=network)
    if keys is not None:
        rows = rows.filter(pk__in=keys)
    return rows.delete()[0]


def forget_old_attempts(*, now: datetime) -> None:
    LoginAttempts.objects.filter(last_at__lt=now - _KEPT).delete()


def is_shut(row: LoginAttempts, *, now: datetime) -> bool:
    """Whether the next attempt will be refused."""
    is_current = now - row.since < timedelta(seconds=settings.LOGIN_WINDOW_S)
    return is_current and row.count >= limit_of(row.kind)


def limit_of(kind: str) -> int:
    is_account = kind == _Kind.ACCOUNT
    return settings.LOGIN_ATTEMPTS if is_account else settings.LOGIN_NETWORK_ATTEMPTS


def _count(kind: LoginAttempts.Kind, account: str, network: str, now: datetime) -> int:
    row = _locked(kind, account, network, now)
    window = timedelta(seconds=settings.LOGIN_WINDOW_S)
    if now - row.since >= window:
        row.since, row.count, row.refused = now, 0, 0
    row.last_at = now
    wait = 0
    if row.count >= limit_of(kind):
        row.refused += 1
        wait = max(1, int((row.since + window - now).total_seconds()) + 1)
    else:
        row.count += 1
    row.save(update_fields=["since", "count", "refused", "last_at"])
    return wait


def _locked(kind: LoginAttempts.Kind, account: str, network: str, now: datetime) -> LoginAttempts:
    key = _key(kind, account, network)
    rows = LoginAttempts.objects.select_for_update().filter(key=key)
    while (found := rows.first()) is None:  # or it is forgiven just now, and made once more
        known = get_user_model().objects.filter(username=account).exists() if account else False
        new = LoginAttempts(
            key=key,
            kind=kind,
            account=account if known else "",
            network=network,
            since=now,
            last_at=now,
        )
        LoginAttempts.objects.bulk_create([new], ignore_conflicts=True)
    return found


def _plain(account: str) -> str:
    """As Django compares names, and without what no database takes."""
    return unicodedata.normalize("NFKC", clean_text(account))[:150]


def _key(kind: LoginAttempts.Kind, account: str, network: str) -> str:
    return fingerprint("login", kind, account.casefold(), network)
