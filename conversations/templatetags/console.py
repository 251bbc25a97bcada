"""What templates ask: whether the viewer may go somewhere, and how a moment is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.conf import settings
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from conversations import access
from conversations.admin_networks import is_admin_open
from conversations.dashboards import Queue
from conversations.hidden import hidden_in
from conversations.normal_form import without_storms

register = template.Library()


@register.filter
def may(user: Any, action: str) -> bool:
    """`user|may:"audit"`, asked once a page; False where an error page has no user."""
    if not user or not user.is_authenticated:
        return False
    verdicts: dict[str, bool] | None = getattr(user, "_parley_verdicts", None)
    if verdicts is None:
        verdicts = user._parley_verdicts = {}
        prefetch_related_objects([user], "groups")  # once, for all that a page asks
    if action not in verdicts:
        verdicts[action] = access.can(user, action)
    return verdicts[action]


@register.filter
def opens_admin(request: HttpRequest) -> bool:
    """Whether a link there leads anywhere; an error page may have no request."""
    return bool(request) and is_admin_open(request)


@register.simple_tag
def has_simulator() -> bool:
    return bool(settings.SIMULATOR_PAGE)


@register.simple_tag
def at(moment: datetime | None, shown: str = "moment") -> SafeString | str:
    """A time in UTC as written; the page's script shows it in the viewer's zone, as `moment` or
    `clock`, or how long ago it was (`age`)."""
    if moment is None:
        return "–"
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-shown="{}">{} UTC</time>',
        utc.isoformat(timespec="milliseconds"),
        shown,
        f"{utc:%Y-%m-%d %H:%M:%S}",
    )


@register.filter
def tone(queue: Queue, now: datetime) -> str:
    return queue.tone(now)


@register.filter
def shortened(value: object, most: int) -> str:
    """At most so many characters, the last of them "…" where there were more."""
    # Django composes all of a text before it counts: a storm of marks would take it minutes.
    return Truncator(without_storms(str(value))).chars(most)


@register.filter
def hidden(text: str) -> str:
    """For `data-hidden` of an element that holds a text: the style sheet names what it has."""
    return hidden_in(text)
