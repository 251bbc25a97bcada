"""What templates ask: whether the viewer may go somewhere."""

from __future__ import annotations

from typing import Any

from django import template

from conversations import access

register = template.Library()


@register.filter
def may(user: Any, action: str) -> bool:
    """`user|may:"audit"`; False where an error page has no user."""
    return bool(user) and user.is_authenticated and access.can(user, action)
