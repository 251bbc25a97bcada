"""TRAP: a provider says `EN`, the setting says `EN-US`: compared as strings they always differ."""

from __future__ import annotations

import pytest

from conversations import languages


@pytest.mark.parametrize("detected", ["EN", "en", "en-GB", "EN_us", "eng"])
@pytest.mark.parametrize("target", ["EN-US", "en-us", "en"])
def test_a_message_in_the_agents_language_is_recognised(detected: str, target: str) -> None:
    assert languages.is_same_language(detected, target)


def test_two_scripts_of_chinese_stay_two_languages() -> None:
    assert not languages.is_same_language("ZH-HANT", "ZH-HANS")
