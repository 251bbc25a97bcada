"""What somebody has beside their password: a generator of codes, and codes for when it is lost.

The generator's secret is encrypted (FIELD_KEY), of the other codes there are only keyed digests:
whoever reads the database can log in by neither. Not in the admin: nobody looks at these rows.
"""

from __future__ import annotations

import time
from typing import ClassVar

from django.conf import settings
from django.db import models
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from conversations.keys import field_cipher

STEP_S = 30
DIGITS = 6
_TOLERANCE = 1  # steps before and after, for clocks that differ
# After n wrong codes the next is looked at 2^(n-1) s later, but never later than nine minutes: that
# bounds guesses from anywhere at all, and keeps nobody out for ever.
_FAILURES_AT_MOST = 10


class SecondFactor(TimestampMixin, ThrottlingMixin, Device):
    """One for each account; of no effect until a first code of it was shown."""

    name = None
    user: models.OneToOneField = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor"
    )
    confirmed: models.BooleanField = models.BooleanField(default=False)
    secret: models.BinaryField = models.BinaryField()
    # The step of the last code: none is taken twice.
    last_t: models.BigIntegerField = models.BigIntegerField(default=-1)

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"

    def key(self) -> bytes:
        return field_cipher().decrypt(bytes(self.secret))

    def verify_token(self, token: str) -> bool:
        """Its row has to be locked: of two at once one alone is right."""
        if not self.verify_is_allowed()[0]:
            return False
        generator = TOTP(self.key(), STEP_S, 0, DIGITS)
        generator.time = time.time()
        is_right = token.isdecimal() and generator.verify(
            int(token), _TOLERANCE, min_t=self.last_t + 1
        )
        if is_right:
            self.last_t = generator.t()
            self.accept()
        else:
            self.throttle_increment()
        return is_right

    def accept(self) -> None:
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()

    def throttle_increment(self, commit: bool = True) -> None:
        super().throttle_increment(commit=False)
        count: int = self.throttling_failure_count  # type: ignore[has-type]
        self.throttling_failure_count = min(count, _FAILURES_AT_MOST)
        if commit:
            self.save()

    def get_throttle_factor(self) -> int:
        return 1


class RecoveryCode(models.Model):
    """Lets its owner in once, without the generator; its row is gone then."""

    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["factor", "digest"], name="recovery_code_once"),
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.factor_id}"
