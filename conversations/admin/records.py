"""What every record page shares: read only for everybody, fast on big tables, times with a zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conversations import access
from conversations.admin.calendar import CalendarChangeList
from conversations.models import Conversation
from conversations.net.strict_json import clean_text
from conversations.services.views import note_refusal, note_view

COUNT_LIMIT = 10_000


def may(request: HttpRequest, action: str) -> bool:
    """`access.can`, asked once a request: the admin asks for every model on every page."""
    verdicts: dict[str, bool] = request.__dict__.setdefault("_parley_verdicts", {})
    if action not in verdicts:
        verdicts[action] = access.can(request.user, action)
    return verdicts[action]


def time_tag(value: datetime | None) -> SafeString | str:
    """UTC as written; times.js shows it in the reader's zone and names the zone."""
    if value is None:
        return "–"
    moment = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{} UTC</time>',
        moment.isoformat(timespec="milliseconds"),
        f"{moment:%Y-%m-%d %H:%M:%S}",
    )


def moment(field: str, *, description: str = "") -> Callable[[Any, Model], SafeString | str]:
    """A column that shows the time in `field`."""

    @admin.display(ordering=field, description=description or field.replace("_", " "))
    def column(model_admin: Any, record: Model) -> SafeString | str:
        return time_tag(getattr(record, field))

    return column


def plain(field: str, *, description: str) -> Callable[[Any, Model], Any]:
    """A column that shows `field` under a better name."""

    @admin.display(description=description)
    def column(model_admin: Any, record: Model) -> Any:
        value = getattr(record, field)
        return "–" if value in (None, "") else value

    return column


def pill(field: str, *, description: str = "") -> Callable[[Any, Model], SafeString]:
    """A column that shows the state in `field` as a word in a coloured frame."""

    @admin.display(description=description or field.replace("_", " "))
    def column(model_admin: Any, record: Model) -> SafeString:
        word = getattr(record, f"get_{field}_display")()
        return state_pill(getattr(record, field), word)

    return column


def state_pill(state: str, word: str) -> SafeString:
    if not state:
        return format_html('<span class="quiet">{}</span>', word or "–")
    return format_html('<span class="pill pill-{}">{}</span>', state.replace("_", ""), word)


class LimitedPaginator(Paginator):
    """Counts at most `COUNT_LIMIT` rows: a full count of a big table takes seconds."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:COUNT_LIMIT].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= COUNT_LIMIT


class RecordAdmin(admin.ModelAdmin):
    """Nobody, a superuser included, adds, changes or deletes a record here (reliability S10)."""

    action = "audit"
    actions: Sequence[Any] = ()
    paginator = LimitedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    change_form_template = "admin/record.html"

    class Media:
        css: ClassVar = {"all": ("admin_parley/parley.css",)}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Whose conversation it is of, who looked and who was refused stands in the journal."""
        record = self.get_object(request, object_id)
        if record is not None:
            self._note(request, record)
        return super().change_view(request, object_id, form_url, extra_context)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A list that is narrowed to one conversation is a look at that."""
        searched = clean_text(request.GET.get("q", "").strip())
        if searched and may(request, self.action):
            for found in self.looked_for(searched):
                self._note(request, found)
        answer = super().changelist_view(request, extra_context)
        self._note_narrowed(request, answer)
        return answer

    def looked_for(self, term: str) -> QuerySet[Conversation]:
        """The conversations that a search for `term` narrows the list to."""
        return Conversation.objects.filter(external_id=term)

    def conversation_of(self, record: Model) -> int | None:
        """The key of the conversation that `record` is of, if it is of one."""
        if isinstance(record, Conversation):
            return record.pk
        return getattr(record, "conversation_id", None)

    def _note_narrowed(self, request: HttpRequest, answer: HttpResponse) -> None:
        """Whatever it was filtered by: nothing is rendered yet."""
        shown = (getattr(answer, "context_data", None) or {}).get("cl")
        if shown is None or not shown.get_filters_params():
            return
        records = {self.conversation_of(record): record for record in shown.result_list}
        if len(records) == 1:
            self._note(request, *records.values())

    def _note(self, request: HttpRequest, record: Model) -> None:
        pk = self.conversation_of(record)
        if pk is None:
            return
        if self.has_view_permission(request, record):
            assert request.user.is_authenticated  # noqa: S101 - nobody else may view
            note_view(request.user, pk, where="admin")
        else:
            refused = Conversation.objects.values_list("external_id", flat=True).get(pk=pk)
            note_refusal(request.user, refused, where="admin")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, self.action)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, self.action)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CalendarChangeList]:
        return CalendarChangeList
