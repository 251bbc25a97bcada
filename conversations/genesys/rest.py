"""The platform's REST calls: deliver a translation, write attributes, read the history, ask the
analytics.

TRAP: a delivery whose fate is unknown is never sent again here; there is no idempotency key.
The others may be repeated, and are, three times in all.
"""

from __future__ import annotations

import asyncio
import random as randomness
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote, urlencode

from conversations.genesys.analytics import InteractionDetails, details_of, details_query
from conversations.genesys.config import GenesysConfig
from conversations.genesys.events import Malformed, MessageReceived
from conversations.genesys.exceptions import (
    AmbiguousDelivery,
    CallMissing,
    CredentialsRefused,
    GenesysError,
    InvalidAnswer,
    NotApplied,
    Permanent,
    ScopeMissing,
    Throttled,
    TooLarge,
    Unavailable,
    kept_text,
)
from conversations.genesys.histories import ActiveConversation, active_of, messages_of
from conversations.genesys.oauth import BearerAuth, TokenSource
from conversations.genesys.pace import Pace
from conversations.genesys.protocols.messages import MAX_ID
from conversations.genesys.scopes import SCOPES_BY_CALL
from conversations.net.exceptions import AnswerUnknown, InvalidBody, NotSent, TooLate
from conversations.net.http import Answer, HttpClient
from conversations.net.retry import Outcome, classify, retry_after_s, retry_delay_s

TRIES = 3
HISTORY_BYTES = 8 << 20
LONGEST_WAIT_S = 60.0
# Nobody waits for these: the moment to ask again is kept, whatever it is.
LONGEST_ANALYTICS_WAIT_S = 3600.0
_MISSING = frozenset({404, 405})
_CONVERSATIONS = "/api/v2/conversations/messaging"
_ANALYTICS = "/api/v2/analytics/interactions/details/query"


@dataclass(frozen=True, slots=True)
class _Call:
    name: str  # of scopes.py
    method: str
    path: str
    json: Mapping[str, object] | None = None
    is_read: bool = False
    tries: int = TRIES
    longest_wait_s: float = LONGEST_WAIT_S
    leaves_within_s: Callable[[], float] | None = None

    @property
    def is_repeatable(self) -> bool:
        return self.is_read or self.method != "POST"


