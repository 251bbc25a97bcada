"""What every provider's answer goes through before anybody sees it."""

from __future__ import annotations

import pytest

from translation.exceptions import InvalidAnswer
from translation.providers.base import Translated, checked, clean


def test_an_answer_for_each_text_passes_as_it_is():
    answers = [Translated("Hello", "ES"), Translated("Bye", "ES")]

    assert checked(["Hola", "Adiós"], answers) == answers


@pytest.mark.parametrize("answers", [[], [Translated("a", "ES")] * 3])
def test_fewer_or_more_answers_than_texts_are_refused(answers: list[Translated]):
    with pytest.raises(InvalidAnswer):
        checked(["Hola", "Adiós"], answers)


def test_an_empty_translation_of_a_text_is_refused():
    with pytest.raises(InvalidAnswer):
        checked(["Hola"], [Translated("", "ES")])


def test_what_no_database_takes_is_replaced():
    assert clean("a\x00b\ud800") == "a\u2400b\ufffd"
