"""Lines that still grow: shown live, at most once, kept nowhere. Redacted before they come here."""

from __future__ import annotations

from assist.calls import Line
from conversations.live import doorbell

TYPE = "line"


def show_line(interaction_id: str, line: Line) -> None:
    doorbell.pass_on(
        f"line:{interaction_id}",
        {
            "type": TYPE,
            "interaction": interaction_id,
            "text": line.text,
            "media_at": line.media_at.isoformat(),
            "confidence": line.confidence,
        },
    )
