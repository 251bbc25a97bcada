"""What a chain alone cannot show, anchors do: its end cut off, all of it replaced."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversations.models import AnchorState, Conversation, JournalEntry
from conversations.services import anchors
from conversations.services.anchor_checks import AnchorReport, verify_anchors
from conversations.services.anchors import AnchorsUnavailable, signing_key, write_anchor
from conversations.services.verification import FaultKind, verify_journal
from tests.conversations import histories
from tests.conversations.histories import tamper
from tests.conversations.services import forging

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def file(settings: Any, tmp_path: Path) -> Path:
    settings.JOURNAL_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    return tmp_path / "anchors.jsonl"


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def verified(file: Path) -> AnchorReport:
    return verify_anchors(file, public_key=signing_key().public_key())


def kinds(file: Path) -> set[FaultKind]:
    return {fault.kind for fault in verified(file).faults}


def three_anchors(file: Path) -> None:
    for number in range(1, 4):
        histories.conversation(f"conv-{number}", messages=2)
        assert write_anchor() is not None


def set_head_back(conversation: str, seq: int) -> None:
    """What no chain shows: the end cut off and the head moved to what is left."""
    pk = Conversation.objects.get(external_id=conversation).pk
    last = JournalEntry.objects.get(conversation_id=pk, seq=seq)
    tamper(
        "DELETE FROM conversations_journalentry WHERE conversation_id = %s AND seq > %s", [pk, seq]
    )
    tamper(
        "UPDATE conversations_conversation SET seq = %s, head = %s WHERE id = %s",
        [seq, last.digest, pk],
    )


def digest_again(conversation: str, *, begin: int = 1) -> None:
    """Whoever holds JOURNAL_KEY makes a chain that is valid in itself."""
    tamper("SELECT 1")  # the triggers are gone from here on
    last = Conversation.objects.get(external_id=conversation).seq
    forging.digest_again(conversation, first=begin, last=last)


# --- writing ------------------------------------------------------------------------------------
def test_each_anchor_names_the_heads_that_moved_and_goes_on_from_the_one_before(file: Path):
    three_anchors(file)

    first, second, _ = (json.loads(line) for line in lines(file))
    assert [json.loads(line)["number"] for line in lines(file)] == [1, 2, 3]
    assert set(first["heads"]) == {"conv-1"}
    assert set(second["heads"]) == {"conv-2"}
    head = Conversation.objects.get(external_id="conv-2")
    assert second["heads"]["conv-2"] == [head.seq, head.head]
    assert second["entries"] == 2 * head.seq
    report = verified(file)
    assert report.holds
    assert (report.anchors, report.valid_anchors, report.heads) == (3, 3, 3)


def test_where_nothing_moved_nothing_is_anchored(file: Path):
    histories.conversation()
    write_anchor()

    assert write_anchor() is None
    assert len(lines(file)) == 1


def test_what_committed_late_is_anchored_by_one_of_the_next(file: Path):
    """Its entries have lower keys than those that an anchor has seen already."""
    histories.conversation("conv-late", messages=1)
    late = JournalEntry.objects.order_by("-pk")[0].pk
    histories.conversation("conv-1", messages=1)
    began = timezone.now()
    hidden = Conversation.objects.filter(external_id="conv-late")
    hidden.update(external_id="conv-hidden")
    write_anchor(now=began)
    first = json.loads(lines(file)[0])
    assert first["upto"] > late
    hidden = Conversation.objects.filter(external_id="conv-hidden")
    hidden.update(external_id="conv-late")

    write_anchor(now=began + timedelta(seconds=60))

    assert "conv-late" in json.loads(lines(file)[1])["heads"]


def test_an_anchor_looks_no_further_back_than_a_transaction_may_last(file: Path):
    began = timezone.now()
    for number in range(6):
        histories.conversation(f"conv-{number}", messages=1)
        write_anchor(now=began + timedelta(seconds=120 * number))

    state = AnchorState.objects.get()
    assert len(state.looked_at) == 3  # 0 and 120 s ago, and the newest one before the look-back
    upto = {datetime.fromisoformat(at): key for at, key in state.looked_at}
    last = anchors._last_of(file, state)
    assert anchors._looked_up_to(state, last) == upto[min(upto)]


FAR_AHEAD = '[["2000-01-01T00:00:00+00:00",9000000000000000000]]'


def test_no_row_of_the_database_keeps_a_head_out_of_the_anchors(file: Path):
    began = timezone.now()
    for number in range(4):
        histories.conversation(f"conv-{number}", messages=1)
        write_anchor(now=began + timedelta(seconds=120 * number))
        tamper("UPDATE conversations_anchorstate SET looked_at = %s", [FAR_AHEAD])

    named = [set(json.loads(line)["heads"]) for line in lines(file)]
    assert all(f"conv-{number}" in heads for number, heads in enumerate(named))
    assert verified(file).holds


def test_what_committed_late_is_anchored_also_after_a_rest(file: Path):
    histories.conversation("conv-late", messages=1)
    histories.conversation("conv-1", messages=1)
    began = timezone.now()
    Conversation.objects.filter(external_id="conv-late").update(external_id="conv-hidden")
    write_anchor(now=began)
    Conversation.objects.filter(external_id="conv-hidden").update(external_id="conv-late")

    write_anchor(now=began + timedelta(seconds=600))

    assert "conv-late" in json.loads(lines(file)[1])["heads"]


def test_a_writer_that_died_before_its_commit_is_gone_on_from(file: Path):
    histories.conversation("conv-1")
    write_anchor()
    before = AnchorState.objects.values().get()
    histories.conversation("conv-2")
    write_anchor()
    AnchorState.objects.update(**before)  # its transaction was rolled back, its line is there

    histories.conversation("conv-3")
    write_anchor()

    assert [json.loads(line)["number"] for line in lines(file)] == [1, 2, 3]
    assert verified(file).holds


def test_a_line_that_a_dying_machine_left_torn_is_replaced(file: Path):
    three_anchors(file)
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"number":4,"at":"2024-')
    histories.conversation("conv-4")

    write_anchor()

    assert len(lines(file)) == 4
    assert verified(file).holds


def test_a_very_long_last_line_is_found(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(anchors, "_STEP_BYTES", 16)
    three_anchors(file)
    histories.conversation("conv-4")

    write_anchor()

    assert verified(file).holds


def test_a_file_that_cannot_be_written_is_named_with_the_fix(settings: Any, tmp_path: Path):
    settings.JOURNAL_ANCHOR_FILE = str(tmp_path / "nowhere" / "anchors.jsonl")
    histories.conversation()

    with pytest.raises(AnchorsUnavailable, match="JOURNAL_ANCHOR_FILE: cannot write"):
        write_anchor()


def test_a_line_that_the_disk_has_no_room_for_is_no_anchor(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    three_anchors(file)
    histories.conversation("conv-4")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:20]))

    with pytest.raises(AnchorsUnavailable, match="No space left"):
        write_anchor()

    monkeypatch.setattr(os, "write", write)
    assert write_anchor() is not None
    assert len(lines(file)) == 4
    assert verified(file).holds


# --- what anchors show --------------------------------------------------------------------------
def test_an_end_cut_off_together_with_its_head_is_found(file: Path):
    three_anchors(file)

    set_head_back("conv-2", 8)

    assert verify_journal().holds  # the chain alone does not show it
    assert kinds(file) == {FaultKind.CUT_OFF}


def test_a_chain_made_anew_with_the_key_is_found(file: Path):
    three_anchors(file)

    digest_again("conv-3")

    assert verify_journal().holds
    assert kinds(file) == {FaultKind.REPLACED}


def test_an_end_made_anew_with_the_key_is_found(file: Path):
    three_anchors(file)

    digest_again("conv-1", begin=6)

    assert verify_journal().holds
    assert kinds(file) == {FaultKind.REPLACED}


def test_a_conversation_removed_whole_is_found(file: Path):
    three_anchors(file)

    tamper("UPDATE conversations_conversation SET external_id = 'conv-x', seq = 0 WHERE id = %s",
           [Conversation.objects.get(external_id="conv-2").pk])  # fmt: skip

    assert FaultKind.CUT_OFF in kinds(file)


@pytest.fixture
def heads_kept_out(file: Path, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """conv-1 was in no anchor for minutes; when the last of them was written."""
    began = timezone.now()
    histories.conversation("conv-0", messages=1)
    write_anchor(now=began)
    monkeypatch.setattr(anchors, "_looked_up_to", lambda *asked: 9 * 10**18)
    for number in range(1, 4):
        histories.conversation(f"conv-{number}", messages=1)
        write_anchor(now=began + timedelta(seconds=120 * number))
    monkeypatch.undo()
    return began + timedelta(seconds=360)


def test_what_no_anchor_names_although_it_was_there_is_found(file: Path, heads_kept_out: datetime):
    assert [str(fault) for fault in verified(file).faults] == [
        "not anchored: conversation conv-1, entry 5"
    ]


def test_anchors_that_counted_more_before_are_found_when_as_much_was_written_since(
    file: Path, heads_kept_out: datetime
):
    tamper("UPDATE conversations_conversation SET seq = 0 WHERE external_id = 'conv-1'")
    write_anchor(now=heads_kept_out + timedelta(seconds=60))
    histories.conversation("conv-4", messages=1)
    write_anchor(now=heads_kept_out + timedelta(seconds=120))

    assert FaultKind.CUT_OFF in kinds(file)


def test_anchors_that_begin_later_than_the_journal_name_all_of_it(file: Path):
    began = timezone.now()
    histories.conversation("conv-old", messages=1)
    for number in range(4):
        histories.conversation(f"conv-{number}", messages=1)
        write_anchor(now=began + timedelta(seconds=120 * number))

    assert verified(file).holds


def test_what_is_newer_than_the_last_anchor_is_no_fault(file: Path):
    three_anchors(file)
    histories.conversation("conv-4")

    assert verified(file).holds


@pytest.mark.parametrize("place", [0, 1])
def test_a_line_taken_out_is_missing(file: Path, place: int):
    three_anchors(file)
    left = lines(file)
    del left[place]
    file.write_text("\n".join(left) + "\n", encoding="utf-8")

    assert kinds(file) == {FaultKind.ANCHOR_MISSING}


@pytest.mark.parametrize("left", [0, 1, 2])
def test_the_last_lines_cut_off_are_missing(file: Path, left: int):
    three_anchors(file)
    file.write_text("".join(f"{line}\n" for line in lines(file)[:left]), encoding="utf-8")

    assert kinds(file) == {FaultKind.ANCHOR_MISSING}


def test_a_file_taken_away_is_missing_and_the_next_anchor_goes_on(file: Path):
    three_anchors(file)
    file.unlink()
    assert kinds(file) == {FaultKind.ANCHOR_MISSING}
    histories.conversation("conv-4")

    write_anchor()

    assert json.loads(lines(file)[0])["number"] == 4
    assert set(json.loads(lines(file)[0])["heads"]) == {f"conv-{n}" for n in range(1, 5)}


@pytest.mark.parametrize(
    ("name", "value"),
    [("number", 7), ("entries", 1), ("heads", {}), ("previous", "0" * 64), ("signature", "00")],
)
def test_an_edited_line_is_forged(file: Path, name: str, value: object):
    three_anchors(file)
    edited = lines(file)
    edited[1] = json.dumps(json.loads(edited[1]) | {name: value})
    file.write_text("\n".join(edited) + "\n", encoding="utf-8")

    assert FaultKind.ANCHOR_FORGED in kinds(file)


@pytest.mark.parametrize("line", ["", "no JSON", "[1]", '{"number": "x"}', '{"heads": []}'])
def test_a_line_that_is_no_anchor_is_forged(file: Path, line: str):
    three_anchors(file)
    file.write_text("\n".join([line, *lines(file)[1:]]) + "\n", encoding="utf-8")

    assert FaultKind.ANCHOR_FORGED in kinds(file)


def test_lines_that_changed_places_are_found(file: Path):
    three_anchors(file)
    first, second, third = lines(file)
    file.write_text(f"{second}\n{first}\n{third}\n", encoding="utf-8")

    assert kinds(file) == {FaultKind.ANCHOR_MISSING}


def test_anchors_signed_with_another_key_are_forged(file: Path, settings: Any):
    histories.conversation()
    theirs, settings.JOURNAL_SIGNING_KEY = settings.JOURNAL_SIGNING_KEY, "ab" * 32
    write_anchor()
    settings.JOURNAL_SIGNING_KEY = theirs

    assert kinds(file) == {FaultKind.ANCHOR_FORGED}


# --- the command --------------------------------------------------------------------------------
def test_the_command_counts_anchors_and_keeps_the_run(
    file: Path, capsys: pytest.CaptureFixture[str]
):
    three_anchors(file)

    call_command("verify_audit")

    assert "3 of 3 anchors valid" in capsys.readouterr().out


def test_the_command_names_what_was_cut_off(file: Path, capsys: pytest.CaptureFixture[str]):
    three_anchors(file)
    set_head_back("conv-2", 5)
    public = signing_key().public_key().public_bytes_raw().hex()

    with pytest.raises(CommandError) as refused:
        call_command("verify_audit", "--anchors", str(file), "--public-key", public)

    assert refused.value.returncode == 1
    assert "cut off: conversation conv-2" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["", "zz", "ab"])
def test_the_command_refuses_what_is_no_public_key(file: Path, key: str):
    with pytest.raises(CommandError, match="64 hexadecimal digits") as refused:
        call_command("verify_audit", "--anchors", str(file), "--public-key", key)

    assert refused.value.returncode == 2
