"""Where a message of the guest socket belongs: number-aware, late ones in place, repeats dropped.

Pure. Ids are strings that only grow (protocol §2). TRAP: as plain strings "msg-10" sorts before
"msg-9", so runs of digits are compared as numbers; of UUID-like ids, whose other digits mean
nothing, the numeric suffix alone counts.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Key = tuple[tuple[int, int | str], ...]

MAX_ID = 200  # a longer one is no id: int() refuses endless digits, and a row could not hold it
KEPT = 2_000  # messages whose place is remembered; far more than anybody scrolls back

_RUNS = re.compile(r"[0-9]+|[^0-9]+")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SUFFIX = re.compile(r"[0-9]+\Z")


def order_key(sequence_id: str | None) -> Key | None:
    """A key that sorts as ids grow; None for what has no number and so no place of its own."""
    if not sequence_id or len(sequence_id) > MAX_ID:
        return None
    suffix = _SUFFIX.search(sequence_id)
    if suffix is None:
        return None
    if _UUID.match(sequence_id):
        return ((0, int(suffix.group())),)
    return tuple(
        (0, int(run)) if run[0] in "0123456789" else (1, run) for run in _RUNS.findall(sequence_id)
    )


def missing_between(earlier: str, later: str) -> int:
    """How many ids lie between two neighbours, where they differ in the trailing number alone."""
    one, two = order_key(earlier), order_key(later)
    if one is None or two is None or one[:-1] != two[:-1]:
        return 0
    return max(0, int(two[-1][1]) - int(one[-1][1]) - 1)


@dataclass(slots=True)
class Placed(Generic[Item]):
    """A message in its place. `missing`: how many are missing directly before it."""

    item: Item
    sequence_id: str | None
    key: tuple[Key, str] | None = None
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Placement(Generic[Item]):
    """Where one went: before `following` (None: at the end), and whose gap changed with it."""

    placed: Placed[Item]
    following: Placed[Item] | None
    is_late: bool


@dataclass(slots=True)
class Ordering(Generic[Item]):
    """The transcript as far as it is known. Whatever order ids come in, it ends up the same."""

    kept: int = KEPT
    rows: list[Placed[Item]] = field(default_factory=list)
    repeated: int = 0
    forgotten: int = 0
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _keys: list[tuple[Key, str]] = field(default_factory=list)
    _keyed: list[Placed[Item]] = field(default_factory=list)

    def place(self, item: Item, *, sequence_id: str | None) -> Placement[Item] | None:
        """None: it is there already. Without a usable id it stands where it arrived: at the end."""
        if sequence_id:
            if sequence_id in self._seen:
                self.repeated += 1
                return None
            self._remember(sequence_id)
        found = order_key(sequence_id)
        if found is None:
            placed = Placed(item, sequence_id)
            self.rows.append(placed)
            self._forget()
            return Placement(placed, None, is_late=False)
        # The id itself decides between "7" and "07", so that every order of arrival agrees.
        return self._insert(Placed(item, sequence_id, (found, sequence_id or "")))

    def has(self, sequence_id: str | None) -> bool:
        return sequence_id in self._seen

    def _insert(self, placed: Placed[Item]) -> Placement[Item]:
        assert placed.key is not None  # noqa: S101 - only those with a key come here
        at = bisect(self._keys, placed.key)
        following = self._keyed[at] if at < len(self._keyed) else None
        self._keys.insert(at, placed.key)
        self._keyed.insert(at, placed)
        self.rows.insert(len(self.rows) if following is None else self._index(following), placed)
        if at > 0:
            placed.missing = _gap(self._keyed[at - 1], placed)
        if following is not None:
            following.missing = _gap(placed, following)
        self._forget()
        return Placement(placed, following, is_late=following is not None)

    def _index(self, wanted: Placed[Item]) -> int:
        """From the end: what comes late is rarely old."""
        return next(
            index for index in range(len(self.rows) - 1, -1, -1) if self.rows[index] is wanted
        )

    def _remember(self, sequence_id: str) -> None:
        self._seen[sequence_id] = None
        if len(self._seen) > 2 * self.kept:  # longer than their rows: repeats come late
            self._seen.popitem(last=False)

    def _forget(self) -> None:
        if len(self.rows) <= self.kept:
            return
        oldest = self.rows.pop(0)
        self.forgotten += 1
        if oldest.key is not None:
            at = self._keys.index(oldest.key)
            del self._keys[at], self._keyed[at]


def _gap(earlier: Placed[Item], later: Placed[Item]) -> int:
    return missing_between(earlier.sequence_id or "", later.sequence_id or "")
