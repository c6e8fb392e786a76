"""Kill -9 while the hub fetches: what was read and not committed is read again; what was committed takes effect once.

Where a hub stands is held still by a lock in its database, so that it dies at exactly that point.
"""

from __future__ import annotations

import asyncio
import csv
import io
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hub.store.embedded import running_server
from tests.conformance.polled_unit import PolledUnit, a_polled_unit, a_row
from tests.stories.conftest import RunningHub, start_hub, stop_hub
from tests.ways.conftest import until

pytestmark = pytest.mark.story

COLUMNS = ("id", "kind", "text", "lng", "lat")
READ = {
    "contract": "case.report",
    "fields": [
        {"to": "category_code", "from": "kind", "codes": "kind"},
        {"to": "description", "from": "text"},
        {"to": "place", "coordinates": {"system": "CGCS2000", "longitude": "lng", "latitude": "lat"}},
    ],
}
CODES = [{"name": "kind", "unknown": "refuse", "pairs": [{"ours": "E0402", "theirs": "1"}]}]


@dataclass(slots=True)
class Scene:
    """A running hub, its database, and a unit that it fetches from."""

    hub: RunningHub
    dsn: str
    watch: asyncpg.Connection

    async def count(self, query: str) -> int:
        found: int = await self.watch.fetchval(query)
        return found

    async def cases(self) -> list[str]:
        rows = await self.watch.fetch("SELECT body::jsonb ->> 'description' AS told FROM entries WHERE fact = 'report'")
        return sorted(row["told"] for row in rows)

    async def connect(self, profile: dict[str, Any]) -> None:
        """The unit goes live with this profile."""
        for method, path, body in (
            ("PUT", "profile", profile),
            ("POST", "state", {"state": "live", "reason": "drill"}),
        ):
            url = f"/api/v1/units/{profile['unit']}/{path}"
            status, said, _ = await asyncio.to_thread(self.hub.call, method, url, body)
            assert status < 300, said

    @asynccontextmanager
    async def held_still(self, lock: str) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
        """Hold a lock; what is yielded waits until a statement waits for it, and then kills who sent it."""
        holding = await asyncpg.connect(self.dsn)
        try:
            transaction = holding.transaction()
            await transaction.start()
            await holding.execute(lock)

            async def kill(statement: str) -> None:
                waiting = (
                    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                    f" AND query LIKE '%{statement}%'"
                )
                pid = await until(lambda: self.watch.fetchval(waiting))
                os.kill(next(_worker(self.hub.process.pid, "--slot=l0")), signal.SIGKILL)
                # What it had asked for must not come to pass after its death.
                await self.watch.execute("SELECT pg_terminate_backend($1)", pid)

            yield kill
            await transaction.rollback()
        finally:
            await holding.close()


def _worker(parent: int, word: str) -> Iterator[int]:
    for pid in map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()):
        if word in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
            yield pid


@asynccontextmanager
async def a_scene(data: Path, *more: str) -> AsyncIterator[Scene]:
    hub = await asyncio.to_thread(start_hub, data, *more)
    try:
        async with running_server(data / "postgresql") as server:
            watch = await asyncpg.connect(server.dsn)
            yield Scene(hub, server.dsn, watch)
            await watch.close()
    finally:
        await asyncio.to_thread(stop_hub, hub)


def a_polled_profile(unit: PolledUnit) -> dict[str, Any]:
    poll = {
        "endpoint": unit.url("/by-id/log"),
        "query": [{"name": "after", "value": "{cursor}"}, {"name": "limit", "value": "{limit}"}],
        "items": "data.rows",
        "limit": 3,
        "every_seconds": 0.2,
        "idle_seconds_max": 0.2,
        "cursor": {"kind": "id", "at": "id"},
    }
    connection = {"name": "main", "transport": "pull", "receives": [], "poll": poll}
    return {"unit": "bus_group", "connections": [{**connection, "mapping": {"codes": CODES, "in": [READ]}}]}


async def enough(scene: Scene, texts: list[str]) -> None:
    async def there() -> bool:
        return len(await scene.cases()) >= len(texts)

    await until(there, 40)


