"""The registry names classes that exist and are providers of that name."""

from __future__ import annotations

import pytest

from translation.providers import PROVIDERS, Provider, load


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_registered_provider_can_be_loaded(name: str) -> None:
    provider = load(name)

    assert issubclass(provider, Provider)
    assert provider.name == name


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(LookupError, match="deepl"):
        load("babelfish")
