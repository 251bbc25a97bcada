"""What a higher app brings to the operations page and the metrics.

This app must not import it: the settings name it by dotted path (OPERATIONS_PROVIDERS,
OPERATIONS_ROUNDS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

Tone = Literal["ok", "waiting", "ambiguous", "review", "failed", "quiet"]  # classes of parley.css


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """An outside service as the workers last saw it; `since` is when `state` began."""

    name: str
    state: str  # one of the `states` of its Providers
    words: str
    tone: Tone
    reason: str
    since: datetime | None
    asked_again_at: datetime | None
    p95_ms: int | None  # of its latest answers; None: none lately

    @property
    def is_well(self) -> bool:
        return self.tone == "ok"


class Providers(Protocol):
    """The outside services of one kind."""

    states: Sequence[str]

    def lines(self) -> list[ProviderLine]: ...

    def ask_again(self, name: str, *, user: AbstractBaseUser) -> bool:
        """A person's word to forget why `name` was not asked; False: there is no such one."""
        ...


@dataclass(frozen=True, slots=True)
class RoundLine:
    """Work that a schedule does again and again, as its last run left it."""

    name: str  # in metrics
    label: str
    waiting: int
    oldest_at: datetime | None
    ran_at: datetime | None
    done: int  # by the last run
    given_up: int
    words: str
    tone: Tone
    reason: str = ""
    resumes_at: datetime | None = None


class Rounds(Protocol):
    def lines(self, now: datetime) -> list[RoundLine]: ...


def providers() -> list[Providers]:
    return [import_string(path)() for path in settings.OPERATIONS_PROVIDERS]


def round_lines(now: datetime) -> list[RoundLine]:
    found: list[RoundLine] = []
    for path in settings.OPERATIONS_ROUNDS:
        rounds: Rounds = import_string(path)()
        found += rounds.lines(now)
    return found
