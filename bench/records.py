"""What one load did: when each message left, when its POST came, what was doubled or out of order.

No I/O and no clock: the stub tells it the time. Messages are known by their text, which is unique.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MARK = "EN "


@dataclass(slots=True)
class Sent:
    conversation: int
    number: int
    at: float
    asked_at: float | None = None
    posted_at: float | None = None
    provider_s: float = 0.0
    posts: int = 0
    is_out_of_order: bool = False


@dataclass(slots=True)
class Records:
    """One load; `note_…` is called as things happen, `summary` at its end."""

    messages: dict[str, Sent] = field(default_factory=dict)
    posted: int = 0
    foreign_posts: int = 0
    puts: int = 0
    provider_requests: int = 0
    provider_texts: int = 0
    history_reads: int = 0
    last_at: float = 0.0
    _newest: dict[int, int] = field(default_factory=dict)

    def note_sent(self, text: str, *, conversation: int, now: float) -> None:
        self.messages[text] = Sent(conversation, len(self.messages), now)

    def note_provider(self, texts: list[str], *, asked_at: float, held_s: float) -> None:
        self.provider_requests += 1
        self.provider_texts += len(texts)
        for text in texts:
            if sent := self.messages.get(text):
                sent.asked_at, sent.provider_s = asked_at, held_s

    def note_post(self, text: str, *, now: float) -> bool:
        """Whether it is the first POST of one of our messages."""
        sent = self.messages.get(text.removeprefix(MARK))
        if sent is None or not text.startswith(MARK):
            self.foreign_posts += 1
            return False
        sent.posts += 1
        if sent.posts > 1:
            return False
        sent.posted_at = self.last_at = now
        self.posted += 1
        newest = self._newest.get(sent.conversation, -1)
        sent.is_out_of_order = sent.number < newest
        self._newest[sent.conversation] = max(newest, sent.number)
        return True

    def note_put(self, *, now: float) -> None:
        self.puts += 1
        self.last_at = now

    def summary(self) -> dict[str, float | None]:
        """Flat figures, in milliseconds and seconds; None where nothing arrived."""
        sent = list(self.messages.values())
        arrived = [one for one in sent if one.posted_at is not None]
        added = sorted((one.posted_at or 0.0) - one.at - one.provider_s for one in arrived)
        # The two halves of the added latency: before the provider was asked, and after it answered.
        before = sorted(one.asked_at - one.at for one in arrived if one.asked_at)
        after = sorted(
            (one.posted_at or 0.0) - one.asked_at - one.provider_s
            for one in arrived
            if one.asked_at
        )
        elapsed = self.last_at - min((one.at for one in sent), default=0.0)
        return {
            "messages": len(sent),
            "missing": len(sent) - len(arrived),
            "doubled": sum(one.posts - 1 for one in arrived),
            "foreign": self.foreign_posts,
            "order_violations": sum(one.is_out_of_order for one in arrived),
            "elapsed_s": elapsed,
            "messages_s": len(arrived) / elapsed if arrived and elapsed > 0 else None,
            "added_p50_ms": percentile_ms(added, 0.50),
            "added_p99_ms": percentile_ms(added, 0.99),
            "added_max_ms": percentile_ms(added, 1.0),
            "asking_p50_ms": percentile_ms(before, 0.50),
            "posting_p50_ms": percentile_ms(after, 0.50),
            "provider_requests": self.provider_requests,
            "provider_texts": self.provider_texts,
            "puts": self.puts,
            "history_reads": self.history_reads,
        }


def percentile_ms(ordered_s: list[float], share: float) -> float | None:
    """The nearest rank of an ordered list of seconds, in milliseconds."""
    if not ordered_s:
        return None
    rank = min(len(ordered_s) - 1, max(0, round(share * len(ordered_s)) - 1))
    return ordered_s[rank] * 1000
