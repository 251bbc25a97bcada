"""What the engagement page shows: a fixed number of queries, each on an index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Sum

from assist.engagement.typed import words_a_minute
from assist.models import Engagement, Interaction
from conversations.models import Agent

SERIES_AT_MOST = 6  # agents in a chart; the busiest
AGENTS_AT_MOST = 200
CONVERSATIONS_AT_MOST = 25
_GAP = "\u00a0"  # a figure and its unit stay on one line
_SUMS = (
    "keystrokes", "active_ms", "duration_ms", "messages", "intervals", "interval_sum_ms",
    "responses", "response_sum_ms",
)  # fmt: skip


@dataclass(slots=True)
class Figures:
    """Of any number of conversations; sums, so that they can be added up."""

    keystrokes: int = 0
    active_ms: int = 0
    duration_ms: int = 0
    messages: int = 0
    intervals: int = 0
    interval_sum_ms: int = 0
    responses: int = 0
    response_sum_ms: int = 0
    first_responses: int = 0
    first_response_sum_ms: int = 0
    conversations: int = 0

    def add(self, row: dict[str, Any]) -> None:
        for name in (*_SUMS, "first_responses", "first_response_sum_ms", "conversations"):
            setattr(self, name, getattr(self, name) + (row[name] or 0))

    @property
    def active_wpm(self) -> int:
        return words_a_minute(self.keystrokes, self.active_ms)

    @property
    def estimated_wpm(self) -> int:
        return words_a_minute(self.keystrokes, self.duration_ms)

    @property
    def active(self) -> str:
        return time_words(self.active_ms if self.keystrokes else None)

    @property
    def elapsed(self) -> str:
        return time_words(self.duration_ms if self.keystrokes else None)

    @property
    def interval_ms(self) -> float | None:
        return _mean(self.interval_sum_ms, self.intervals)

    @property
    def interval(self) -> str:
        return time_words(self.interval_ms)

    @property
    def response_ms(self) -> float | None:
        return _mean(self.response_sum_ms, self.responses)

    @property
    def response(self) -> str:
        return time_words(self.response_ms)

    @property
    def first_response_ms(self) -> float | None:
        return _mean(self.first_response_sum_ms, self.first_responses)

    @property
    def first_response(self) -> str:
        return time_words(self.first_response_ms)


@dataclass(frozen=True, slots=True)
class AgentLine:
    agent_id: str
    name: str  # of the user who is tied to the agent, or what the platform calls them
    figures: Figures

    @property
    def label(self) -> str:
        return self.name or self.agent_id


@dataclass(frozen=True, slots=True)
class Chart:
    """A column for each agent, a row for each day; None: nothing was measured."""

    name: str
    title: str
    unit: str
    agents: Sequence[AgentLine]
    rows: Sequence[tuple[date, Sequence[float | None]]]


@dataclass(frozen=True, slots=True)
class ConversationLine:
    row: Engagement
    figures: Figures
    interaction: Interaction | None
    agent: str


@dataclass(frozen=True, slots=True)
class Board:
    agents: Sequence[AgentLine]
    charts: Sequence[Chart]
    conversations: Sequence[ConversationLine]
    total: Figures
    hidden_series: int
    hidden_agents: int
    hidden_conversations: bool

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Whom the page can be narrowed to: ids and what people call them."""
        return sorted((line.agent_id, line.name) for line in self.agents)


@dataclass(slots=True)
class _Found:
    by_agent: dict[str, Figures] = field(default_factory=lambda: defaultdict(Figures))
    by_day: dict[tuple[str, date], Figures] = field(default_factory=lambda: defaultdict(Figures))
    total: Figures = field(default_factory=Figures)


def board(rows: QuerySet[Engagement], *, first: date, last: date) -> Board:
    """Of `rows`, those of the days from `first` to `last`."""
    rows = rows.filter(day__range=(first, last))
    found = _sums(rows)
    newest = list(rows.select_related("conversation").order_by("-at")[: CONVERSATIONS_AT_MOST + 1])
    names = _called_there(newest) | _names(found.by_agent)
    lines = [AgentLine(key, names.get(key, ""), one) for key, one in found.by_agent.items()]
    lines.sort(key=lambda line: (-line.figures.keystrokes, -line.figures.messages, line.agent_id))
    shown = lines[:SERIES_AT_MOST]
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    conversations = _conversations(newest, names)
    return Board(
        agents=lines[:AGENTS_AT_MOST],
        charts=[_chart(*kind, shown, days, found) for kind in _CHARTS],
        conversations=conversations[:CONVERSATIONS_AT_MOST],
        total=found.total,
        hidden_series=max(0, len(lines) - SERIES_AT_MOST),
        hidden_agents=max(0, len(lines) - AGENTS_AT_MOST),
        hidden_conversations=len(conversations) > CONVERSATIONS_AT_MOST,
    )


