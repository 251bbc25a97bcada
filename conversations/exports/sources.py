"""The kinds of export that the settings name (EXPORTS), all in one shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from inspect import isclass
from itertools import islice
from typing import cast

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from conversations.exports.base import PAGE, Page, Position, Rows, Scope, Source
from conversations.exports.covered import conversations_in
from conversations.models import Conversation

_SLACK = timedelta(days=1)


def kinds() -> tuple[str, ...]:
    return tuple(settings.EXPORTS)


def source_of(kind: str) -> Source:
    """Raises KeyError where there is no such kind."""
    found = import_string(settings.EXPORTS[kind])
    if isclass(found):
        return cast("Source", found())
    return PlainSource(found)


class PlainSource:
    """A kind that is a function from Scope to rows, asked for one conversation after the other.

    A job goes on with the conversation after the last that is written whole. The function may
    carry `columns`, which lets people choose among them.
    """

    formats: Sequence[str] = ("csv", "jsonl")

    def __init__(self, function: Callable[[Scope], Rows]) -> None:
        self._function = function
        self.columns: Sequence[str] = getattr(function, "columns", ())

    def conversations(self, scope: Scope) -> QuerySet[Conversation]:
        """Those that were going on then, give or take a day: what a row counts as its time is
        the function's own affair."""
        found = conversations_in(scope)
        if scope.since is not None:
            found = found.filter(last_event_at__gte=scope.since - _SLACK)
        if scope.until is not None:
            found = found.filter(created_at__lt=scope.until + _SLACK)
        return found

    def count(self, scope: Scope) -> int | None:
        return None

    def pages(
        self, scope: Scope, *, after: Position | None = None, size: int = PAGE
    ) -> Iterator[Page]:
        conversations = self.conversations(scope).order_by("pk").values_list("pk", "external_id")
        last = after[0] if after else 0
        while some := list(conversations.filter(pk__gt=last)[:size]):
            for last, name in some:
                rows = self._function(Scope(name, scope.since, scope.until))
                while page := list(islice(rows, size)):
                    yield Page(page, None)
                yield Page([], (last,))