async def moved_on(scene: Scene, cursor: str) -> None:
    async def there() -> bool:
        bookmark = await scene.watch.fetchval("SELECT bookmark FROM sources")
        return f'"cursor":"{cursor}"' in (bookmark or "")

    await until(there, 40)


async def test_a_hub_that_dies_with_a_page_in_hand_reads_it_again(tmp_path: Path) -> None:
    rows = [a_row(number) for number in range(1, 6)]
    with a_polled_unit() as unit:
        async with a_scene(tmp_path / "data") as scene:
            async with scene.held_still("LOCK TABLE messages_seen IN ACCESS EXCLUSIVE MODE") as kill:
                unit.add("log", *rows)
                await scene.connect(a_polled_profile(unit))
                await kill("load_batch")
                assert await asyncio.to_thread(unit.asked, "log", 1)
            await enough(scene, [row["text"] for row in rows])
            await moved_on(scene, "5")
            assert await scene.cases() == sorted(row["text"] for row in rows)
            # The first page was asked for by the dead, and by its successor.
            assert [each["query"].get("after") for each in unit.asked("log")][:2] == [None, None]


async def test_a_hub_that_dies_between_the_commit_and_the_cursor_does_nothing_twice(tmp_path: Path) -> None:
    rows = [a_row(number) for number in range(1, 6)]
    with a_polled_unit() as unit:
        async with a_scene(tmp_path / "data") as scene:
            await scene.connect(a_polled_profile(unit))
            await until(lambda: scene.watch.fetchval("SELECT moved_at IS NOT NULL FROM sources"), 40)
            async with scene.held_still("SELECT 1 FROM sources FOR UPDATE") as kill:
                unit.add("log", *rows)
                await enough(scene, [row["text"] for row in rows[:3]])
                before = len(unit.asked("log"))
                await kill("SET bookmark")
            await enough(scene, [row["text"] for row in rows])
            await moved_on(scene, "5")
            assert await scene.cases() == sorted(row["text"] for row in rows)
            assert unit.asked("log")[before]["query"].get("after") is None, "what was committed is asked for again"


async def test_a_hub_that_dies_between_the_rows_and_the_receipt_gives_the_receipt_later_and_does_nothing_twice(
    tmp_path: Path,
) -> None:
    root = tmp_path / "files"
    inbox = root / "post" / "inbox"
    inbox.mkdir(parents=True)
    file = {"folder": "post", "ready": "renamed", "every_seconds": 0.2}
    mapping = {"written_as": {"format": "delimited", "columns": list(COLUMNS)}, "codes": CODES, "in": [READ]}
    connection = {"name": "file", "transport": "file", "receives": [], "file": file, "mapping": mapping}
    rows = [a_row(1), a_row(2, kind="?"), a_row(3)]
    async with a_scene(tmp_path / "data", f"--files-root={root}") as scene:
        await scene.connect({"unit": "post", "connections": [connection]})
        await until(lambda: scene.watch.fetchval("SELECT moved_at IS NOT NULL FROM sources"), 40)
        async with scene.held_still("SELECT 1 FROM sources FOR UPDATE") as kill:
            text = io.StringIO(newline="")
            csv.writer(text).writerows([COLUMNS, *([row[name] for name in COLUMNS] for row in rows)])
            (inbox / ".a.part").write_text(text.getvalue(), encoding="utf-8")
            (inbox / ".a.part").rename(inbox / "a.csv")
            await enough(scene, ["1", "3"])
            await kill("SET bookmark")
            assert (inbox / "a.csv").exists() and not list((root / "post").glob("receipts/*"))
        receipt = root / "post" / "receipts" / "a.receipt.csv"
        await until(receipt.exists, 40)
        await until(lambda: not (inbox / "a.csv").exists())
        told = list(csv.DictReader(io.StringIO(receipt.read_text(encoding="utf-8"))))
        assert [row["outcome"] for row in told] == ["repeated", "refused", "repeated"]
        assert await scene.cases() == sorted([rows[0]["text"], rows[2]["text"]])
