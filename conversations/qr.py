"""A QR code as the path of an SVG: markup stays in the template."""

from __future__ import annotations

from dataclasses import dataclass

import segno

_BORDER = 4  # squares without which no camera finds it


@dataclass(frozen=True, slots=True)
class Picture:
    """`path` draws the dark squares in a square of `size`, a margin included."""

    size: int
    path: str


def picture_of(text: str) -> Picture:
    rows = segno.make_qr(text, error="m").matrix
    squares = [
        f"M{x + _BORDER} {y + _BORDER}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, is_dark in enumerate(row)
        if is_dark
    ]
    return Picture(len(rows) + 2 * _BORDER, "".join(squares))
