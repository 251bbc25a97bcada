"""A page as a browser keeps it: what it shows after a snapshot and the events that follow."""

from __future__ import annotations

import json
from typing import Any

from conversations.live.frames import Frame


def frames_of(text: Frame | str) -> list[dict[str, Any]]:
    """A message of the socket is a frame, or several."""
    said = json.loads(text if isinstance(text, str) else text.text)
    return said if isinstance(said, list) else [said]


class Pieces:
    """Puts together what is too large for one message."""

    def __init__(self) -> None:
        self._text = ""

    def frames(self, text: Frame | str) -> list[dict[str, Any]]:
        found = frames_of(text)
        if found[0]["type"] != "part":
            return found
        self._text += found[0]["text"]
        if not found[0]["last"]:
            return []
        whole, self._text = self._text, ""
        return frames_of(whole)


class Page:
    """`lacks`: the seq after which it lacks something, where it has noticed that."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.conversation: dict[str, Any] = {}
        self.seq: int | None = None
        self.lacks: int | None = None
        self._parts = 0
        self._pieces = Pieces()

    def receive(self, text: Frame | str) -> None:
        for frame in self._pieces.frames(text):
            self.take(frame)

    def take(self, body: dict[str, Any]) -> None:
        kind = body["type"]
        if kind == "snapshot":
            self.rows, self.lacks = {}, None
            self.conversation = body["conversation"]
            self._parts = body.get("parts", 1)
            self.seq = body["seq"]
        if kind in ("snapshot", "rows"):
            self.rows |= {row["id"]: row for row in body["rows"]}
            self._parts -= 1
        if self._is_gap(body):
            self.lacks = self.seq
        elif kind in ("row", "conversation") and body["seq"] >= (self.seq or 0):
            self.lacks = None
            if kind == "row":
                self.rows[body["row"]["id"]] = body["row"]
            else:
                self.conversation = body["conversation"]
            self.seq = body["seq"]

    def asks_after(self) -> int | None:
        return self.lacks

    def comes_back(self) -> int | None:
        return self.seq

    @property
    def is_whole(self) -> bool:
        return self.seq is not None and self._parts == 0 and self.lacks is None

    def shown(self) -> tuple[Any, ...]:
        rows = sorted(self.rows.values(), key=lambda row: row["seq"])
        return self.conversation, rows, self.seq

    def _is_gap(self, body: dict[str, Any]) -> bool:
        if self.seq is None:
            return False
        if "after" in body:
            return bool(body["after"] > self.seq)
        return body["type"] == "heartbeat" and bool(body["seq"] > self.seq)
