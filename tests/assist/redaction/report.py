"""Recall and precision of the redaction, by kind: `python -m tests.assist.redaction.report`."""

from __future__ import annotations

import sys
from math import sqrt

from assist.redaction.spans import KINDS
from tests.assist.redaction.labelled import Figures, labelled_set, measured
from tests.assist.redaction.splits import leaks_of_split_cards


def main() -> None:
    for part in ("train", "test"):
        utterances = labelled_set(part)
        figures = measured(utterances)
        sys.stdout.write(f"{part}: {len(utterances):,} utterances\n{table(figures)}\n")
        sys.stdout.write("\n")
        if "--misses" in sys.argv[1:] and part == "train":
            for missed in figures.missed[:30]:
                sys.stdout.write(f"missed {missed.language} {missed.pieces!r}\n")
            for wrong, kind in figures.wrong[:30]:
                sys.stdout.write(f"wrong {kind} {wrong.language} {wrong.pieces!r}\n")
    leaks = leaks_of_split_cards(2000)
    sys.stdout.write(
        f"of 2,000 card numbers in two to five chunks, found whole: {2000 - len(leaks):,}\n"
    )


def table(figures: Figures) -> str:
    lines = [f"{'kind':8}{'said':>7}{'recall':>9}{'95 % from':>11}{'found':>7}{'precision':>11}"]
    for kind in KINDS:
        said, recall = figures.said[kind], figures.recall(kind)
        lines.append(
            f"{kind:8}{said:>7}{recall:>9.2%}{_low(recall, said):>11.2%}"
            f"{figures.found[kind]:>7}{figures.precision(kind):>11.2%}"
        )
    found = sum(figures.found.values())
    lines.append(
        f"{'all':8}{sum(figures.said.values()):>7}{'':20}{found:>7}{figures.precision():>11.2%}"
    )
    return "\n".join(lines)


def _low(share: float, count: int) -> float:
    """The lower end of Wilson's interval."""
    if not count:
        return 0.0
    z = 1.96
    middle = share + z * z / (2 * count)
    spread = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - spread) / (1 + z * z / count)


if __name__ == "__main__":
    main()
