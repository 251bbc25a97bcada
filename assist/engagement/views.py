"""The engagement page: an agent's own figures, or those of all (screens: QA page)."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assist.engagement import board
from assist.models import Engagement
from assist.models.engagement import EngagementQuerySet
from conversations import access

ACTION = "engagement"
DAYS = 14  # shown without a filter
DAYS_AT_MOST = 92
_LENGTHS = (7, 14, 30, 90)


@require_safe
@never_cache
@login_required
def engagement(request: HttpRequest) -> HttpResponse:
    """`?agent=`, `?since=` and `?until=` (days of UTC, both included) narrow it."""
    if not access.can(request.user, ACTION):
        raise PermissionDenied
    today = timezone.now().date()
    first, last, problem = _days(request, today)
    visible = visible_engagement(request.user)
    sees_all = access.sees_every_conversation(request.user)
    wanted = request.GET.get("agent", "").strip()[:200].replace("\x00", "") if sees_all else ""
    rows = visible.of_agent(wanted) if wanted else visible
    shown = board.board(rows, first=first, last=last)
    context = {
        "board": shown,
        "agents": board.agents_of(visible, first=first, last=last) if wanted else shown.choices,
        "wanted": wanted,
        "first": first,
        "last": last,
        "problem": problem,
        "sees_all": sees_all,
        "is_counted": settings.COUNT_KEYSTROKES,
        "lengths": [(days, today - timedelta(days=days - 1), today) for days in _LENGTHS],
    }
    return render(request, "assist/engagement.html", context)


def visible_engagement(user: AbstractBaseUser | AnonymousUser) -> EngagementQuerySet:
    """Whose figures `user` may see: everybody's, their own, or nobody's."""
    rows: EngagementQuerySet = Engagement.objects.all()
    if not access.can(user, ACTION):
        return rows.none()
    if access.sees_every_conversation(user):
        return rows
    agent = getattr(user, "agent", None)
    if agent is None or not agent.external_id:
        return rows.none()
    return rows.of_agent(agent.external_id)


def _days(request: HttpRequest, today: date) -> tuple[date, date, str]:
    """What was asked for, and what was wrong with it."""
    usual = today - timedelta(days=DAYS - 1), today
    try:
        last = _day(request.GET.get("until", "")) or today
        first = _day(request.GET.get("since", "")) or last - timedelta(days=DAYS - 1)
    except (ValueError, OverflowError):
        return *usual, "A day is written like 2026-05-31. Shown are the last two weeks."
    if first > last:
        return *usual, "The first day is after the last. Shown are the last two weeks."
    if (last - first).days >= DAYS_AT_MOST:
        first = last - timedelta(days=DAYS_AT_MOST - 1)
        return first, last, f"At most {DAYS_AT_MOST} days fit here: the first was moved."
    return first, last, ""


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
