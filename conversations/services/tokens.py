"""The deployment's one token, kept encrypted in a row and renewed by one process at a time.

TRAP: every worker renewing at once gets 429. Whoever wins the row's `renewing` lease asks the
platform; the others wait for the row (protocol OAuth).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations.genesys.config import GenesysConfig
from conversations.genesys.oauth import Token
from conversations.keys import field_cipher, fingerprint
from conversations.models import AccessToken
from conversations.processes import is_dead, process_name

RENEW_AHEAD = timedelta(seconds=60)
_RENEWAL_LEASE = timedelta(seconds=10)  # longer than a request may take (net.http)


@dataclass(frozen=True, slots=True)
class Stored:
    """What the row says: the token if it is usable, and whether the credentials were refused."""

    token: Token | None
    refused: bool


def credentials_of(config: GenesysConfig) -> str:
    """A keyed digest of what the token depends on, so that new settings start afresh."""
    return fingerprint(
        config.oauth_url, config.oauth_style, config.client_id, config.client_secret, config.scopes
    )


def stored_token(credentials: str) -> Stored:
    row = AccessToken.objects.filter(fingerprint=credentials).first()
    if row is None:
        return Stored(None, refused=False)
    return Stored(_usable(row, timezone.now()), refused=row.refused_at is not None)


def begin_renewal(credentials: str, *, beyond_generation: int, due_before: datetime) -> bool:
    """Whether this process may renew now: nobody else does, and it is still needed."""
    now = timezone.now()
    row, _ = AccessToken.objects.get_or_create(fingerprint=credentials)
    free = Q(renewing_until__isnull=True) | Q(renewing_until__lt=now)
    if is_dead(row.renewing_owner):
        free |= Q(renewing_owner=row.renewing_owner)
    needed = (
        Q(generation__lte=beyond_generation)
        | Q(expires_at__isnull=True)
        | Q(expires_at__lte=due_before)
    )
    won = AccessToken.objects.filter(
        free, needed, fingerprint=credentials, refused_at__isnull=True
    ).update(renewing_owner=process_name(), renewing_until=now + _RENEWAL_LEASE)
    return won == 1


def store_token(credentials: str, token: Token) -> Token:
    """Keep `token` as the next generation."""
    with transaction.atomic():
        row = AccessToken.objects.select_for_update().get(fingerprint=credentials)
        row.secret = field_cipher().encrypt(token.access_token.encode())
        row.expires_at = token.expires_at
        row.generation += 1
        row.renewing_owner, row.renewing_until = "", None
        row.refused_at = None
        row.save()
    return Token(token.access_token, token.expires_at, row.generation)


def abandon_renewal(credentials: str, *, refused: bool) -> None:
    """The renewal failed; `refused`: wrong credentials, not asked again until they change."""
    changes: dict[str, object] = {"renewing_owner": "", "renewing_until": None}
    if refused:
        changes["refused_at"] = timezone.now()
    AccessToken.objects.filter(fingerprint=credentials, renewing_owner=process_name()).update(
        **changes
    )


def forget_refusal(pk: int) -> bool:
    """Whether there was one: the credentials are asked again, once, by whoever needs a token.

    For a person who knows that the platform's side was mended. TRAP: never called by a program,
    because then a restart loop is a storm of token requests.
    """
    return AccessToken.objects.filter(pk=pk, refused_at__isnull=False).update(refused_at=None) == 1


def is_refused(credentials: str) -> bool:
    return AccessToken.objects.filter(fingerprint=credentials, refused_at__isnull=False).exists()


def _usable(row: AccessToken, now: datetime) -> Token | None:
    if not row.secret or row.expires_at is None or row.expires_at <= now:
        return None
    secret = field_cipher().decrypt(bytes(row.secret)).decode()
    return Token(secret, row.expires_at, row.generation)