def agents_of(rows: QuerySet[Engagement], *, first: date, last: date) -> list[tuple[str, str]]:
    """The same while it is narrowed to one."""
    ids = rows.filter(day__range=(first, last)).order_by().values_list("agent_id", flat=True)
    known = sorted(ids.distinct()[:AGENTS_AT_MOST])
    names = _names(known)
    return [(agent_id, names.get(agent_id, "")) for agent_id in known]


def _sums(rows: QuerySet[Engagement]) -> _Found:
    found = _Found()
    sums = {name: Sum(name) for name in _SUMS}
    by_day = rows.order_by().values("agent_id", "day").annotate(
        **sums,
        first_responses=Count("first_response_ms"),
        first_response_sum_ms=Sum("first_response_ms"),
        conversations=Count("pk"),
    )  # fmt: skip
    for row in by_day:
        found.by_agent[row["agent_id"]].add(row)
        found.by_day[row["agent_id"], row["day"]].add(row)
        found.total.add(row)
    return found


def _names(agent_ids: Iterable[str]) -> dict[str, str]:
    rows = Agent.objects.filter(external_id__in=list(agent_ids)).select_related("user")
    return {row.external_id: row.user.get_full_name() or row.user.get_username() for row in rows}


def _chart(
    name: str,
    title: str,
    unit: str,
    value_of: Callable[[Figures], float | None],
    agents: Sequence[AgentLine],
    days: Sequence[date],
    found: _Found,
) -> Chart:
    rows = []
    for day in days:
        of_day = [found.by_day.get((line.agent_id, day)) for line in agents]
        rows.append((day, [value_of(one) if one is not None else None for one in of_day]))
    return Chart(name, title, unit, agents, rows)


def _called_there(rows: Sequence[Engagement]) -> dict[str, str]:
    """What the platform calls agents, as far as these conversations are still theirs."""
    return {
        row.agent_id: row.conversation.agent_name
        for row in rows
        if row.conversation.agent_id == row.agent_id and row.conversation.agent_name
    }


def _conversations(newest: Sequence[Engagement], names: dict[str, str]) -> list[ConversationLine]:
    interactions = Interaction.objects.in_bulk([row.conversation_id for row in newest])
    return [
        ConversationLine(
            row,
            _figures_of(row),
            interactions.get(row.conversation_id),
            names.get(row.agent_id) or row.agent_id,
        )
        for row in newest
    ]


def _figures_of(row: Engagement) -> Figures:
    made = Figures(conversations=1, **{name: getattr(row, name) for name in _SUMS})
    if row.first_response_ms is not None:
        made.first_responses, made.first_response_sum_ms = 1, row.first_response_ms
    return made


def time_words(ms: float | None) -> str:
    """3.2 s · 3 min 05 s · 2 h 03 min; a dash where nothing was measured."""
    if ms is None:
        return "–"
    if ms < 60_000:
        return f"{ms / 1000:.1f}{_GAP}s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    if minutes < 60:
        return f"{minutes}{_GAP}min{_GAP}{seconds:02}{_GAP}s"
    return f"{minutes // 60}{_GAP}h{_GAP}{minutes % 60:02}{_GAP}min"


def _mean(total: int, count: int) -> float | None:
    return total / count if count else None


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else round(ms / 1000, 1)


def _speed(figures: Figures) -> float | None:
    return figures.active_wpm if figures.active_ms else None


def _minutes(figures: Figures) -> float | None:
    return round(figures.active_ms / 60_000, 1) if figures.keystrokes else None


_CHARTS: tuple[tuple[str, str, str, Callable[[Figures], float | None]], ...] = (
    ("response", "Average response time", "s", lambda one: _seconds(one.response_ms)),
    ("first", "First response time", "s", lambda one: _seconds(one.first_response_ms)),
    ("speed", "Words a minute while typing", "wpm", _speed),
    ("typing", "Active typing time", "min", _minutes),
)
