"""Anchors: signed lines in a file outside the database that say how far each chain had come.

A chain shows any change but one: its end cut off together with the conversation's head. Each
anchor names the heads that moved since the last, the number of all entries and the anchor before,
under an Ed25519 signature; `anchor_checks` compares them with the chains (docs/journal.md).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Sum
from django.utils import timezone

from conversations.models import AnchorState, Conversation, JournalEntry

PURPOSE = "parley anchor 1"
# A transaction that began before an anchor may commit after it: the next ones look back so far.
LOOK_BACK = timedelta(seconds=180)
_STEP_BYTES = 64 * 1024


class AnchorsUnavailable(Exception):
    """The file cannot be read or written, or is not the one that was written last; says the fix."""


@dataclass(frozen=True, slots=True)
class Anchor:
    number: int
    at: datetime
    entries: int  # in the whole journal
    upto: int  # the newest entry's key, so that the next anchor knows where to look
    heads: Mapping[str, tuple[int, str]]  # by the platform's id of the conversation: seq, digest
    previous: str  # SHA-256 of the line before, "" for the first

    def body(self) -> str:
        """What is signed: the canonical JSON of all values, under a name for the purpose."""
        return json.dumps(
            [
                PURPOSE,
                self.number,
                self.at.astimezone(UTC).isoformat(timespec="microseconds"),
                self.entries,
                self.upto,
                {key: list(head) for key, head in sorted(self.heads.items())},
                self.previous,
            ],
            separators=(",", ":"),
            ensure_ascii=False,
        )

    def line(self, key: Ed25519PrivateKey) -> str:
        signed = json.loads(self.body())
        names = ("number", "at", "entries", "upto", "heads", "previous")
        values = dict(zip(names, signed[1:], strict=True))
        values["signature"] = key.sign(self.body().encode()).hex()
        return json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def read_anchor(line: str) -> tuple[Anchor, bytes]:
    """The anchor and its signature. Raises ValueError where the line is none."""
    try:
        values = json.loads(line)
        heads = {str(key): (int(seq), str(head)) for key, (seq, head) in values["heads"].items()}
        anchor = Anchor(
            number=int(values["number"]),
            at=datetime.fromisoformat(values["at"]),
            entries=int(values["entries"]),
            upto=int(values["upto"]),
            heads=heads,
            previous=str(values["previous"]),
        )
        return anchor, bytes.fromhex(values["signature"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no anchor: {type(error).__name__}") from error


def digest_of_line(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def signing_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(settings.JOURNAL_SIGNING_KEY))


def anchors_are_kept() -> bool:
    return bool(settings.JOURNAL_ANCHOR_FILE and settings.JOURNAL_SIGNING_KEY)


def write_anchor(*, now: datetime | None = None) -> Anchor | None:
    """Append one anchor; None where nothing moved since the last, or another process is at it.

    The row is locked while the line is written and synced, and committed after: whoever dies in
    between leaves a line that the row does not know yet, and the next anchor goes on from it.
    Raises AnchorsUnavailable.
    """
    now = now or timezone.now()
    path = Path(settings.JOURNAL_ANCHOR_FILE)
    AnchorState.objects.get_or_create(pk=1, defaults={"number": 0, "digest": "", "at": now})
    with transaction.atomic():
        state = AnchorState.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if state is None:
            return None
        try:
            last = _last_of(path, state)
            anchor = _next(state, last, now=now)
            if anchor is None:
                return None
            line = anchor.line(signing_key())
            _append(path, line)
        except OSError as error:
            raise AnchorsUnavailable(
                f"JOURNAL_ANCHOR_FILE: cannot write {path} ({error.strerror}). Fix the path or its "
                "permissions; until then the ends of chains are not anchored."
            ) from error
        state.number, state.digest, state.at = anchor.number, digest_of_line(line), now
        state.looked_at = _still_needed([*state.looked_at, [now.isoformat(), anchor.upto]], now=now)
        state.save()
    return anchor


def _last_of(path: Path, state: AnchorState) -> Anchor | None:
    """The anchor to go on from, if the file ends with it; the row is told of one it missed."""
    line = _last_line(path)
    try:
        anchor, signature = read_anchor(line)
        signing_key().public_key().verify(signature, anchor.body().encode())
    except (ValueError, InvalidSignature):
        return None
    if (anchor.number, anchor.previous) == (state.number + 1, state.digest):
        state.number, state.digest = anchor.number, digest_of_line(line)
    return anchor if state.digest == digest_of_line(line) else None


def _next(state: AnchorState, last: Anchor | None, *, now: datetime) -> Anchor | None:
    """Goes on from the row, whatever became of the file: what is gone is found by its number."""
    upto = JournalEntry.objects.aggregate(key=Max("pk"))["key"] or 0
    entries = Conversation.objects.aggregate(sum=Sum("seq"))["sum"] or 0
    moved = JournalEntry.objects.filter(pk__gt=_looked_up_to(state, last))
    heads = Conversation.objects.filter(pk__in=moved.values("conversation_id")).values_list(
        "external_id", "seq", "head"
    )
    known = last.heads if last else {}
    new = {key: (seq, head) for key, seq, head in heads if known.get(key) != (seq, head)}
    if last is not None and not new and entries == last.entries:
        return None
    return Anchor(state.number + 1, now, entries, upto, new, state.digest)


def _looked_up_to(state: AnchorState, last: Anchor | None) -> int:
    """Up to this key all entries were there when the last anchor looked.

    The row is not signed, so that it may say no more than the last anchor does.
    """
    if last is None:
        return 0
    since = state.at - LOOK_BACK
    settled = [key for at, key in state.looked_at if datetime.fromisoformat(at) <= since]
    return min(int(settled[-1]), last.upto) if settled else 0


def _still_needed(looked_at: list[list[Any]], *, now: datetime) -> list[list[Any]]:
    """Those within the look-back, and the one before them."""
    old = [one for one in looked_at if datetime.fromisoformat(one[0]) <= now - LOOK_BACK]
    return [*old[-1:], *looked_at[len(old) :]]


def _last_line(path: Path) -> str:
    """The last whole line; "" where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            step = _STEP_BYTES
            while True:
                file.seek(max(0, size - step))
                lines = file.read().split(b"\n")[:-1]  # what follows the last line end is torn
                if len(lines) > 1 or (lines and step >= size):
                    return lines[-1].decode("utf-8", "replace")
                if step >= size:
                    return ""
                step *= 8
    except FileNotFoundError:
        return ""


def _append(path: Path, line: str) -> None:
    """One write, synced; a line that a dying machine left torn is taken away before it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.ftruncate(descriptor, _end_of_whole_lines(descriptor, size))
        whole = line.encode() + b"\n"
        if os.write(descriptor, whole) < len(whole):  # what is torn is taken away next time
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _end_of_whole_lines(descriptor: int, size: int) -> int:
    place = size
    while place:
        begin = max(0, place - _STEP_BYTES)
        found = os.pread(descriptor, place - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        place = begin
    return 0
