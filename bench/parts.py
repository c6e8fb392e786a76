"""A hub's own parts in the process of a measure, on a fresh database of their own."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from auth.api_keys import KeyCheck
from bench.lane_turns import LaneTurns
from hub.first_start import prepare
from hub.intake import Intake
from hub.reception import Reception
from hub.refresher import Refresher
from hub.say import say_nothing
from hub.store.embedded import running_server
from hub.store.pool import open_pool


@dataclass(frozen=True, slots=True)
class HubParts:
    """What takes messages in, and what brings letters out."""

    reception: Reception
    turns: LaneTurns


@asynccontextmanager
async def hub_parts() -> AsyncIterator[HubParts]:
    """The parts for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cityhub-bench-")))
        server = await stack.enter_async_context(running_server(folder / "postgresql"))
        await prepare(server.dsn, None)
        pool = await open_pool(server.dsn, role="bench")
        stack.callback(pool.terminate)
        takes = await open_pool(server.dsn, role="takes", relaxed=True)
        stack.callback(takes.terminate)
        refresher = Refresher(pool, KeyCheck(), say_nothing)
        await refresher.load()
        intake = Intake(pool, refresher.registry, refresher.clock, say_nothing)
        intake.start()
        stack.push_async_callback(intake.stop)
        reception = Reception(pool, intake, refresher.registry, say_nothing)
        yield HubParts(reception, LaneTurns(pool, takes, refresher))
