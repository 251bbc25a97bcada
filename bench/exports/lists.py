"""How long the admin's lists take, with all the rows of the bench in their tables."""

from __future__ import annotations

import statistics
import time
from typing import Any

from bench import report

RUNS = 7
_ADMIN = "/admin/conversations"
PAGES = {
    "messages": f"{_ADMIN}/message/",
    "messages, a month": (
        f"{_ADMIN}/message/?received_at__year={{year}}&received_at__month={{month}}"
    ),
    "messages, of a conversation": f"{_ADMIN}/message/?q=filled-77",
    "messages, by its id": f"{_ADMIN}/message/?q=filled-77-3",
    "attribute audits": f"{_ADMIN}/attributeaudit/",
    "attribute audits, a month": (
        f"{_ADMIN}/attributeaudit/?written_at__year={{year}}&written_at__month={{month}}"
    ),
    "deliveries": f"{_ADMIN}/delivery/",
    "deliveries, a month": (
        f"{_ADMIN}/delivery/?created_at__year={{year}}&created_at__month={{month}}"
    ),
    "deliveries, of a conversation": f"{_ADMIN}/delivery/?q=filled-77",
    "deliveries, of a message": f"{_ADMIN}/delivery/?q=filled-77-3",
    "journal": f"{_ADMIN}/journalentry/",
    "journal, a month": f"{_ADMIN}/journalentry/?at__year={{year}}&at__month={{month}}",
    "journal, of a conversation": f"{_ADMIN}/journalentry/?q=filled-77",
    "journal, of a message": f"{_ADMIN}/journalentry/?q=filled-77-3",
    "conversations": f"{_ADMIN}/conversation/",
    "conversations, by prefix": f"{_ADMIN}/conversation/?q=filled-7",
}


def measured() -> dict[str, report.Figures]:
    """Needs Django's settings; the pages are rendered in this process, as a superuser sees them."""
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.utils import timezone

    client: Any = Client(headers={"host": "127.0.0.1"})
    client.force_login(get_user_model().objects.create_superuser("bench-admin"))
    now = timezone.now()
    return {
        name: _timed(client, page.format(year=now.year, month=now.month))
        for name, page in PAGES.items()
    }


def _timed(client: Any, page: str) -> report.Figures:
    taken = []
    for _ in range(RUNS):
        began = time.monotonic()
        answer = client.get(page, secure=True)
        taken.append(1000 * (time.monotonic() - began))
        if answer.status_code != 200:
            raise RuntimeError(f"{page} answered {answer.status_code}")
    return {"median_ms": statistics.median(taken), "max_ms": max(taken)}


def table(title: str, pages: dict[str, report.Figures]) -> str:
    """A line a list: there are too many for columns."""
    lines = [title, f"{'':40}{f'median of {RUNS}, ms':>20}{'slowest, ms':>14}"]
    lines += [
        f"{name:40}{figures['median_ms']:>20.0f}{figures['max_ms']:>14.0f}"
        for name, figures in pages.items()
    ]
    return "\n".join(lines)
