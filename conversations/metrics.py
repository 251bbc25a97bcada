"""/metrics for Prometheus: what the rows say at the moment of the scrape, and what this process
counts itself. Every figure is one of the whole system unless its help says "of this process".

No conversation, no person and no process is a label: their number has no bound.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from django.db import DatabaseError
from django.db.models import Count, Max, Model
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from conversations import dashboards
from conversations.contributions import providers, round_lines
from conversations.gateway import inbox
from conversations.live import doorbell
from conversations.models import (
    DeadLetter,
    Delivery,
    JournalEntry,
    Message,
    StreamState,
    VerificationRun,
)
from conversations.observers import is_observer

logger = logging.getLogger(__name__)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not is_observer(request):
        raise Http404
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


class DatabaseCollector(Collector):
    """By indexed queries only. Without the database there is one figure: that it is away."""

    def collect(self) -> Iterator[Metric]:
        found: list[Metric] = []
        try:
            for family in (
                _estimates,
                _queues,
                _deliveries,
                _streams,
                _providers,
                _rounds,
                _verification,
            ):
                found.extend(family())
        except DatabaseError as error:
            logger.warning("metrics without the database: %s", type(error).__name__)
            found = []
        yield GaugeMetricFamily(
            "parley_database_up", "1 where the database answers this process.", bool(found)
        )
        yield from found


class ProcessCounts(Collector):
    """What only this process knows: nothing where that part of Parley does not run in it."""

    def collect(self) -> Iterator[Metric]:
        bells = _counters("parley_doorbell", "Hints to live pages, of this process.", ["outcome"])
        for outcome, count in doorbell.counts().items():
            bells.add_metric([outcome], count)
        yield bells
        frames = _counters(
            "parley_inbox_frames",
            "Frames taken in by the gateway, of this process.",
            ["stream", "outcome"],
        )
        for stream, counts in inbox.counts().items():
            frames.add_metric([stream, "received"], counts.frames)
            for outcome in ("malformed", "ignored", "repeated", "echoes"):
                frames.add_metric([stream, outcome], getattr(counts, outcome))
        yield frames


def _estimates() -> Iterator[Metric]:
    """Tables are append-only and their keys only grow: the last key stands for a count that
    would read the whole table."""
    for name, text, model in (
        ("parley_messages_estimated", "Messages stored, echoes included.", Message),
        ("parley_journal_entries_estimated", "Entries in the journal.", JournalEntry),
        ("parley_dead_letters_estimated", "Dead letters kept, decided ones included.", DeadLetter),
        ("parley_deliveries_estimated", "Deliveries made or tried.", Delivery),
    ):
        yield GaugeMetricFamily(name, text, value=_last_key(model))


def _queues() -> Iterator[Metric]:
    now = timezone.now()
    depth = _gauges("parley_queue_depth", "Rows that wait for a worker or a person.", ["what"])
    oldest = _gauges("parley_oldest_waiting_seconds", "Age of what waits longest.", ["what"])
    for queue in dashboards.queues():
        depth.add_metric([queue.name], queue.depth)
        oldest.add_metric([queue.name], queue.age_s(now))
    held = dashboards.workers(now)
    yield from (depth, oldest)
    yield GaugeMetricFamily(
        "parley_conversations_held",
        "Conversations that workers hold.",
        sum(worker.conversations for worker in held),
    )
    yield GaugeMetricFamily("parley_workers_busy", "Workers that hold a conversation.", len(held))


def _deliveries() -> Iterator[Metric]:
    family = _gauges("parley_deliveries_open", "Deliveries that are not at their end.", ["state"])
    for state, count in dashboards.open_deliveries().items():
        family.add_metric([state], count)
    yield family
    yield GaugeMetricFamily(
        "parley_deliveries_duplicated",
        "Deliveries that stand in their conversation more than once.",
        Delivery.objects.duplicated().count(),
    )
    letters = _gauges(
        "parley_dead_letters_open", "Dead letters that nobody has decided about.", ["kind"]
    )
    for kind, count in dashboards.open_letters().items():
        letters.add_metric([kind], count)
    yield letters


def _streams() -> Iterator[Metric]:
    """By kind: later kinds have a stream for each conversation."""
    now = timezone.now()
    live = _gauges("parley_streams_live", "Streams that a gateway holds live.", ["kind"])
    states = _gauges("parley_streams", "Streams by state.", ["kind", "state"])
    attempts = _gauges("parley_stream_attempts", "Most failed connects in a row.", ["kind"])
    silent = _gauges("parley_stream_silent_seconds", "Since the last frame of any.", ["kind"])
    frames = _counters(
        "parley_stream_frames", "Frames by what became of them.", ["kind", "outcome"]
    )
    by_state = (
        StreamState.objects.streams().order_by().values_list("kind", "state").annotate(Count("pk"))
    )
    counted = {(kind, state): count for kind, state, count in by_state}
    totals = {row["kind"]: row for row in dashboards.stream_totals(now)}
    for kind in StreamState.Kind.values:
        row = totals.get(kind, {})
        live.add_metric([kind], row.get("live", 0))
        attempts.add_metric([kind], row.get("worst_attempts", 0))
        for state in StreamState.State.values:
            states.add_metric([kind, state], counted.get((kind, state), 0))
        if row.get("last_at"):
            age_s = (now - row["last_at"]).total_seconds()
            silent.add_metric([kind], max(0.0, age_s))
        for outcome in ("received", "malformed", "ignored"):
            frames.add_metric([kind, outcome], row.get(f"{outcome}_frames", 0))
    yield from (live, states, attempts, silent, frames)


def _providers() -> Iterator[Metric]:
    family = _gauges("parley_provider_state", "1 for its state.", ["provider", "state"])
    for each in providers():
        for line in each.lines():
            for state in each.states:
                family.add_metric([line.name, state], state == line.state)
    yield family


def _rounds() -> Iterator[Metric]:
    now = timezone.now()
    waiting = _gauges("parley_round_waiting", "Rows that wait for regular work.", ["round"])
    given_up = _gauges(
        "parley_round_given_up", "Rows that it gave up, of the last week.", ["round"]
    )
    silent = _gauges("parley_round_silent_seconds", "Since its last run ended.", ["round"])
    for line in round_lines(now):
        waiting.add_metric([line.name], line.waiting)
        given_up.add_metric([line.name], line.given_up)
        if line.ran_at is not None:
            silent.add_metric([line.name], max(0.0, (now - line.ran_at).total_seconds()))
    yield from (waiting, given_up, silent)


def _verification() -> Iterator[Metric]:
    run = VerificationRun.objects.order_by("-finished_at").first()
    if run is None:
        return
    yield GaugeMetricFamily(
        "parley_journal_verified_seconds",
        "Since the whole journal was last verified.",
        (timezone.now() - run.finished_at).total_seconds(),
    )
    yield GaugeMetricFamily("parley_journal_holds", "1 where it held then.", run.holds)


def _gauges(name: str, text: str, labels: Iterable[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=list(labels))


def _counters(name: str, text: str, labels: Iterable[str]) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, labels=list(labels))


def _last_key(model: type[Model]) -> int:
    return model._default_manager.aggregate(last=Max("pk"))["last"] or 0


REGISTRY = CollectorRegistry(auto_describe=False)
REGISTRY.register(DatabaseCollector())
REGISTRY.register(ProcessCounts())
ProcessCollector(registry=REGISTRY)
