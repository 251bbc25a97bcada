"""What a judge found: empty lists of faults mean that all is well; the figures are no faults."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

Finding = dict[str, Any]
FIGURES = frozenset(
    {
        "expected",
        "delivered",
        "review",
        "set_aside",
        "why_in_review",
        "stored_out_of_order",
        "extra_puts",
        "slowest_s",
        "journal_entries",
    }
)


@dataclass(slots=True)
class Findings:
    lost: list[Finding] = field(default_factory=list)
    doubled: list[Finding] = field(default_factory=list)
    out_of_order: list[Finding] = field(default_factory=list)
    wrong_texts: list[Finding] = field(default_factory=list)
    loops: list[Finding] = field(default_factory=list)
    wrong_attributes: list[Finding] = field(default_factory=list)
    missing_puts: list[Finding] = field(default_factory=list)
    unrecorded: list[Finding] = field(default_factory=list)
    false_confirmations: list[Finding] = field(default_factory=list)
    unaudited: list[Finding] = field(default_factory=list)
    broken_chains: list[str] = field(default_factory=list)
    dashboards: list[str] = field(default_factory=list)
    stuck: list[Finding] = field(default_factory=list)
    needless_review: list[Finding] = field(default_factory=list)
    grown: list[str] = field(default_factory=list)  # memory, where it was watched
    did_not_happen: list[str] = field(default_factory=list)
    # Figures
    expected: int = 0
    delivered: int = 0
    review: Counter[str] = field(default_factory=Counter)  # by reason
    set_aside: int = 0  # three workers died with it
    why_in_review: Counter[str] = field(default_factory=Counter)  # as the judge sees it
    stored_out_of_order: int = 0  # a cause of `out_of_order`: the backfill came too late
    extra_puts: int = 0  # a PUT replaces: repeated after a kill, it does no harm
    slowest_s: float = 0.0  # from the guest's writing to the delivery
    journal_entries: int = 0

    @property
    def problems(self) -> dict[str, list[Any]]:
        """The faults by kind; only kinds that there are."""
        return {
            name: found for name, found in asdict(self).items() if name not in FIGURES and found
        }

    @property
    def is_good(self) -> bool:
        return not self.problems and self.expected > 0

    def summary(self) -> dict[str, Any]:
        """Counts, for people."""
        counts = {name: len(found) for name, found in self.problems.items()}
        return {
            "good": self.is_good,
            "expected": self.expected,
            "delivered": self.delivered,
            "in_review": sum(self.review.values()),
            "set_aside": self.set_aside,
            "review_reasons": dict(self.review),
            "why_in_review": dict(self.why_in_review),
            "stored_out_of_order": self.stored_out_of_order,
            "slowest_s": round(self.slowest_s, 1),
            "extra_puts": self.extra_puts,
            "journal_entries": self.journal_entries,
            "problems": counts,
        }
