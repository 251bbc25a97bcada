"""What redaction costs: a talk of which every seventh chunk holds something personal."""

from __future__ import annotations

import random
import statistics
import time

from assist.redaction.redactor import Redactor
from assist.redaction.window import RedactionWindow
from tests.assist.redaction.labelled import labelled_set

_PLAIN = (
    "well I was wondering whether you could tell me something about my parcel",
    "of course let me have a look at it one moment please",
    "the two of us arrived at ten and nobody was there to help",
    "that is what I thought too thank you very much",
)


def figures(*, chunks: int = 4000) -> dict[str, float | None]:
    rng = random.Random(4)
    personal = [piece for one in labelled_set("test") for piece in one.pieces]
    window: RedactionWindow[int] = RedactionWindow(Redactor(language="en-US"))
    times = []
    for number in range(chunks):
        text = rng.choice(personal) if number % 7 == 0 else rng.choice(_PLAIN)
        began = time.perf_counter()
        window.final(text, number, now=number * 0.5)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return {
        "redaction_p50_ms": statistics.median(times),
        "redaction_p99_ms": times[int(len(times) * 0.99)],
        "redaction_mean_ms": statistics.fmean(times),
    }
