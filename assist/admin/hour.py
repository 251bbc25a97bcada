"""A call's figures by the hour, with the distribution of its latency as a small chart."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from assist.latency import EDGES
from assist.models import HourlyMetrics
from conversations.admin.records import RecordAdmin, moment

_HEIGHT, _BAR, _GAP = 90, 26, 6


@admin.register(HourlyMetrics)
class HourlyMetricsAdmin(RecordAdmin):
    began = moment("hour", description="hour")

    list_display = (
        "began", "call", "finals", "late", "p50", "p95", "p99", "confidence", "low", "removed",
        "reconnects",
    )  # fmt: skip
    list_select_related = ("conversation",)
    search_fields = ("conversation__external_id__exact",)
    search_help_text = "Whole interaction id"
    date_hierarchy = "hour"
    ordering = ("-hour",)
    fieldsets: ClassVar = [
        (None, {"fields": ("call", "began", "chunks", "finals", "repeated", "reconnects")}),
        ("Latency", {"fields": ("chart", ("p50", "p95", "p99", "mean"), "late", "ahead")}),
        ("Confidence", {"fields": ("confidence", "low")}),
        ("Left out", {"fields": ("dropped_codec", "malformed", "withheld", "removed")}),
        (
            "Knowledge",
            {
                "fields": (
                    "knowledge_asked",
                    "knowledge_cached",
                    "knowledge_late",
                    "knowledge_failed",
                    "knowledge_dropped",
                )
            },
        ),
    ]

    @admin.display(description="call")
    def call(self, record: HourlyMetrics) -> str:
        return record.conversation.external_id

    @admin.display(description="p50")
    def p50(self, record: HourlyMetrics) -> str:
        return _ms(record.latency.quantile_ms(0.5))

    @admin.display(description="p95")
    def p95(self, record: HourlyMetrics) -> str:
        return _ms(record.latency.quantile_ms(0.95))

    @admin.display(description="p99")
    def p99(self, record: HourlyMetrics) -> str:
        return _ms(record.latency.quantile_ms(0.99))

    @admin.display(description="mean")
    def mean(self, record: HourlyMetrics) -> str:
        return _ms(record.latency.mean_ms)

    @admin.display(description="confidence")
    def confidence(self, record: HourlyMetrics) -> str:
        return _percent(record.confidence_mean)

    @admin.display(description="under 60 %")
    def low(self, record: HourlyMetrics) -> str:
        return _percent(record.low_confidence_share)

    @admin.display(description="removed")
    def removed(self, record: HourlyMetrics) -> str:
        found = record.redactions_by_kind()
        return ", ".join(f"{kind} {count}" for kind, count in sorted(found.items())) or "–"

    @admin.display(description="distribution")
    def chart(self, record: HourlyMetrics) -> SafeString | str:
        """A bar a bucket, as SVG: it needs neither a script nor a style."""
        bars = [
            (EDGES[min(n, len(EDGES) - 1)], c) for n, c in enumerate(record.latency.counts) if c
        ]
        if not bars:
            return "–"
        highest = max(count for _, count in bars)
        shapes = format_html_join(
            "",
            '<rect x="{}" y="{}" width="{}" height="{}" fill="#0f766e"><title>{}</title></rect>'
            '<text x="{}" y="{}" font-size="9" text-anchor="middle" fill="currentColor">{}</text>',
            (
                (
                    place * (_BAR + _GAP),
                    _HEIGHT - _tall(count, highest),
                    _BAR,
                    _tall(count, highest),
                    f"up to {edge} ms: {count}",
                    place * (_BAR + _GAP) + _BAR // 2,
                    _HEIGHT + 12,
                    edge,
                )
                for place, (edge, count) in enumerate(bars)
            ),
        )
        said = ", ".join(f"{count} up to {edge} ms" for edge, count in bars)
        width = len(bars) * (_BAR + _GAP)
        return format_html(
            '<svg width="{}" height="{}" role="img" aria-label="Latency: {}">{}</svg>',
            width,
            _HEIGHT + 16,
            said,
            shapes,
        )


def _tall(count: int, highest: int) -> int:
    return max(1, round(count / highest * _HEIGHT))


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} ms"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
