"""What can go wrong while a text is translated. No message text in any sentence.

TranslationError(retryable)
├── ProviderThrottled(retry_after_s)     retryable   429: it wants fewer requests
├── ProviderUnavailable(reason)          retryable   no connection, no answer, 5xx, breaker open
├── InvalidAnswer(reason, kept)          retryable   an answer that is not the documented one
├── QuotaExceeded                        the operator has to act (456)
├── CredentialsRefused                   the operator has to act (401, 403, no key)
├── TooLarge                             ask for less in one request (413)
└── TextRefused(reason)                  permanent for these texts (400 and its like)
"""

from __future__ import annotations

from typing import Self

KEPT_CHARACTERS = 2000


class TranslationError(Exception):
    """`retryable`: the same texts may be asked again later without a person's help."""

    retryable = False

    def fresh(self) -> Self:
        """An equal error of its own traceback, so that many callers can each raise one."""
        twin = self.__class__.__new__(self.__class__, *self.args)
        twin.__dict__.update(self.__dict__)
        return twin


class ProviderThrottled(TranslationError):
    retryable = True

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__("the provider asks for fewer requests")
        self.retry_after_s = retry_after_s


class ProviderUnavailable(TranslationError):
    """`retry_after_s` is a hint for the caller's queue; None: whenever it likes.

    `reached`: it was asked and failed over it (5xx, a time-out), which one text may be the cause
    of; `answers_others`: it does so with this text again and again, and answers others meanwhile.
    """

    retryable = True

    def __init__(
        self,
        reason: str,
        *,
        retry_after_s: float | None = None,
        reached: bool = False,
        answers_others: bool = False,
    ) -> None:
        super().__init__(f"the provider is unavailable: {reason}")
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.reached = reached
        self.answers_others = answers_others


class InvalidAnswer(TranslationError):
    """`kept` may hold message text: it never goes into a sentence or a log line.

    `of_text`: the body was the documented JSON and one text's translation was no good, so it
    says nothing about the provider's health.
    """

    retryable = True

    def __init__(self, reason: str, *, kept: str = "", of_text: bool = False) -> None:
        super().__init__(f"the provider's answer is not valid: {reason}")
        self.reason = reason
        self.kept = kept[:KEPT_CHARACTERS]
        self.of_text = of_text


class QuotaExceeded(TranslationError):
    def __init__(self) -> None:
        super().__init__("the provider's quota is used up")


class CredentialsRefused(TranslationError):
    def __init__(self) -> None:
        super().__init__("the provider refuses the key")


class TooLarge(TranslationError):
    def __init__(self) -> None:
        super().__init__("the request is too large for the provider")


class TextRefused(TranslationError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the provider refuses the text: {reason}")
        self.reason = reason
