"""A person's word on dead letters: replay, or close with a reason. Each is decided once.

What a decision changes stands in `replays`; a frame belongs to no conversation yet and is fed to
the recording service once more (`replayed_frames`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from django.utils import timezone

from conversations.models import DeadLetter
from conversations.net.strict_json import clean_text
from conversations.services.decisions import AT_ONCE, Outcome, commit
from conversations.services.reasons import NAMES_THE_GUEST, names_guest
from conversations.services.replayed_frames import replay_frame
from conversations.services.replays import DecideDeadLetter, Decision, Kind, refused, said

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def replay_dead_letters(ids: Collection[int], *, user: AbstractBaseUser) -> list[Outcome]:
    """Have what failed done once more, however old it is, as far as its kind allows."""
    letters, outcomes = _found(ids)
    frames = [letter for letter in letters if letter.kind == Kind.FRAME]
    changes = [
        DecideDeadLetter(letter, Decision.REPLAYED, user.pk)
        for letter in letters
        if letter.kind != Kind.FRAME
    ]
    outcomes += _committed(changes, user=user)
    return outcomes + [replay_frame(letter, user=user) for letter in frames]


def close_dead_letters(
    ids: Collection[int], *, user: AbstractBaseUser, reason: str
) -> list[Outcome]:
    """Leave it as it is, for good. Raises ValueError without a reason."""
    reason = clean_text(reason).strip()
    if not reason:
        raise ValueError("a dead letter is closed with a reason")
    letters, outcomes = _found(ids)
    naming = [one for one in letters if one.conversation and names_guest(reason, one.conversation)]
    outcomes += [Outcome(False, f"{said(one)}: {NAMES_THE_GUEST}") for one in naming]
    letters = [one for one in letters if one not in naming]
    changes = [
        DecideDeadLetter(letter, Decision.CLOSED, user.pk, reason)
        for letter in letters
        if letter.conversation_id is not None
    ]
    outcomes += _committed(changes, user=user)
    homeless = [letter for letter in letters if letter.conversation_id is None]
    return outcomes + [_close_alone(letter, user=user, reason=reason) for letter in homeless]


def _found(ids: Collection[int]) -> tuple[list[DeadLetter], list[Outcome]]:
    rows = DeadLetter.objects.select_related("conversation").in_bulk(list(ids))
    missing = [Outcome(False, f"There is no dead letter {pk}.") for pk in sorted({*ids} - {*rows})]
    return [rows[pk] for pk in sorted(rows)], missing


def _committed(changes: Sequence[DecideDeadLetter], *, user: AbstractBaseUser) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for start in range(0, len(changes), AT_ONCE):
        outcomes += commit(changes[start : start + AT_ONCE], user=user)
    return outcomes


def _close_alone(letter: DeadLetter, *, user: AbstractBaseUser, reason: str) -> Outcome:
    is_won = letter.decide(Decision.CLOSED, user_id=user.pk, now=timezone.now(), reason=reason)
    return Outcome(True, f"{said(letter)}: closed.") if is_won else refused(letter)
