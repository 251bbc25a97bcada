"""Is the process alive, can it work, and what does it count: /healthz, /readyz, /metrics.

Reasons and figures are for loopback only; everybody else learns no more than yes or no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from ipaddress import ip_address

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Max, Min, Model
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from conversations.models import (
    Conversation,
    DeadLetter,
    Delivery,
    JournalEntry,
    Message,
    StreamState,
)

BROKER_TIMEOUT_S = 2
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    reasons = [reason for check in CHECKS if (reason := check())]
    lines = reasons if reasons and is_local(request) else ["not ready" if reasons else "ready"]
    status = 503 if reasons else 200
    return HttpResponse("\n".join(lines) + "\n", status=status, content_type="text/plain")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not is_local(request):
        raise Http404
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def is_local(request: HttpRequest) -> bool:
    """From this machine and for somebody on it: a proxy on loopback speaks for others."""
    if any(name in request.META for name in _FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def database_reason() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"database: not reachable ({type(error).__name__})"
    return ""


def broker_reason() -> str:
    if not settings.REDIS_URL:
        return ""
    timeout = BROKER_TIMEOUT_S
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=timeout
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        return f"broker: not reachable ({type(error).__name__})"
    return ""


def streams_reason() -> str:
    """Somebody must hold the platform's socket, and it must be live."""
    try:
        streams = list(StreamState.objects.order_by("kind", "key"))
    except DatabaseError:
        return "streams: not known, the database does not answer"
    if any(is_live(stream, timezone.now()) for stream in streams):
        return ""
    if not streams:
        return "streams: none yet, no gateway has run (manage.py run_gateway)"
    return "streams: " + "; ".join(_words(stream) for stream in streams)


def is_live(stream: StreamState, now: datetime) -> bool:
    held = stream.lease_until is not None and stream.lease_until > now
    return held and stream.state == StreamState.State.LIVE


def _words(stream: StreamState) -> str:
    if stream.lease_until is None or stream.lease_until <= timezone.now():
        return f"{stream} is held by no gateway"
    return f"{stream} is {stream.state}, {stream.reason}".removesuffix(", ")


CHECKS: tuple[Callable[[], str], ...] = (database_reason, broker_reason, streams_reason)


class DatabaseCollector(Collector):
    """What the rows say at the moment of the scrape, by indexed queries only.

    Tables are append-only and their keys only grow: the last key stands for a count that would
    read the whole table.
    """

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = timezone.now()
        for name, text, model in (
            ("parley_messages_estimated", "Messages stored, echoes included.", Message),
            ("parley_journal_entries_estimated", "Entries in the journal.", JournalEntry),
            ("parley_dead_letters_estimated", "Dead letters kept.", DeadLetter),
            ("parley_deliveries_estimated", "Deliveries made or tried.", Delivery),
        ):
            yield GaugeMetricFamily(name, text, value=_last_key(model))
        yield self._deliveries()
        yield self._oldest(now)
        yield self._streams(now)

    def _deliveries(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "parley_deliveries_open", "Deliveries that are not at their end.", labels=["state"]
        )
        counted = dict.fromkeys((*Delivery.UNFINISHED, Delivery.State.REVIEW), 0)
        for queryset in (Delivery.objects.unfinished(), Delivery.objects.under_review()):
            for state, count in queryset.values_list("state").annotate(Count("pk")).order_by():
                counted[Delivery.State(state)] = count
        for state, count in counted.items():
            family.add_metric([state.value], count)
        return family

    def _oldest(self, now: datetime) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "parley_oldest_waiting_seconds", "Age of what waits longest.", labels=["what"]
        )
        work = Conversation.objects.filter(work_at__isnull=False)
        awaiting = Message.objects.awaiting_translation()
        review = Delivery.objects.under_review()
        for what, oldest in (
            ("conversation", work.aggregate(at=Min("work_at"))["at"]),
            ("translation", awaiting.aggregate(at=Min("received_at"))["at"]),
            ("review", review.aggregate(at=Min("created_at"))["at"]),
        ):
            age = (now - oldest).total_seconds() if oldest else 0.0
            family.add_metric([what], max(age, 0.0))
        return family

    def _streams(self, now: datetime) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "parley_stream_live", "1 where a gateway holds the stream live.", labels=["kind"]
        )
        live = dict.fromkeys(StreamState.Kind.values, 0)
        for stream in StreamState.objects.all():
            live[stream.kind] = live.get(stream.kind, 0) + is_live(stream, now)
        for kind, count in live.items():
            family.add_metric([kind], count)
        return family


def _last_key(model: type[Model]) -> int:
    return model._default_manager.aggregate(last=Max("pk"))["last"] or 0


REGISTRY = CollectorRegistry(auto_describe=False)
REGISTRY.register(DatabaseCollector())
