"""The one token of the deployment, encrypted; it survives a Redis flush (protocol OAuth)."""

from __future__ import annotations

from django.db import models


class AccessToken(models.Model):
    # Which credentials it belongs to: a keyed digest, so that a change of settings starts afresh.
    fingerprint = models.CharField(max_length=64, unique=True)
    secret = models.BinaryField(default=b"")
    expires_at = models.DateTimeField(null=True, blank=True)
    generation = models.PositiveIntegerField(default=0)
    # Single flight: who renews it now, and until when the others wait for that.
    renewing_owner = models.CharField(max_length=64, blank=True)
    renewing_until = models.DateTimeField(null=True, blank=True)
    # 401 at the token endpoint: nothing is asked again until the credentials change.
    refused_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"token, generation {self.generation}"
