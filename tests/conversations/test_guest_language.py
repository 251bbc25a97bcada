"""Which language a guest is written to in: what is evidence of it, and what never changes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.guest_language import (
    Known,
    Weight,
    chosen,
    heard,
    preferred,
    released,
    weight_of,
)

SPANISH = Known("es", "messages", 3)
ENOUGH, HINT, NOTHING = (weight.value for weight in (Weight.ENOUGH, Weight.HINT, Weight.NOTHING))


@pytest.mark.parametrize(
    "text",
    [
        "ok", "OK!", "Okay 👍", "👍👍👍", "12345", "4711-B", "", "  ", "…", "si", "no", "thanks",
        "maria@example.org", "https://example.org/pedido/ayuda", "rechnung_2024.pdf", "1.234,50 €",
    ],
)  # fmt: skip
def test_these_say_nothing_about_a_language(text: str) -> None:
    assert weight_of(text) is Weight.NOTHING


@pytest.mark.parametrize("text", ["Hola", "merci", "guten Tag", "你好", "ok gracias"])
def test_a_short_text_is_a_hint(text: str) -> None:
    assert weight_of(text) is Weight.HINT


@pytest.mark.parametrize(
    "text",
    [
        "Necesito ayuda con mi pedido",
        "Wo ist mein Paket 4711?",
        "予約を変更したいです",
        "أريد تغيير الحجز",
    ],
)
def test_a_sentence_is_enough(text: str) -> None:
    assert weight_of(text) is Weight.ENOUGH


@pytest.mark.timeout(10)
@pytest.mark.parametrize("unit", ["ß", "a", "1", "a.", "://", "。"])
def test_a_word_of_a_million_letters_holds_nobody_up(unit: str) -> None:
    assert weight_of(unit * (1_000_000 // len(unit))) in Weight


@given(
    st.sampled_from(
        [SPANISH, Known("es", "context"), Known("es", "person"), Known("es", "hint", 1)]
    ),
    st.sampled_from(["en", "de", "cy", "pt-BR"]),
    st.text(alphabet="0123456789.,:-+€$ 👍😀🎉", max_size=30)
    | st.sampled_from(["ok", "Ok.", "OKAY"]),
)
def test_ok_numbers_and_emoji_never_change_it(known: Known, language: str, text: str) -> None:
    """Whatever a detector makes of them."""
    assert heard(known, language, weight_of(text).value) == known


def test_the_first_text_gives_a_hint_and_a_longer_one_decides() -> None:
    hinted = heard(Known(), "cy", HINT)  # "hola", as a detector reads it
    assert (hinted.language, hinted.basis) == ("cy", "hint")

    decided = heard(hinted, "ES", ENOUGH)

    assert decided == Known("es", "messages", 1)
    assert heard(decided, "pt", HINT) == decided


def test_another_language_is_believed_at_the_second_text_in_a_row() -> None:
    once = heard(SPANISH, "pt", ENOUGH)
    assert once.language == "es"

    assert heard(once, "pt-BR", ENOUGH) == Known("pt-BR", "messages", 2)
    interrupted = heard(heard(once, "es", ENOUGH), "pt", ENOUGH)
    assert interrupted.language == "es"


def test_a_text_that_speaks_yet_another_begins_the_count_anew() -> None:
    known = heard(heard(SPANISH, "pt", ENOUGH), "it", ENOUGH)

    assert (known.language, known.rival, known.rival_count) == ("es", "it", 1)


def test_the_pages_preference_counts_until_the_guest_has_written_enough() -> None:
    assert preferred(Known(), "es_MX") == Known("es-MX", "context")
    assert preferred(Known("cy", "hint", 1), "es").language == "es"
    assert preferred(Known("es", "context"), "fr").language == "fr"
    assert preferred(SPANISH, "fr") == SPANISH
    assert heard(Known("en", "context"), "es", ENOUGH) == Known("es", "messages", 1)
    assert heard(Known("en", "context"), "es", HINT) == Known("en", "context")


@pytest.mark.parametrize("nonsense", [None, 7, "", "auto!", "x" * 99, ["es"], "mul"])
def test_a_preference_that_is_no_language_is_none(nonsense: object) -> None:
    assert preferred(Known(), nonsense) == Known()


def test_a_persons_word_stays_and_can_be_taken_back() -> None:
    known = chosen(SPANISH, "pt-BR")
    for _ in range(5):
        known = heard(known, "fr", ENOUGH)
    assert (known.language, known.basis) == ("pt-BR", "person")

    assert released(known) == Known("fr", "messages", 5)
    assert released(chosen(SPANISH, "pt-BR")) == Known("es", "messages", 3)
    assert released(chosen(Known("es", "context"), "de")) == Known("es", "context", 0)
    assert released(chosen(Known(), "de")) == Known()
    assert released(SPANISH) == SPANISH


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["es", "pt", "und", "en"]), st.sampled_from([ENOUGH, HINT, NOTHING])
        ),
        max_size=30,
    )
)
def test_it_is_never_a_language_that_nobody_was_heard_to_speak(
    texts: list[tuple[str, str]],
) -> None:
    known = Known()

    for language, weight in texts:
        known = heard(known, language, weight)

    spoken = {language for language, weight in texts if weight != NOTHING} - {"und"}
    assert known.language in spoken | {""}
    assert bool(known.language) == bool(spoken)
