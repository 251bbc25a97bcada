"""A running simulator on a spare port, and a small honest client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from conversations.simulator.config import SimulatorConfig
from conversations.simulator.server import SimulatorServer
from tests.conversations.simulator.client import Client


@pytest.fixture
async def server() -> AsyncIterator[SimulatorServer]:
    async with SimulatorServer(SimulatorConfig(echo_ms=0, apertium=False)) as running:
        yield running


@pytest.fixture
async def client(server: SimulatorServer) -> AsyncIterator[Client]:
    async with ClientSession() as session:
        one = Client(session, server.base_url)
        await one.authenticate()
        yield one
