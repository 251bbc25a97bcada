"""The loop of gateways and workers is the quick one where that exists."""

from __future__ import annotations

import importlib.util

import pytest

from conversations.net.loops import new_loop


def test_it_is_uvloops_where_that_is_installed():
    loop = new_loop()
    try:
        assert type(loop).__module__.startswith("uvloop")
    finally:
        loop.close()


def test_without_it_asyncios_own_will_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    loop = new_loop()
    try:
        assert type(loop).__module__.startswith("asyncio")
    finally:
        loop.close()
