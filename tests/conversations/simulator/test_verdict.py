"""The judge: each kind of wrong is found, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.simulator.verdict import check

ENGLISH = {"uno": "one", "dos": "two", "tres": "three"}


def said(*texts: str) -> list[dict[str, Any]]:
    return [
        {"kind": "event", "role": "guest", "conversationId": "c", "text": text, "seq": 0,
         "language": "ES", "translation": ENGLISH[text], "needs_translation": True}
        for text in texts
    ]  # fmt: skip


def posted(*texts: str) -> list[dict[str, Any]]:
    return [
        {"kind": "post", "conversationId": "c", "text": text, "applied": True, "seq": 0,
         "applied_index": index, "from": {"type": "guest"}}
        for index, text in enumerate(texts)
    ]  # fmt: skip


def put(*texts: str, language: str = "ES") -> list[dict[str, Any]]:
    return [
        {"kind": "put", "conversationId": "c", "applied": True, "seq": 0, "attributes":
         {"originalText": text, "originalLanguage": language,
          "translationTimestamp": "2024-06-15T10:30:01.120Z"}}
        for text in texts
    ]  # fmt: skip


THREE = ("uno", "dos", "tres")


@pytest.mark.parametrize(
    ("posts", "problem", "count"),
    [
        (("one", "two", "three"), None, 0),
        (("one", "three"), "lost", 1),
        (("one", "two", "two", "three"), "doubled", 1),
        (("two", "one", "three"), "out_of_order", 1),
        (("one", "two", "three", "four"), "wrong_texts", 1),
        ((), "lost", 3),
    ],
)
def test_each_wrong_is_named(posts: tuple[str, ...], problem: str | None, count: int) -> None:
    verdict = check([*said(*THREE), *posted(*posts), *put(*THREE)])

    expected = {problem} if problem else set()
    assert set(verdict.problems) == expected
    assert len(verdict.problems.get(problem or "", [])) == count


@pytest.mark.parametrize(
    ("posts", "problems"),
    [
        (("one", "a sentence of", "many words", "three"), set()),
        (("one", "a sentence", "of many", "words", "three"), set()),
        (("one", "a sentence of", "three", "many words"), {"wrong_texts", "lost"}),
        (("one", "many words", "a sentence of", "three"), {"wrong_texts", "lost"}),
        (("one", "a sentence of", "three"), {"wrong_texts", "lost"}),
        (("one", "a sentence of", "a sentence of", "many words", "three"), {"wrong_texts"}),
        (("one", "a sentence of", "many words", "many words", "three"), {"wrong_texts"}),
        (("one", "three", "a sentence of", "many words"), {"out_of_order"}),
    ],
)
def test_a_text_too_long_for_one_message_may_come_in_parts(
    posts: tuple[str, ...], problems: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGLISH, "dos", "a sentence of many words")

    verdict = check([*said(*THREE), *posted(*posts), *put(*THREE)])

    assert set(verdict.problems) - {"missing_puts", "wrong_attributes"} == problems


def test_equal_texts_in_a_row_need_their_own_posts() -> None:
    twice = said("uno", "uno")

    assert check([*twice, *posted("one", "one"), *put("uno", "uno")]).is_good
    assert len(check([*twice, *posted("one"), *put("uno")]).lost) == 1
    assert len(check([*twice, *posted("one", "one", "one"), *put("uno", "uno")]).doubled) == 1
    assert len(check([*twice, *posted("one", "one"), *put("uno")]).missing_puts) == 1


def test_attributes_must_be_right_and_in_order() -> None:
    base = [*said(*THREE), *posted("one", "two", "three")]

    assert len(check([*base, *put("uno", "dos")]).missing_puts) == 1
    assert len(check([*base, *put(*THREE, language="EN")]).wrong_attributes) == 3
    assert check([*base, *put("dos", "uno", "tres")]).wrong_attributes
    assert check([*base, *put("uno", "uno", "dos", "tres")]).extra_puts
    assert check([*base, *put("one", *THREE)]).wrong_attributes


def test_a_delivered_text_that_is_translated_again_is_a_loop() -> None:
    asked = {"kind": "translate", "texts": ["one"], "results": [], "seq": 9}
    base = [*said("uno"), *posted("one"), *put("uno"), asked]

    assert check(base).loops == [{"text": "one", "seq": 9}]
    guest_said_so = {"kind": "event", "role": "guest", "conversationId": "d", "text": "one"}
    assert check([*base, guest_said_so]).loops == []


def test_a_text_nobody_wrote_down_is_judged_by_what_the_service_answered() -> None:
    spoken = {**said("uno")[0], "translation": None}
    asked = {"kind": "translate", "texts": ["uno"], "results": [{"text": "1"}], "seq": 1}

    assert check([spoken, asked, *posted("1"), *put("uno")]).is_good
    assert check([spoken, asked, *posted("2"), *put("uno")]).wrong_texts
