"""A real PostgreSQL per session, a prepared city per test, and the hub's parts joined as the composition root does."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from auth.api_keys import KeyCheck
from contracts.arrival import Answer
from contracts.nouns import UnitState
from contracts.profile import Profile
from hub.cases import Case, Entry
from hub.codec import case_from
from hub.first_start import prepare
from hub.folding import Outcome
from hub.intake import Intake
from hub.refresher import Refresher
from hub.store import reading
from hub.store import registry as registry_store
from hub.store.embedded import EmbeddedServer, create_database, drop_database, running_server
from hub.store.pool import Pool, open_pool


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """The server of the session. Nobody pulls its plug, so it need not wait for the disk."""
    folder = tmp_path_factory.mktemp("postgresql") / "pg"
    async with running_server(folder, settings={"fsync": "off"}) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def quzhou_template(postgres: EmbeddedServer) -> str:
    """A database that every test gets a copy of: migrated, with the shipped city and this month's partitions."""
    name = "quzhou_template"
    await prepare(await create_database(postgres, name), None)
    return name


@dataclass(slots=True)
class House:
    """One city's database and whatever parts of a hub the test starts on it; all of them end with the test."""

    dsn: str
    stack: AsyncExitStack
    pool: Pool
    refresher: Refresher
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def say(self, event: str, /, **fields: Any) -> None:
        """Keeps what the hub tells, so that a test can wait for it."""
        self.said.append((event, fields))

    def heard(self, event: str) -> list[dict[str, Any]]:
        """The fields of each time that an event was said."""
        return [fields for name, fields in self.said if name == event]

    async def a_pool(self, role: str = "test", size_max: int = 4) -> Pool:
        """A pool of its own, as another process has one."""
        pool = await open_pool(self.dsn, size_min=1, size_max=size_max, role=role)
        self.stack.callback(pool.terminate)
        return pool

    async def an_intake(self, role: str = "intake", *, pool: Pool | None = None, workers: int = 2) -> Intake:
        """A started intake on a pool of its own."""
        intake = Intake(
            pool or await self.a_pool(role), self.refresher.registry, self.refresher.clock, self.say, workers
        )
        intake.start()
        self.stack.push_async_callback(intake.stop)
        return intake

    async def goes_live(self, profile: dict[str, Any]) -> None:
        """A unit's profile is in force from here on."""
        made = Profile.model_validate(profile, strict=False)
        async with self.pool.acquire() as conn:
            version = await registry_store.add_profile(conn, made.unit, made.model_dump_json(exclude_none=True), "test")
            await registry_store.put_state(conn, made.unit, UnitState.LIVE, version, "test")
        await self.refresher.load()

    async def ask(self, query: str, *values: Any) -> list[Any]:
        """The first column of what a query finds."""
        return [row[0] for row in await self.pool.fetch(query, *values)]

    async def case(self, case_id: int) -> Case:
        """The case as it is stored."""
        return case_from((await self.ask("SELECT body FROM cases WHERE case_id = $1", case_id))[0])

    async def log(self, case_id: int) -> list[Entry]:
        """The whole log of a case."""
        return await reading.entries(self.pool, case_id, None, 0, 1000)


@pytest.fixture
async def house(postgres: EmbeddedServer, quzhou_template: str) -> AsyncIterator[House]:
    """Quzhou, empty, for one test."""
    name = f"house_{uuid.uuid4().hex[:12]}"
    dsn = await create_database(postgres, name, template=quzhou_template)
    async with AsyncExitStack() as stack:
        pool = await open_pool(dsn, size_min=1, size_max=6, role="test")
        stack.callback(pool.terminate)
        said: list[tuple[str, dict[str, Any]]] = []
        refresher = Refresher(pool, KeyCheck(), lambda event, /, **fields: said.append((event, fields)))
        await refresher.load()
        yield House(dsn, stack, pool, refresher, said)
    await drop_database(postgres, name)


def answered(outcome: Outcome) -> Answer:
    """The answer of a message that must have been accepted."""
    assert isinstance(outcome, Answer), outcome
    return outcome


async def until(claim: Callable[[], Any | Awaitable[Any]], seconds: float = 15.0) -> Any:
    """What ``claim`` comes to as soon as it is true; it may be a question to the database."""
    async with asyncio.timeout(seconds):
        while True:
            found = claim()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)
