"""The pages' doors, and those of what a page reads beside its socket."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.conversations.live.histories import History, a_conversation, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def history() -> History:
    made = History(a_conversation("c-1", agent_id="a-1"))
    made.say("guest", "Hola")
    return made


def doors(history: History) -> list[str]:
    pk = history.messages[0].pk
    return ["/live/c-1/messages/", f"/live/c-1/messages/?around={pk}", f"/live/c-1/messages/{pk}/"]


def statuses(history: History, user) -> set[int]:
    client = Client()
    if user is not None:
        client.force_login(user)
    return {client.get(door).status_code for door in doors(history)}


@pytest.mark.parametrize("group", ["supervisor", "admin"])
def test_who_watches_everything_reads_every_message(history: History, group: str):
    assert statuses(history, a_user("sam", group)) == {200}


def test_an_agent_reads_their_own_conversations_only(history: History):
    assert statuses(history, a_user("anna", "agent", agent_id="a-1")) == {200}
    assert statuses(history, a_user("ben", "agent", agent_id="a-2")) == {404}


def test_a_foreign_conversation_answers_as_a_missing_one(history: History):
    client = Client()
    client.force_login(a_user("ben", "agent", agent_id="a-2"))

    for door in doors(history):
        foreign, missing = client.get(door), client.get(door.replace("c-1", "c-none"))
        assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)


@pytest.mark.parametrize(("group", "status"), [("compliance", 403), ("", 403)])
def test_who_may_not_watch_reads_nothing(history: History, group: str, status: int):
    assert statuses(history, a_user("carl", group)) == {status}


def test_whoever_is_logged_out_is_told_so_in_a_status(history: History):
    assert statuses(history, None) == {401}


def test_nothing_is_changed_through_these_doors(history: History):
    client = Client()
    client.force_login(a_user("sam", "supervisor"))

    assert {client.post(door).status_code for door in doors(history)} == {405}


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "after=1&before=2", "around=", "after=" + "9" * 30]
)
def test_a_question_that_makes_no_sense_is_refused_in_words(history: History, query: str):
    client = Client()
    client.force_login(a_user("sam", "supervisor"))

    answer = client.get(f"/live/c-1/messages/?{query}")

    assert answer.status_code == 400
    assert "a number" in answer.json()["error"]


def test_a_message_of_another_conversation_is_missing(history: History):
    History(a_conversation("c-2")).say()
    pk = history.messages[0].pk
    client = Client()
    client.force_login(a_user("sam", "supervisor"))

    assert client.get(f"/live/c-2/messages/{pk}/").status_code == 404
    assert client.get(f"/live/c-2/messages/?around={pk}").status_code == 404
    assert client.get(f"/live/c-1/messages/{'9' * 40}/").status_code == 404


def test_nobody_keeps_a_copy_of_what_was_read(history: History):
    client = Client()
    client.force_login(a_user("sam", "supervisor"))

    answer = client.get("/live/c-1/messages/")

    assert "no-store" in answer["Cache-Control"]
    assert answer.json()["rows"][0]["original"]["text"] == "Hola"
