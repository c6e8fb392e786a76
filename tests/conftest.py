"""For all tests: hypothesis judges what is claimed, not how long it takes on a busy machine.

The same commit gives the same answer: examples are drawn the same way each time. ``CITYHUB_EXPLORE=1`` draws others.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import settings

from hub.demo.broker import Broker, running_broker
from hub.demo.broker_node import BrokerFault, scripts_folder

settings.register_profile("steady", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("exploring", deadline=None, print_blob=True)
settings.load_profile("exploring" if os.environ.get("CITYHUB_EXPLORE") else "steady")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def broker() -> AsyncIterator[Broker]:
    """The RabbitMQ of the session, for tests that leave it running."""
    try:
        scripts_folder()
    except BrokerFault as fault:
        pytest.skip(str(fault))
    async with running_broker() as running:
        yield running
