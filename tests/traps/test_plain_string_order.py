"""TRAP (protocol §2): as plain strings "msg-10" comes before "msg-9"; ids are numbers."""

from __future__ import annotations

from conversations.genesys.ordering import Ordering


def test_the_tenth_message_stands_after_the_ninth():
    ordering: Ordering[str] = Ordering()

    for sequence_id in ("msg-8", "msg-10", "msg-9", "msg-100", "msg-11"):
        ordering.place(sequence_id, sequence_id=sequence_id)

    assert [row.item for row in ordering.rows] == ["msg-8", "msg-9", "msg-10", "msg-11", "msg-100"]
    assert sorted(["msg-9", "msg-10"]) == ["msg-10", "msg-9"]  # what the trap is
