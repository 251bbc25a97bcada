"""How often somebody tried to log in lately: by account and network together, and by network."""

from __future__ import annotations

from django.db import models


class LoginAttempts(models.Model):
    class Kind(models.TextChoices):
        ACCOUNT = "account", "an account from a network"
        NETWORK = "network", "a network"

    # Keyed digest: what was typed as a name may be a password.
    key = models.CharField(max_length=64, unique=True, editable=False)
    kind = models.CharField(max_length=16, choices=Kind)
    account = models.CharField(max_length=150, blank=True)  # where there is such an account
    network = models.CharField(max_length=64)
    count = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)
    refused = models.PositiveIntegerField(default=0)
    noted_at = models.DateTimeField(null=True, editable=False)  # in the journal, the last refusal

    class Meta:
        verbose_name = verbose_name_plural = "log-in attempts"

    def __str__(self) -> str:
        return f"{self.account or 'unknown accounts'} from {self.network}"
