"""The translation providers on the operations page and in the metrics (`contributions`)."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.utils import timezone

from conversations.contributions import ProviderLine, Tone
from translation.models import ProviderState, Translation
from translation.provider_state import ask_again

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

State = ProviderState.State
LATEST = 200  # translations that the percentile is of
LATELY = timedelta(minutes=15)
_TONES: dict[str, Tone] = {
    State.OK: "ok",
    State.THROTTLED: "waiting",
    State.HALF_OPEN: "ambiguous",
    State.OPEN: "failed",
    State.QUOTA: "failed",
    State.CREDENTIALS: "failed",
}


class TranslationProviders:
    states: ClassVar = State.values

    def lines(self) -> list[ProviderLine]:
        latencies = _latest_latencies()
        return [
            ProviderLine(
                name=row.name,
                state=row.state,
                words=row.get_state_display(),
                tone=_TONES[row.state],
                reason=row.reason,
                since=row.since,
                asked_again_at=row.reopened_at,
                p95_ms=percentile(latencies[row.name], 95),
            )
            for row in ProviderState.objects.order_by("name")
        ]

    def ask_again(self, name: str, *, user: AbstractBaseUser) -> bool:
        return ask_again(ProviderState.objects.filter(name=name), user=user) > 0


def percentile(values: list[int], percent: int) -> int | None:
    """The value that `percent` of a hundred do not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _latest_latencies() -> dict[str, list[int]]:
    lately = Translation.objects.filter(created_at__gt=timezone.now() - LATELY, from_memory=False)
    found: dict[str, list[int]] = defaultdict(list)
    rows = lately.order_by("-created_at").values_list("provider", "latency_ms")
    for provider, latency_ms in rows[:LATEST]:
        found[provider].append(latency_ms)
    return found
