"""The page between an action and its doing: what it will do, a reason, and a second word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django.template.response import TemplateResponse

REASON_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Question:
    """`word`: has to be typed where the thing cannot be undone."""

    action: str
    title: str
    lines: Sequence[str]
    button: str
    advice: str
    word: str = ""


def answered(request: HttpRequest, question: Question) -> str:
    """The reason, once it was given together with the word; else empty."""
    reason = request.POST.get("confirmed_reason", "").strip()[:REASON_AT_MOST]
    return reason if request.POST.get("confirmed_word", "").strip() == question.word else ""


def ask(
    request: HttpRequest, model_admin: ModelAdmin, question: Question, keys: Sequence[int]
) -> TemplateResponse:
    is_second = "confirmed_reason" in request.POST
    context = {
        **model_admin.admin_site.each_context(request),
        "title": question.title,
        "question": question,
        "keys": keys,
        "checkbox": ACTION_CHECKBOX_NAME,
        "opts": model_admin.model._meta,
        "reason": request.POST.get("confirmed_reason", ""),
        "limit": REASON_AT_MOST,
        "is_incomplete": is_second,
    }
    return TemplateResponse(request, "admin/conversations/confirm.html", context)
