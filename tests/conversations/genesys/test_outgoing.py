"""From the queue to the platform's word: nothing lost, nothing sent twice by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.genesys.attachments import attachments_of
from conversations.genesys.events import ChatMessage
from conversations.genesys.exceptions import QueueFull
from conversations.genesys.outgoing import Outgoing, OutgoingMessage


def shown(text: str, number: int = 1, sender: Any = "guest", *, files: Any = ()) -> ChatMessage:
    return ChatMessage(text, f"msg-{number}", sender, attachments=attachments_of(list(files)))


def sent(*texts: str) -> tuple[Outgoing, list[OutgoingMessage]]:
    outgoing, messages = Outgoing(), [OutgoingMessage(text, text) for text in texts]
    for message in messages:
        outgoing.put(message)
        outgoing.take()
    return outgoing, messages


def states(messages: list[OutgoingMessage]) -> list[str]:
    return [message.state for message in messages]


def test_a_message_is_queued_sent_and_confirmed_by_its_appearance():
    outgoing, message = Outgoing(), OutgoingMessage("1", "Hola")
    outgoing.put(message)
    assert message.state == "queued"

    assert outgoing.take() is message
    assert message.state == "sent"

    assert outgoing.appeared(shown("Hola", 7)) is message
    assert (message.state, message.sequence_id) == ("confirmed", "msg-7")
    assert outgoing.take() is None


def test_what_an_agent_says_or_what_is_posted_in_our_name_is_not_ours():
    outgoing, _ = sent("Hola")

    assert outgoing.appeared(shown("Hola", sender="agent")) is None
    assert outgoing.appeared(shown("Hello")) is None
    assert outgoing.appeared(shown("Hola", files=[{"id": "a"}])) is None


def test_equal_texts_are_confirmed_one_by_one_and_the_oldest_first():
    outgoing, (first, second) = sent("sí", "sí")

    assert outgoing.appeared(shown("sí", 1)) is first
    assert outgoing.appeared(shown("sí", 2)) is second
    assert outgoing.appeared(shown("sí", 3)) is None


def test_after_a_reconnect_what_did_not_arrive_goes_again_before_what_waits():
    outgoing, messages = sent("a", "b", "c")
    outgoing.put(OutgoingMessage("d", "d"))

    lost = outgoing.reconnected([shown("b"), shown("other"), shown("a", sender="agent")])

    assert [message.text for message in lost] == ["a", "c"]
    assert states(messages) == ["queued", "sent", "queued"]
    assert [message.text for message in outgoing.waiting] == ["a", "c", "d"]


def test_without_a_history_nothing_is_sent_again_by_itself():
    outgoing, messages = sent("a", "b")

    assert outgoing.reconnected(None) == messages
    assert states(messages) == ["unconfirmed", "unconfirmed"]
    assert "does not say" in messages[0].reason
    assert not outgoing.waiting


def test_a_refusal_is_about_the_oldest_that_was_not_seen():
    outgoing, (first, second) = sent("a", "b")

    assert outgoing.refused("message.too.long", "too long") is first
    assert (first.state, first.reason, second.state) == ("refused", "too long", "sent")


def test_a_message_that_came_too_fast_goes_again():
    outgoing, messages = sent("a", "b")

    outgoing.refused("rate.limit", "slow down")

    assert states(messages) == ["queued", "sent"]
    assert outgoing.take() is messages[0]


@pytest.mark.parametrize("code", ["", "context.invalid", "connect.again"])
def test_an_error_about_something_else_touches_no_message(code: str):
    outgoing, messages = sent("a")

    assert outgoing.refused(code, "no") is None
    assert states(messages) == ["sent"]


def test_the_queue_is_bounded_and_says_so():
    outgoing = Outgoing(limit=2)
    for number in range(2):
        outgoing.put(OutgoingMessage(str(number), "x"))

    with pytest.raises(QueueFull, match="2 messages wait"):
        outgoing.put(OutgoingMessage("3", "x"))


@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=20), st.integers(0, 20), st.integers(0, 9)
)
def test_a_broken_connection_loses_nothing_doubles_nothing_and_keeps_the_order(
    texts: list[str], arrived: int, seen: int
):
    """The platform has taken a prefix of what was sent, and shown a prefix of that."""
    outgoing, messages = sent(*texts)
    taken = [shown(text, number) for number, text in enumerate(texts[:arrived])]
    for one in taken[:seen]:
        outgoing.appeared(one)

    outgoing.reconnected(taken[seen:])
    for one in taken[seen:]:
        outgoing.appeared(one)
    while outgoing.take():
        pass

    assert states(messages)[:arrived] == ["confirmed"] * len(taken)
    assert [message.ref for message in outgoing.sent] == texts[arrived:]
