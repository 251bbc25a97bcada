"""Which texts share a request, and what becomes of them when it fails.

Pure: no I/O and no clock. A translation changes nothing at the provider, so asking again is
always allowed (reliability §2.4, column `translate`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from conversations import languages
from translation.exceptions import (
    InvalidAnswer,
    ProviderThrottled,
    ProviderUnavailable,
    TextRefused,
    TooLarge,
    TranslationError,
)

ANY_NUMBER = 1 << 30


@dataclass(frozen=True, slots=True)
class BatchResult:
    """`latency_ms` is of the request that brought it; `language` is canonical."""

    text: str
    language: str
    provider: str
    latency_ms: int
    from_memory: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request says about all of its texts: only texts of equal terms share one.

    `conversation` is set only with a `context`, which must not steer another's texts.
    """

    target: str
    source: str | None
    conversation: str | None
    context: str | None


@dataclass(slots=True, eq=False)
class Wanted:
    """One text that is to be asked once, for everybody who waits for it."""

    text: str
    terms: Terms
    weight: int
    since: float
    not_before: float = 0.0
    attempts: int = 0
    answers_before: int = 0  # requests that the provider had answered when this one came
    limit: int = ANY_NUMBER  # at most so many texts in its request
    callers: list[asyncio.Future[BatchResult]] = field(default_factory=list)

    @property
    def key(self) -> tuple[Terms, str]:
        return self.terms, self.text


def weight(text: str) -> int:
    """Bytes in the request at most: as JSON that escapes all it may, and a comma."""
    return len(json.dumps(text)) + 1


def terms(
    *, target: str, source: str | None, conversation: str | None, context: str | None
) -> Terms:
    """Equal wishes in equal words; a context of no conversation in particular is left out."""
    known = languages.canonical(source or "")
    steers = bool(context and conversation is not None)
    return Terms(
        target=languages.canonical(target),
        source=None if known == languages.UNDETERMINED else known,
        conversation=conversation if steers else None,
        context=context if steers else None,
    )


def next_batch(
    waiting: Iterable[Wanted], *, now: float, max_texts: int, max_bytes: int
) -> tuple[list[Wanted], bool]:
    """The first text that may go, with what may share its request; and whether that is full."""
    batch: list[Wanted] = []
    most, room = max_texts, max_bytes
    for wanted in waiting:
        if wanted.not_before > now or (batch and wanted.terms != batch[0].terms):
            continue
        if batch and (wanted.weight > room or len(batch) >= wanted.limit):
            return batch, True
        batch.append(wanted)
        most, room = min(most, wanted.limit), room - wanted.weight
        if len(batch) >= most:
            return batch, True
    return batch, False


@dataclass(frozen=True, slots=True)
class Again:
    """How a text is asked for again: with how many others at most, and after how long."""

    limit: int = ANY_NUMBER
    wait_s: float = 0.0


def again(
    error: TranslationError, *, texts: int, attempts: int, tries: int, wait_s: float
) -> Again | None:
    """What becomes of one of `texts` texts whose request failed; None: its callers are told.

    Every split strictly lowers the limit, every other repeat is counted: it ends.
    """
    if isinstance(error, TooLarge):
        return Again(limit=texts // 2) if texts > 1 else None
    if isinstance(error, (InvalidAnswer, TextRefused)) and texts > 1:
        return Again(limit=1)  # one of them may be the cause: the others must not pay for it
    if is_unclear(error, texts=texts):
        return Again(limit=1, wait_s=wait_s)
    if error.retryable and attempts < tries:
        # While throttled the breaker holds everything back, not only these.
        return Again(wait_s=0.0 if isinstance(error, ProviderThrottled) else wait_s)
    return None


def is_unclear(error: TranslationError, *, texts: int) -> bool:
    """Whether one of the texts may be the cause, or the provider: asked one by one they show it."""
    return isinstance(error, ProviderUnavailable) and error.reached and texts > 1


def last_word(error: TranslationError, *, tries: int) -> TranslationError:
    if isinstance(error, ProviderThrottled):
        return ProviderUnavailable(f"throttled {tries} times", retry_after_s=error.retry_after_s)
    return error
