"""Small runs as the simulator's ledger and our record would tell them, for tests of the checker."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.checker import judge
from tests.faults.findings import Findings
from tests.faults.record import Record, RecordedDelivery, RecordedMessage
from tests.faults.reviews import Limits

BEGAN = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)
CONVERSATION = "conv-1"


@dataclass(slots=True)
class Run:
    """A run in which all went well, message by message; tests then spoil it."""

    ledger: list[dict[str, Any]] = field(default_factory=list)
    record: Record = field(default_factory=Record)
    pages: list[str] = field(default_factory=list)
    planned: dict[str, int] = field(default_factory=dict)
    happened: dict[str, int] = field(default_factory=dict)

    def judge(self) -> Findings:
        return judge(
            ledger=self.ledger,
            record=self.record,
            pages=self.pages,
            planned=self.planned,
            happened=self.happened,
            limits=Limits(clock_offset_s=BEGAN.timestamp()),
        )

    def say(self, number: int) -> None:
        """The guest's message, translated, delivered, echoed, with its attributes."""
        source, text = f"g-{number}", f"Hello {number}"
        self._note("event", role="guest", messageId=source, text=f"Hola {number}", language="ES",
                   translation=text, needs_translation=True, at=float(number))  # fmt: skip
        self.post(number)
        self._note("put", attributes={"originalText": f"Hola {number}", "originalLanguage": "ES",
                   "translationTimestamp": "2024-06-15T10:30:00Z"}, applied=True)  # fmt: skip
        self.record.messages += [
            RecordedMessage(CONVERSATION, source, "guest", "translated",
                            Counter({"received": 1, "translated": 1}), "received"),
            RecordedMessage(CONVERSATION, f"p-{number}", "injected", "", Counter(), "echoed"),
        ]  # fmt: skip
        self.record.deliveries.append(
            RecordedDelivery(
                conversation=CONVERSATION,
                source_id=source,
                external_id=f"p-{number}",
                original=f"Hola {number}",
                translated=text,
                state="confirmed",
                reason="",
                attempts=1,
                attributes_state="written",
                attributes_written=1,
                sent_at=BEGAN,
                sending_at=BEGAN + timedelta(seconds=number),
                review_at=None,
                kinds=Counter({"sending": 1, "confirmed": 1, "attributes_written": 1}),
            )
        )

    def post(self, number: int, *, id: str = "", at: float | None = None) -> None:  # noqa: A002
        moment = number + 0.1 if at is None else at
        index = 1 + sum(entry["kind"] == "post" for entry in self.ledger)
        sender = {"id": "guest-1", "type": "guest"}
        self._note("post", text=f"Hello {number}", applied=True, applied_at=moment,
                   applied_index=index, messageId=id or f"p-{number}",
                   **{"from": sender})  # fmt: skip

    def forget(self, kind: str, number: int) -> None:
        """Take what the ledger says of this message away again."""
        texts = {f"Hola {number}", f"Hello {number}"}
        self.ledger = [
            entry
            for entry in self.ledger
            if entry["kind"] != kind
            or not texts & {entry.get("text"), entry.get("attributes", {}).get("originalText")}
        ]

    def read_history(self, at: float, *, status: int = 200) -> None:
        self._note("history", at=at, status=status)

    def change(self, number: int, **values: Any) -> None:
        """The delivery of this message, other than it was."""
        rows = self.record.deliveries
        for place, row in enumerate(rows):
            if row.source_id == f"g-{number}":
                rows[place] = replace(row, **values)

    def put_before_a_person(self, number: int, *, after_s: float = 12.0, **values: Any) -> None:
        """Sent, not applied, in review `after_s` later."""
        self.forget("post", number)
        self.forget("put", number)
        self.record.messages = [
            row for row in self.record.messages if row.external_id != f"p-{number}"
        ]
        self.change(
            number,
            **{
                "state": "review",
                "reason": "nothing shows it",
                "external_id": "",
                "attributes_state": "",
                "attributes_written": 0,
                "review_at": BEGAN + timedelta(seconds=number + after_s),
                "kinds": Counter({"sending": 1, "ambiguous": 1, "review": 1}),
                **values,
            },
        )

    def _note(self, kind: str, **values: Any) -> None:
        entry = {"seq": len(self.ledger) + 1, "kind": kind, "conversationId": CONVERSATION}
        self.ledger.append({**entry, "at": 0.0, **values})


def a_run(messages: int = 3) -> Run:
    run = Run()
    for number in range(1, messages + 1):
        run.say(number)
    return run
