"""Client credentials to a token, and a token to a request. Who keeps the token is not decided here.

Neither the token nor the secret reaches a log line or an exception's text.
"""

from __future__ import annotations

import asyncio
import base64
import random as randomness
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conversations.genesys.config import GenesysConfig
from conversations.genesys.exceptions import (
    CredentialsRefused,
    GenesysError,
    InvalidAnswer,
    ScopeMissing,
    TokenUnavailable,
    kept_text,
)
from conversations.net.exceptions import InvalidBody, NetError
from conversations.net.http import Answer, AuthFlow, HttpClient
from conversations.net.masking import register_secret
from conversations.net.retry import Outcome, classify, retry_after_s, retry_delay_s

TRIES = 3
DEFAULT_RETRY_AFTER_S = 5.0
MAX_RETRY_AFTER_S = 300.0
_MAX_LIFETIME_S = 30 * 24 * 3600
_BAD_CLIENT = frozenset({"invalid_client", "unauthorized_client"})


@dataclass(frozen=True, slots=True)
class Token:
    access_token: str = field(repr=False)
    expires_at: datetime
    generation: int = 0


class TokenSource(Protocol):
    async def current(self) -> Token:
        """A token that is still valid."""

    async def renewed(self, refused: Token) -> Token:
        """One that is newer than `refused`; asks the platform only if there is none yet."""


class BearerAuth:
    """A 401 renews once and repeats the request once; the second answer stands."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens

    async def flow(self) -> AuthFlow:
        token = await self._tokens.current()
        answer = yield bearer(token)
        if answer.status == 401:
            yield bearer(await self._tokens.renewed(token))


def bearer(token: Token) -> dict[str, str]:
    return {"authorization": f"Bearer {token.access_token}"}


async def fetch_token(
    http: HttpClient,
    config: GenesysConfig,
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    random: Callable[[], float] = randomness.random,
    generation: int = 0,
    tries: int = TRIES,
) -> Token:
    """Ask the token endpoint, at most `tries` times; a 401 is never asked again."""
    register_secret(config.client_secret)
    headers, form = _credentials(config)
    failure = TokenUnavailable("not asked")
    for attempt in range(1, tries + 1):
        if attempt > 1:
            await sleep(failure.retry_after_s or retry_delay_s(attempt - 1, random=random))
        asked_at = now()
        try:
            answer = await http.request("POST", config.oauth_url, headers=headers, form=form)
        except NetError as error:  # asking twice for a token does no harm
            failure = TokenUnavailable(str(error))
            continue
        outcome = classify(answer.status)
        if outcome is Outcome.OK:
            return _token(answer, asked_at=asked_at, generation=generation)
        if outcome is Outcome.THROTTLED:
            failure = TokenUnavailable("429", retry_after_s=_wait_s(answer, now=now()))
        elif (refusal := _refusal(answer, outcome, config)) is not None:
            raise refusal
        else:
            body = kept_text(answer.body)
            failure = TokenUnavailable(f"status {answer.status}", body=body)
    raise failure


def _credentials(config: GenesysConfig) -> tuple[dict[str, str], dict[str, str]]:
    form = {"grant_type": "client_credentials", "scope": config.scopes}
    if config.oauth_style == "form":
        return {}, form | {"client_id": config.client_id, "client_secret": config.client_secret}
    pair = base64.b64encode(f"{config.client_id}:{config.client_secret}".encode()).decode()
    register_secret(pair)
    return {"authorization": f"Basic {pair}"}, form


def _wait_s(answer: Answer, *, now: datetime) -> float:
    asked = retry_after_s(answer.headers.get("retry-after"), now=now, high=MAX_RETRY_AFTER_S)
    return DEFAULT_RETRY_AFTER_S if asked is None else asked


def _refusal(answer: Answer, outcome: Outcome, config: GenesysConfig) -> GenesysError | None:
    """None: it refused nobody. A wrong address or a gateway in between says nothing of what the
    token is wanted for, and must not be taken for the answer to that."""
    if outcome is Outcome.AUTH or _error_code(answer) in _BAD_CLIENT:
        return CredentialsRefused(
            f"the token endpoint refused the client id or secret ({answer.status}):"
            " correct GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET"
        )
    if outcome is Outcome.FORBIDDEN:
        return ScopeMissing("the token", tuple(config.scopes.split()), body=kept_text(answer.body))
    return None


def _error_code(answer: Answer) -> object:
    try:
        body = answer.json()
    except InvalidBody:
        return None
    return body.get("error") if isinstance(body, Mapping) else None


class _TokenAnswer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$", max_length=16_384)]
    expires_in: Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _token(answer: Answer, *, asked_at: datetime, generation: int) -> Token:
    try:
        parsed = _TokenAnswer.model_validate(answer.json())
    except InvalidBody as error:
        raise InvalidAnswer(f"token endpoint: {error.reason}") from None
    except ValidationError as error:
        fields = ", ".join(str(defect["loc"]) for defect in error.errors(include_input=False))
        raise InvalidAnswer(f"token endpoint: {fields}") from None
    register_secret(parsed.access_token)
    lifetime = timedelta(seconds=min(parsed.expires_in, _MAX_LIFETIME_S))
    # From before the asking: a slow answer must not make the token look longer-lived.
    return Token(parsed.access_token, asked_at + lifetime, generation)
