"""The reply box: a preview of what the guest would get, and the reply itself (docs/replies.md).

Only the conversation's own agent gets in. What an agent types is read here when they ask for a
preview or send, and at no other time; a preview is kept nowhere.
"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from conversations.keys import fingerprint
from conversations.languages import canonical, is_same_language, name
from conversations.models import Conversation
from conversations.services.replies import Reply
from conversations.views import answered, body_of, refused
from translation import desk
from translation.exceptions import (
    CredentialsRefused,
    QuotaExceeded,
    TextRefused,
    TooLarge,
    TranslationError,
)
from translation.integrity import missing_in
from translation.providers.base import clean
from translation.replies import Previewed, send_reply, sent_before
from translation.services import Made

MAX_UNITS = 4096  # UTF-16 code units, as a guest's own message (protocol §2)
PREVIEW_LASTS_S = 3600
_SALT = "parley.preview"
_KEY = re.compile(r"[A-Za-z0-9-]{16,64}")
_LATER = (
    "The translation provider does not answer now. Try again, or send it: it is translated and "
    "delivered as soon as the provider is back."
)
_NO_LANGUAGE = "The guest's language is not known yet: choose it above, or send as written."


class Unusable(ValueError):
    """What was posted cannot be meant; the sentence is for whoever wrote it."""

    def __init__(self, words: str, *, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


@require_POST
@never_cache
def preview(request: HttpRequest, external_id: str) -> JsonResponse:
    conversation = answered(request, external_id)
    if conversation is None:
        return refused(request)
    try:
        text = _text(body_of(request).get("text"), "Write something first.")
        if not conversation.guest_language:
            raise Unusable(_NO_LANGUAGE, status=409)
        made = _made(text, target=conversation.guest_language)
    except Unusable as problem:
        return JsonResponse({"error": str(problem)}, status=problem.status)
    except TranslationError as error:
        return JsonResponse({"error": _words(error)}, status=503)
    return JsonResponse(
        {
            "text": made.text,
            "target": made.target_language,
            "target_name": name(made.target_language),
            "provider": made.provider,
            "latency_ms": made.latency_ms,
            "missing": missing_in(made.text, text),
            "token": _token(conversation, text, made),
        }
    )


@require_POST
@never_cache
def reply(request: HttpRequest, external_id: str) -> JsonResponse:
    conversation = answered(request, external_id)
    if conversation is None:
        return refused(request)
    assert request.user.is_authenticated  # noqa: S101 - `answered` has asked
    body = body_of(request)
    try:
        key, text = _key(body.get("key")), _text(body.get("text"), "Write something first.")
        # First: what was right when it was sent may be outdated when it is sent again.
        sent = sent_before(conversation, key, text)
        if sent is None:
            said = _reply(key, text, body, conversation)
            previewed = _previewed(body.get("preview"), said, conversation) if said.target else None
            sent = send_reply(conversation.pk, said, previewed, user=request.user)
    except Unusable as problem:
        return JsonResponse({"error": str(problem)}, status=problem.status)
    if sent.message_id is None:
        return JsonResponse({"error": sent.words, "was_sent": sent.is_another}, status=409)
    return JsonResponse({"message": sent.message_id}, status=201 if sent.is_new else 200)


def _key(value: object) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise Unusable("key: 16 to 64 letters, digits or hyphens, the same for the same reply")
    return value


def _reply(key: str, text: str, body: dict[str, Any], conversation: Conversation) -> Reply:
    target = "" if body.get("as_written") is True else _target(body, conversation)
    return Reply(
        key=key,
        agent_id=conversation.agent_id,  # the viewer's own: `answered` has asked
        text=text,
        language=canonical(settings.TARGET_LANGUAGE),
        target="" if is_same_language(target, settings.TARGET_LANGUAGE) else target,
    )


def _target(body: dict[str, Any], conversation: Conversation) -> str:
    """What the page has shown to be the guest's language, if it still is."""
    language = conversation.guest_language
    if not language:
        raise Unusable(_NO_LANGUAGE, status=409)
    if body.get("target") != language:
        raise Unusable(
            f"The guest's language is {name(language)} now. Nothing was sent: look once more, and "
            "send it again.",
            status=409,
        )
    return language


def _text(value: object, otherwise: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unusable(otherwise)
    text = clean(value)
    units = len(text.encode("utf-16-le")) // 2
    if units > MAX_UNITS:
        raise Unusable(f"{units:,} characters are too many: {MAX_UNITS:,} at most.")
    return text


def _made(text: str, *, target: str) -> Made:
    if is_same_language(target, settings.TARGET_LANGUAGE):
        language = canonical(settings.TARGET_LANGUAGE)
        return Made(text, language, canonical(target), "", 0)
    return desk.desk().translate(text, target=target)


def _token(conversation: Conversation, typed: str, made: Made) -> str:
    """Binds what the provider made to what was typed, so that the record of it can be believed."""
    return signing.dumps(
        {
            "of": fingerprint(str(conversation.pk), typed, made.text),
            "source": made.source_language,
            "target": made.target_language,
            "provider": made.provider,
            "latency_ms": made.latency_ms,
            "from_memory": made.from_memory,
        },
        salt=_SALT,
    )


def _previewed(value: object, said: Reply, conversation: Conversation) -> Previewed | None:
    if value is None:
        return None
    found = value if isinstance(value, dict) else {}
    text = _text(found.get("text"), "The translation is empty: preview it again.")
    translated = found.get("translated")
    again = Unusable("The preview is of another text, or too old: preview it again.", status=409)
    if not isinstance(translated, str):
        raise again
    try:
        facts = signing.loads(str(found.get("token")), salt=_SALT, max_age=PREVIEW_LASTS_S)
    except signing.BadSignature:
        raise again from None
    is_of_this = facts["of"] == fingerprint(str(conversation.pk), said.text, clean(translated))
    if not is_of_this or facts["target"] != canonical(said.target):
        raise again
    made = Made(
        text=clean(translated),
        source_language=facts["source"],
        target_language=facts["target"],
        provider=facts["provider"],
        latency_ms=facts["latency_ms"],
        from_memory=facts["from_memory"],
    )
    return Previewed(made, text)


def _words(error: TranslationError) -> str:
    """What the agent can do; the error's own sentence holds no text."""
    if isinstance(error, QuotaExceeded):
        return "The translation quota is used up: tell an administrator, or send as written."
    if isinstance(error, CredentialsRefused):
        return (
            "The translation provider refuses our key: tell an administrator, or send as written."
        )
    if isinstance(error, TooLarge | TextRefused):
        return "The provider cannot translate this text: write it differently, or send as written."
    return _LATER
