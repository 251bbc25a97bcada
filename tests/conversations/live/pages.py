"""A page as a browser keeps it: what it shows after a snapshot and the events that follow."""

from __future__ import annotations

import json
from typing import Any

from conversations.live.frames import Frame


class Page:
    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.conversation: dict[str, Any] = {}
        self.seq: int | None = None

    def receive(self, frame: Frame | str) -> None:
        body = json.loads(frame if isinstance(frame, str) else frame.text)
        if body["type"] == "snapshot":
            self.rows = {row["id"]: row for row in body["rows"]}
            self.conversation = body["conversation"]
        elif body["type"] == "row":
            self.rows[body["row"]["id"]] = body["row"]
        elif body["type"] == "conversation":
            self.conversation = body["conversation"]
        else:
            return
        self.seq = body["seq"]

    def shown(self) -> tuple[Any, ...]:
        rows = sorted(self.rows.values(), key=lambda row: row["seq"])
        return self.conversation, rows, self.seq