class GenesysRest:
    def __init__(
        self,
        http: HttpClient,
        config: GenesysConfig,
        tokens: TokenSource,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
        monotonic: Callable[[], float] = time.monotonic,
        turns: int = 60,
        others: int = 40,
    ) -> None:
        """`turns` deliveries and `others` calls at a time, together no more than `http` has
        connections: whoever has had its turn waits for none."""
        self._http = http
        self._base = config.api_url.rstrip("/")
        self._auth = BearerAuth(tokens)
        self._now = now
        self._sleep = sleep
        self._random = random
        self._pace = Pace(sleep=sleep, monotonic=monotonic)
        self._turns = asyncio.Semaphore(turns)
        self._others = asyncio.Semaphore(others)
        self.waiting = 0  # deliveries that have no turn yet

    async def post_message(
        self,
        conversation_id: str,
        *,
        sender_id: str,
        sender_type: Literal["guest", "agent"],
        text: str,
        leaves_within_s: Callable[[], float] | None = None,
    ) -> str | None:
        """Deliver one message; its platform id if the answer names one.

        `leaves_within_s`, as in net/http.py: of a caller who has had its `turn`. There is one try
        then, without waiting for anything; else three.

        Raises AmbiguousDelivery, or what certainly did not deliver: NotApplied, Throttled,
        ScopeMissing, Permanent, CredentialsRefused, TokenUnavailable.
        """
        recipient = "agent" if sender_type == "guest" else "guest"
        body = {
            "from": {"id": sender_id, "type": sender_type},
            "to": {"type": recipient},
            "text": text,
            "type": "text",
        }
        path = f"{_CONVERSATIONS}/{quote(conversation_id, safe='')}/messages"
        call = _Call("inject", "POST", path, json=body, leaves_within_s=leaves_within_s)
        return _external_id(await self._call(call, has_turn=leaves_within_s is not None))

    async def turn(self) -> None:
        """Wait until a delivery may start, before that is committed; then `end_turn`."""
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        try:
            await self._pace.turn()
        except BaseException:
            self._turns.release()
            raise

    async def turn_at_once(self) -> bool:
        """A turn, if there is one without waiting."""
        if self._turns.locked() or not self._pace.turn_at_once():
            return False
        await self._turns.acquire()  # at once, then
        return True

    def end_turn(self) -> None:
        self._turns.release()

    async def pause(self, attempt: int) -> None:
        """Between a try that reached nobody and the next one."""
        await self._sleep(retry_delay_s(attempt, random=self._random))

    async def put_attributes(
        self,
        conversation_id: str,
        attributes: Mapping[str, str],
        *,
        leaves_within_s: Callable[[], float] | None = None,
    ) -> int:
        """Replace the conversation's attributes; the status of the success.

        `leaves_within_s`, as in net/http.py, is asked when it has had its turn.
        """
        path = f"{_CONVERSATIONS}/{quote(conversation_id, safe='')}"
        body = {"customAttributes": dict(attributes)}
        call = _Call("attributes", "PUT", path, json=body, leaves_within_s=leaves_within_s)
        return (await self._call(call)).status

    async def active_conversations(self, since: datetime) -> list[ActiveConversation] | None:
        """None: the platform lacks the call."""
        moment = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        path = f"{_CONVERSATIONS}?{urlencode({'activeSince': moment})}"
        try:
            answer = await self._call(_Call("history", "GET", path, is_read=True))
        except CallMissing:
            return None
        return active_of(answer)

    async def conversation_messages(
        self, conversation_id: str, *, since: datetime | None = None
    ) -> list[MessageReceived | Malformed] | None:
        """Ordered by timestamp, then id; what cannot be read last. None: no such call.

        `since`: what was said before is left out (the platform always sends all of it).
        """
        path = f"{_CONVERSATIONS}/{quote(conversation_id, safe='')}/messages"
        try:
            answer = await self._call(_Call("history", "GET", path, is_read=True))
        except CallMissing:
            return None
        return messages_of(answer, since=since)

    async def interaction_details(
        self, conversation_id: str, *, since: datetime, until: datetime
    ) -> InteractionDetails | None:
        """One call and no more; None: the platform knows no such interaction (yet).

        Raises Throttled with the wait that was asked for, which is the caller's to keep.
        """
        query = details_query(conversation_id, since=since, until=until)
        call = _Call(
            "analytics",
            "POST",
            _ANALYTICS,
            json=query,
            is_read=True,
            tries=1,
            longest_wait_s=LONGEST_ANALYTICS_WAIT_S,
        )
        return details_of(await self._call(call), conversation_id)

    async def _call(self, call: _Call, *, has_turn: bool = False) -> Answer:
        """`has_turn`: the caller has waited for one, and comes again rather than wait here."""
        attempt = 1
        while True:
            if has_turn:
                if held_s := self._pace.throttled_s():  # by a 429 since then
                    raise Throttled(held_s)
                result = await self._try(call)
            else:
                await self._pace.turn()
                async with self._others:
                    result = await self._try(call)
            if isinstance(result, Answer):
                return result
            if isinstance(result, Throttled):
                self._pace.throttled(result.retry_after_s)  # waited out in the next turn
            if has_turn or attempt == call.tries:
                raise result
            if not isinstance(result, Throttled):
                await self.pause(attempt)
            attempt += 1

    async def _try(self, call: _Call) -> Answer | Throttled | NotApplied | InvalidAnswer:
        """A good answer; what may be tried again as a value; what may not is raised."""
        try:
            answer = await self._http.request(
                call.method,
                self._base + call.path,
                json=call.json,
                auth=self._auth,
                max_body_bytes=HISTORY_BYTES if call.is_read else None,
                leaves_within_s=call.leaves_within_s,
            )
        except TooLate as error:
            raise NotApplied(str(error)) from error
        except NotSent as error:
            return NotApplied(str(error))
        except AnswerUnknown as error:
            if call.is_repeatable:
                return Unavailable(str(error))
            raise AmbiguousDelivery(str(error)) from error
        self._pace.answered(answer)
        defect = _defect(answer, call)
        outcome = classify(answer.status, body_valid=defect is None)
        if outcome is Outcome.OK:
            return answer
        if outcome is Outcome.THROTTLED:
            return Throttled(self._asked_wait_s(answer, call))
        if outcome is Outcome.UNKNOWN:
            return _unknown(answer, call, defect)
        raise _refusal(answer, outcome, call)

    def _asked_wait_s(self, answer: Answer, call: _Call) -> float:
        header = answer.headers.get("retry-after")
        asked = retry_after_s(header, now=self._now(), high=call.longest_wait_s)
        return retry_delay_s(1, random=self._random) if asked is None else asked


def _defect(answer: Answer, call: _Call) -> InvalidBody | None:
    """Only a 2xx is looked into, and of a PUT nothing in the body is needed."""
    if not 200 <= answer.status < 300 or call.method == "PUT":
        return None
    is_delivery = call.method == "POST" and not call.is_read
    if is_delivery and answer.complete and not answer.body.strip():
        return None  # "body may hold an id"
    try:
        body = answer.json()
    except InvalidBody as defect:
        return defect
    if not isinstance(body, dict):
        return InvalidBody("not an object", kept=answer.body)
    if is_delivery and not isinstance(body.get("id", ""), str | None):
        return InvalidBody("id is not a string", kept=answer.body)
    return None


def _unknown(answer: Answer, call: _Call, defect: InvalidBody | None) -> NotApplied | InvalidAnswer:
    if not call.is_repeatable:
        reason = f"status {answer.status}" + (f", {defect.reason}" if defect else "")
        raise AmbiguousDelivery(reason, status=answer.status, body=kept_text(answer.body))
    if defect:
        kind = InvalidAnswer if answer.complete else TooLarge
        return kind(f"{call.name}: {defect.reason}", body=kept_text(answer.body))
    return Unavailable(f"status {answer.status}")


def _refusal(answer: Answer, outcome: Outcome, call: _Call) -> GenesysError:
    body = kept_text(answer.body)
    if outcome is Outcome.AUTH:
        return CredentialsRefused(f"{call.name}: a renewed token was refused as well (401)")
    if outcome is Outcome.FORBIDDEN:
        return ScopeMissing(call.name, SCOPES_BY_CALL[call.name], body=body)
    if call.is_read and answer.status in _MISSING:
        return CallMissing(call.name, answer.status)
    return Permanent(answer.status, body)


def _external_id(answer: Answer) -> str | None:
    if not answer.body.strip():
        return None
    body = answer.json()
    found = body.get("id") if isinstance(body, dict) else None
    # One that no row holds is as good as none: its echo would be malformed for the same reason.
    return found if found and len(found) <= MAX_ID else None
