"""Whether one provider may be asked now: its gate, its breaker, its throttle.

Pure: no I/O and no clock, moments are given as monotonic seconds. `slow down`, `it is down` and
`the operator has to act` are different states (reliability §2.3 B3, B5, B9).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Literal

from translation.exceptions import (
    CredentialsRefused,
    InvalidAnswer,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExceeded,
    TranslationError,
)

State = Literal["ok", "throttled", "open", "half_open", "quota", "credentials"]


class Breaker:
    """A success forgets earlier failures, so that a few bad texts a minute do not open it; and one
    text alone opens it never, nor twice in a row keeps it open: it may be that text's fault."""

    def __init__(
        self, *, failures: int = 5, window_s: float = 30.0, probe_after_s: float = 15.0
    ) -> None:
        self._limit = failures
        self._window_s = window_s
        self._probe_after_s = probe_after_s
        self._failed: deque[tuple[float, Hashable]] = deque(maxlen=failures)
        self._last_probed: Hashable = None
        self._gate: QuotaExceeded | CredentialsRefused | None = None
        self._opened_at: float | None = None
        self._probing = False
        self._not_before = 0.0
        self._throttled_at = 0.0
        self._changed_at = 0.0
        self._reason = ""

    def refusal(self, *, now: float) -> TranslationError | None:
        """What a caller gets in place of a request; None when it may wait for one."""
        if self._gate is not None:
            return self._gate.fresh()
        if self._opened_at is None:
            return None
        left = self._opened_at + self._probe_after_s - now
        if left <= 0:
            return None
        return ProviderUnavailable(self._reason, retry_after_s=left)

    def wait_s(self, *, now: float) -> float:
        return max(self._not_before - now, 0.0)

    def take(self, *, now: float) -> bool:
        """Whether a request may leave now. Of an open breaker one may: the probe."""
        if self.wait_s(now=now) or self.refusal(now=now) is not None:
            return False
        if self._opened_at is None:
            return True
        if self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self, *, now: float) -> None:
        self._failed.clear()
        self._probing = False
        if self._opened_at is not None:
            self._opened_at, self._changed_at = None, now

    def failed(
        self,
        error: TranslationError,
        *,
        now: float,
        wait_s: float = 0.0,
        text: Hashable | None = None,
    ) -> None:
        """`wait_s`: how long a throttled provider is to be left alone; `text`: the only one that
        was asked, where it may be the cause."""
        if isinstance(error, (QuotaExceeded, CredentialsRefused)):
            self._gate, self._changed_at, self._reason = error, now, str(error)
            self._probing = False
        elif is_failure_of_provider(error):
            self._count(error, now=now, text=text)
        else:
            self.succeeded(now=now)  # it answers: the texts were refused, or we ask too much
            if isinstance(error, ProviderThrottled):
                self._throttle(now=now, wait_s=wait_s)

    def unclear(self) -> None:
        """Several texts failed together, and are asked one by one: those show what is the cause."""
        self._probing = False

    def reopen(self, *, now: float) -> None:
        """The operator has acted: everything is forgotten, a throttle too."""
        self._gate = None
        self._not_before = 0.0
        self._opened_at = now
        self.succeeded(now=now)

    def state(self, *, now: float) -> tuple[State, str, float]:
        """State, reason, and the moment it began. Half-open: the next request is the probe, or the
        probe is on its way."""
        if self._gate is not None:
            kind: State = "quota" if isinstance(self._gate, QuotaExceeded) else "credentials"
            return kind, self._reason, self._changed_at
        if self._opened_at is not None:
            is_due = now >= self._opened_at + self._probe_after_s
            return ("half_open" if is_due else "open"), self._reason, self._changed_at
        if self.wait_s(now=now):
            return "throttled", str(ProviderThrottled()), self._throttled_at
        return "ok", "", max(self._changed_at, self._not_before)

    def _throttle(self, *, now: float, wait_s: float) -> None:
        if not self.wait_s(now=now):
            self._throttled_at = now
        self._not_before = max(self._not_before, now + wait_s)

    def _count(self, error: TranslationError, *, now: float, text: Hashable | None) -> None:
        self._failed.append((now, text))
        if self._opened_at is not None:
            if self._probing:
                self._probing = False
                if text is None or text != self._last_probed:  # else another one is the probe
                    self._opened_at, self._last_probed = now, text
                    self._reason = _reason(error)
            return
        is_many = len(self._failed) == self._limit and now - self._failed[0][0] <= self._window_s
        if is_many and not self._are_of_one_text():
            self._opened_at = self._changed_at = now
            self._reason = _reason(error)

    def _are_of_one_text(self) -> bool:
        texts = {text for _, text in self._failed}
        return len(texts) == 1 and None not in texts


def is_failure_of_provider(error: TranslationError) -> bool:
    """Not of one text: those must not take the translation of all others away."""
    if isinstance(error, InvalidAnswer):
        return not error.of_text
    return isinstance(error, ProviderUnavailable)


def _reason(error: TranslationError) -> str:
    if isinstance(error, (ProviderUnavailable, InvalidAnswer)):
        return error.reason
    return str(error)
