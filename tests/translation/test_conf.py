"""What a worker cannot do without is named before it starts."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from translation.conf import require_translation


def test_what_the_tests_are_given_is_enough():
    require_translation()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRANSLATION_PROVIDER", "babelfish"),
        ("TRANSLATION_API_KEY", ""),
        ("TARGET_LANGUAGE", ""),
        ("TARGET_LANGUAGE", "not a language"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(name: str, value: str, settings):
    setattr(settings, name, value)

    with pytest.raises(ImproperlyConfigured, match=name):
        require_translation()
