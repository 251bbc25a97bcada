"""Enrichment and measuring on the operations page and in the metrics (`contributions`)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Min

from assist.models import Interaction, Round
from assist.services import enrichment, measuring
from conversations.contributions import RoundLine, Tone

TOLD_FOR = timedelta(days=7)  # of what was given up
_LATE = timedelta(minutes=3)  # six schedules without a run


class EngagementRounds:
    def lines(self, now: datetime) -> list[RoundLine]:
        """Four queries, each on an index."""
        names = (enrichment.ROUND, measuring.ROUND)
        rounds = {row.name: row for row in Round.objects.filter(name__in=names)}
        waiting = Interaction.objects.waiting().aggregate(depth=Count("pk"), oldest=Min("since"))
        given_up = Interaction.objects.filter(
            state=Interaction.State.GIVEN_UP, since__gt=now - TOLD_FOR
        ).count()
        return [
            _line(
                enrichment.ROUND,
                "Start, end and channel from the platform's analytics",
                rounds.get(enrichment.ROUND),
                now,
                waiting=waiting["depth"],
                oldest_at=waiting["oldest"],
                given_up=given_up,
            ),
            _line(
                measuring.ROUND,
                "Response times from the stored messages",
                rounds.get(measuring.ROUND),
                now,
            ),
        ]


def _line(
    name: str,
    label: str,
    found: Round | None,
    now: datetime,
    *,
    waiting: int = 0,
    oldest_at: datetime | None = None,
    given_up: int = 0,
) -> RoundLine:
    words, tone = _state(found, now)
    is_put_off = found is not None and found.not_before is not None and found.not_before > now
    return RoundLine(
        name=name,
        label=label,
        waiting=waiting,
        oldest_at=oldest_at,
        ran_at=found.finished_at if found else None,
        done=found.done if found else 0,
        given_up=given_up,
        words=words,
        tone=tone,
        reason=found.reason if found else "",
        resumes_at=found.not_before if found and is_put_off else None,
    )


def _state(found: Round | None, now: datetime) -> tuple[str, Tone]:
    if found is None or found.began_at is None:
        return "has not run yet", "quiet"
    if found.lease_until is not None and found.lease_until > now:
        return "running", "ok"
    if found.not_before is not None and found.not_before > now:
        return "asked to wait", "ambiguous"
    if found.began_at < now - _LATE:
        return "does not run", "failed"
    return ("with errors", "ambiguous") if found.reason else ("well", "ok")
