"""The registry of translation providers. A new one is a file beside deepl.py and a line here."""

from __future__ import annotations

from importlib import import_module

from translation.providers.base import Provider

PROVIDERS: dict[str, str] = {
    "deepl": "translation.providers.deepl.DeepLProvider",
}


def load(name: str) -> type[Provider]:
    """The class of a provider by the name that the settings use."""
    if name not in PROVIDERS:
        raise LookupError(f"no translation provider {name!r}; there are: {', '.join(PROVIDERS)}")
    module, _, attribute = PROVIDERS[name].rpartition(".")
    provider: type[Provider] = getattr(import_module(module), attribute)
    return provider


__all__ = ["PROVIDERS", "Provider", "load"]
