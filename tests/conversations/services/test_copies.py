"""Transcript copies: one message once, in either order, and never a translation because of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from conversations.genesys.events import ConversationClosed, Event, MessageCopied
from conversations.models import Conversation, JournalEntry, Message, MessageCopy, MessageText
from conversations.services.copies import record_copies
from tests.conversations.histories import translated
from tests.conversations.services.decided import never_sent
from tests.conversations.services.wire import (
    AGENT,
    GUEST,
    assert_journal_holds,
    event,
    just_after,
    kinds,
    record,
    recorded,
)

pytestmark = pytest.mark.django_db

AT = datetime(2024, 6, 15, 10, 30, tzinfo=UTC)
PENDING = Message.TranslationState.PENDING


def copied(
    text: str = "Hola",
    *,
    id: str | None = None,  # noqa: A002 - the wire's word
    origin: str = "guest",
    after_s: float = 0.0,
    conversation: str = "conv-1",
    sender: str | None = None,
) -> MessageCopied:
    who = sender or {"guest": "external", "agent": AGENT.id, "system": ""}[origin]
    sent_at = AT + timedelta(seconds=after_s)
    return MessageCopied(conversation, id, origin, who, "", text, sent_at)  # type: ignore[arg-type]


def said(text: str = "Hola", *, after_s: float = 0.0, **more) -> Event:
    return event(text, sent_at=AT + timedelta(seconds=after_s), **more)


def known() -> Conversation:
    """A conversation in which something was said long before."""
    record(event("antes", sent_at=AT - timedelta(hours=1)))
    Message.objects.update(translation_state=Message.TranslationState.TRANSLATED)
    return Conversation.objects.get()


def spoken() -> list[Message]:
    return list(Message.objects.filter(sent_at__gte=AT - timedelta(minutes=5)).order_by("seq"))


@pytest.mark.parametrize("org_id", ["m-1", None])
@pytest.mark.parametrize("copy_id", ["m-1", None])
@pytest.mark.parametrize("org_first", [True, False])
def test_both_sockets_make_one_message(org_id, copy_id, org_first):
    known()
    steps = [lambda: record(said(id=org_id)), lambda: record_copies([copied(id=copy_id)])]

    for step in steps if org_first else reversed(steps):
        step()

    (message,) = spoken()
    assert message.translation_state == PENDING
    assert (message.sender_id, message.external_id) == (GUEST.id, org_id or copy_id or "") or (
        org_first and org_id is None
    )
    assert not MessageCopy.objects.get().is_alone
    assert not Conversation.objects.get().has_copies
    assert_journal_holds()


def test_a_copy_alone_is_stored_and_starts_no_translation():
    conversation = known()
    Conversation.objects.update(work_at=None)

    done = record_copies([copied("Solo aquí")])

    (message,) = spoken()
    assert (done.stored, message.translation_state, message.sender_id) == (1, "", GUEST.id)
    assert MessageText.objects.get(message=message).text == "Solo aquí"
    conversation.refresh_from_db()
    assert conversation.work_at is None
    assert_journal_holds()


def test_what_the_org_socket_brings_later_is_translated_then_and_once():
    known()
    record_copies([copied()])

    first = record(said(after_s=0.3))
    second = record(said(after_s=0.3))

    (message,) = spoken()
    assert (first.work, second.work, second.repeated) == (True, False, 1)
    assert message.translation_state == PENDING
    assert message.sent_at == AT + timedelta(seconds=0.3)
    assert kinds(message) == ["received", "matched"]


def test_a_claim_calls_for_a_worker():
    known()
    Conversation.objects.update(work_at=None)
    record_copies([copied()])

    record(said())

    assert Conversation.objects.get().work_at is not None


def test_equal_texts_within_two_seconds_are_matched_one_to_one():
    known()
    record(said("sí", after_s=0))
    record_copies([copied("sí", after_s=0), copied("sí", after_s=1)])

    record(said("sí", after_s=1))

    assert len(spoken()) == 2
    assert all(message.translation_state == PENDING for message in spoken())


def test_texts_are_compared_in_one_unicode_form():
    known()
    record(said("caf\u00e9"))

    done = record_copies([copied("cafe\u0301", after_s=1)])

    assert (done.merged, len(spoken())) == (1, 1)


@pytest.mark.parametrize(
    ("copy", "why"),
    [
        (copied("Hola", after_s=2.1), "too late"),
        (copied("Hola", after_s=-2.1), "too early"),
        (copied("Hola", origin="agent"), "the other direction"),
        (copied("Hola!"), "another text"),
        (copied("Hola", id="m-2"), "another id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_differs_is_another_message(copy, why):
    known()
    record(said(id="m-1"))

    record_copies([copy])

    assert len(spoken()) == 2, why


def test_a_repeated_copy_is_known_again():
    known()
    record(said("Hola"))
    record_copies([copied("Hola"), copied("nuevo")])

    done = record_copies([copied("Hola"), copied("nuevo"), copied("nuevo")])

    assert (done.repeated, len(spoken())) == (3, 2)


def test_an_agents_message_is_merged_too_and_never_translated():
    known()
    record_copies([copied("Hello", origin="agent")])

    record(said("Hello", sender=AGENT))

    (message,) = spoken()
    assert (message.origin, message.translation_state) == ("agent", "")


def test_a_system_message_is_recorded_as_such():
    known()

    record_copies([copied("Agent joined", origin="system")])

    (message,) = spoken()
    assert message.origin == Message.Origin.SYSTEM
    assert not Conversation.objects.get().has_copies
    assert_journal_holds()


@pytest.mark.parametrize("echo_first", [True, False])
def test_our_own_delivery_is_no_message_of_the_guest(echo_first):
    """TRAP, the endless loop, over the other socket."""
    delivery = translated(recorded("Hola", id="m-1"), "Hello")
    moment = just_after(delivery)
    steps = [
        lambda: record(event("Hello", sent_at=moment)),
        lambda: record_copies(
            [MessageCopied("conv-1", None, "guest", "external", "", "Hello", moment)]
        ),
    ]

    for step in steps if echo_first else reversed(steps):
        step()

    origins = sorted(Message.objects.values_list("origin", flat=True))
    assert origins == ["guest", "injected"]
    assert not Message.objects.filter(translation_state=PENDING).exists()


def test_a_delivery_known_by_the_id_of_its_answer_is_ours_whatever_its_text():
    delivery = translated(recorded("Hola", id="m-1"), "Hello")
    delivery.external_id = "x-1"
    delivery.save()

    record_copies([copied("H e l l o", id="x-1")])

    assert Message.objects.count() == 1


def test_a_copy_of_what_the_guest_says_is_not_taken_for_a_delivery_that_was_never_sent():
    delivery = never_sent()

    done = record_copies([replace(copied("Hello"), sent_at=delivery.created_at)])

    assert (done.stored, done.merged) == (1, 0)


def test_an_echo_that_was_taken_for_a_message_becomes_the_echo():
    """The platform altered the text, and its id was not known when the copy came."""
    delivery = translated(recorded("Hola", id="m-1"), "Hello")
    record_copies([copied("H e l l o", id="x-1")])
    delivery.external_id = "x-1"
    delivery.save()

    record(event("H e l l o", id="x-1", sent_at=just_after(delivery)))

    assert Message.objects.spoken().count() == 1
    assert Message.objects.get(external_id="x-1").echo_of == delivery
    assert_journal_holds()


def test_an_unknown_conversation_is_left_out():
    done = record_copies([copied(conversation="conv-9")])

    assert (done.moved, Conversation.objects.count()) == ([], 0)


# --- the end ------------------------------------------------------------------------------------


def test_the_end_is_recorded_once_with_its_entry():
    known()
    end = ConversationClosed("conv-1", AT)

    first, second = record_copies([end]), record_copies([end])

    conversation = Conversation.objects.get()
    assert (first.closed, second.closed) == (1, 0)
    assert (conversation.state, conversation.closed_at) == ("closed", AT)
    assert list(JournalEntry.objects.order_by("seq").values_list("kind", flat=True)) == [
        "received",
        "closed",
    ]
    assert_journal_holds()


def test_what_was_said_before_the_end_and_comes_late_opens_nothing():
    known()
    record_copies([ConversationClosed("conv-1", AT)])

    record(said(after_s=-1))
    assert Conversation.objects.get().state == "closed"

    record(said("otra vez", after_s=1))
    assert Conversation.objects.get().state == "open"


def test_the_echo_of_our_last_delivery_opens_nothing():
    delivery = translated(recorded("Hola", id="m-1"), "Hello")
    record_copies([ConversationClosed("conv-1", just_after(delivery) - timedelta(seconds=1))])

    record(event("Hello", sent_at=just_after(delivery)))

    assert Conversation.objects.get().state == "closed"


# --- any interleaving ---------------------------------------------------------------------------


class History:
    """Some lines of one conversation, as each socket brings them: in order, with or without ids."""

    def __init__(self, number: int, random: Random) -> None:
        self.name = f"conv-{number}"
        self.guests, self.lines, at = 0, random.randint(1, 7), 0.0
        self.org: list[Event] = []
        self.copies: list[MessageCopied] = []
        for line in range(self.lines):
            at += random.randint(1, 12) / 10
            text = random.choice(["sí", "no", "Hola"])
            origin = random.choice(["guest", "agent"])
            self.guests += origin == "guest"
            self._say(f"m-{line}", text, origin, at, random)
        self.turns = [True] * len(self.org) + [False] * len(self.copies)
        random.shuffle(self.turns)

    def _say(self, name: str, text: str, origin: str, at: float, random: Random) -> None:
        sender = GUEST if origin == "guest" else AGENT
        where = {"conversation": self.name, "after_s": at}
        one = said(text, id=random.choice([name, None]), sender=sender, **where)
        self.org += [one] * random.choice([1, 1, 2])
        self.copies.append(copied(text, origin=origin, id=random.choice([name, None]), **where))

    def step(self) -> tuple[Event | None, MessageCopied | None]:
        if not self.turns:
            return None, None
        return (self.org.pop(0), None) if self.turns.pop(0) else (None, self.copies.pop(0))


@pytest.mark.parametrize("seed", range(3))
def test_any_interleaving_stores_each_once_and_translates_each_guest_message_once(seed):
    random = Random(seed)
    histories = [History(number, random) for number in range(80)]
    record(*[event(conversation=one.name, sent_at=AT - timedelta(hours=1)) for one in histories])
    Message.objects.update(translation_state=Message.TranslationState.TRANSLATED)
    while any(one.turns for one in histories):
        steps = [one.step() for one in histories]
        before = Message.objects.filter(translation_state=PENDING).count()
        record_copies([copy for _, copy in steps if copy])
        assert Message.objects.filter(translation_state=PENDING).count() == before
        record(*[one for one, _ in steps if one])

    for one in histories:
        rows = Message.objects.filter(conversation__external_id=one.name, sent_at__gte=AT)
        assert rows.count() == one.lines, one.name
        assert rows.filter(translation_state=PENDING).count() == one.guests, one.name
        assert not Conversation.objects.get(external_id=one.name).has_copies
    assert_journal_holds()
