"""The schema grows once and in order, and a backup brings all of it back, in a new epoch, or changes nothing."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tarfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import pytest
import pytest_asyncio

from hub.store.archive import Manifest
from hub.store.backup import backup, restore
from hub.store.embedded import EmbeddedServer, create_database, drop_database, running_server
from hub.store.epochs import last_day_in_doubt
from hub.store.fault import StoreFault
from hub.store.migrate import MIGRATIONS, migrate

pytestmark = pytest.mark.way

DAY = date(2026, 11, 24)

SMALL = """
CREATE SEQUENCE commit_position AS bigint CACHE 1;
CREATE TABLE epochs (epoch int PRIMARY KEY, began_at timestamptz NOT NULL, reason text NOT NULL,
                     numbers_through_day int NOT NULL, serial_floor bigint NOT NULL);
INSERT INTO epochs VALUES (1, now(), 'first start', 0, 0);
CREATE TABLE cases (case_id bigint PRIMARY KEY);
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    async with running_server(tmp_path_factory.mktemp("postgresql") / "pg") as running:
        yield running


@dataclass(frozen=True, slots=True)
class City:
    """A database of its own with a small schema, and the folders of a hub."""

    server: EmbeddedServer
    name: str
    dsn: str
    steps: Path
    attachments: Path
    file: Path

    async def ask(self, query: str, database: str | None = None) -> list[object]:
        """The first column of what the query finds."""
        connection = await asyncpg.connect(self.server.dsn_of(database or self.name))
        try:
            return [row[0] for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def migrate(self) -> list[int]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return [step.number for step in await migrate(connection, self.steps)]
        finally:
            await connection.close()

    async def databases(self) -> list[object]:
        return await self.ask(f"SELECT datname FROM pg_database WHERE datname LIKE '{self.name}%' ORDER BY 1")


@pytest.fixture
async def empty(server: EmbeddedServer, tmp_path: Path) -> AsyncIterator[City]:
    name = f"city_{uuid.uuid4().hex[:12]}"
    steps, attachments = tmp_path / "steps", tmp_path / "attachments"
    steps.mkdir()
    (steps / "0001_small.sql").write_text(SMALL)
    dsn = await create_database(server, name)
    city = City(server, name, dsn, steps, attachments, tmp_path / "kept" / "city.tar")
    yield city
    for database in await city.ask(f"SELECT datname FROM pg_database WHERE datname LIKE '{name}%'", "postgres"):
        await drop_database(server, str(database))


@pytest.fixture
async def city(empty: City) -> City:
    """One case and one photo, written and backed up; then a second case, which the backup does not have."""
    await empty.migrate()
    await empty.ask("INSERT INTO cityhub.cases VALUES (1)")
    await empty.ask("SELECT setval('cityhub.commit_position', 12)")
    (empty.attachments / "ab").mkdir(parents=True)
    (empty.attachments / "ab" / "photo").write_bytes(b"a manhole cover")
    await backup(empty.dsn, empty.file, empty.attachments)
    await empty.ask("INSERT INTO cityhub.cases VALUES (2)")
    return empty


def a_backup(file: Path, members: dict[str, bytes]) -> None:
    """A backup file with these members and a manifest that is true of them."""
    manifest = Manifest(
        format=1,
        created_at=datetime.now(UTC),
        epoch=1,
        last_position=0,
        schema_number=1,
        server_major=15,
        pg_dump_major=15,
        sha256={name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    )
    with tarfile.open(file, "w") as tar:
        for name, content in {**members, "manifest.json": manifest.model_dump_json().encode()}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


async def test_a_schema_is_migrated_once(empty: City) -> None:
    assert await empty.migrate() == [1]
    assert await empty.migrate() == []


async def test_of_processes_that_start_at_once_one_migrates(empty: City) -> None:
    (empty.steps / "0002_slow.sql").write_text("SELECT pg_sleep(0.2); CREATE TABLE once (id int)")
    assert sorted(await asyncio.gather(*(empty.migrate() for _ in range(4)))) == [[], [], [], [1, 2]]


async def test_a_migration_that_was_changed_after_it_was_applied_stops_the_start(empty: City) -> None:
    await empty.migrate()
    (empty.steps / "0001_small.sql").write_text(SMALL + "CREATE TABLE later (id int);")
    with pytest.raises(StoreFault, match=r"0001_small\.sql was changed"):
        await empty.migrate()


async def test_a_database_that_is_newer_than_the_code_stops_the_start(empty: City) -> None:
    (empty.steps / "0002_more.sql").write_text("CREATE TABLE more (id int)")
    await empty.migrate()
    (empty.steps / "0002_more.sql").unlink()
    with pytest.raises(StoreFault, match="newer than the code"):
        await empty.migrate()


async def test_a_migration_below_one_that_is_applied_is_not_slipped_in(empty: City) -> None:
    (empty.steps / "0003_third.sql").write_text("CREATE TABLE third (id int)")
    await empty.migrate()
    (empty.steps / "0002_second.sql").write_text("CREATE TABLE second (id int)")
    with pytest.raises(StoreFault, match="give it a new number"):
        await empty.migrate()


async def test_a_migration_that_fails_leaves_nothing_of_itself(empty: City) -> None:
    (empty.steps / "0002_broken.sql").write_text("CREATE TABLE half (id int); SELECT 1 / 0")
    with pytest.raises(StoreFault, match="0002_broken failed"):
        await empty.migrate()
    assert await empty.ask("SELECT number FROM cityhub.schema_migrations") == [1]
    assert await empty.ask("SELECT to_regclass('cityhub.half')") == [None]


async def test_the_hubs_own_migrations_make_a_schema_that_can_be_backed_up_and_restored(empty: City) -> None:
    connection = await asyncpg.connect(empty.dsn)
    await migrate(connection, MIGRATIONS)
    await connection.close()
    await backup(empty.dsn, empty.file)
    assert (await restore(empty.dsn, empty.file, numbers_through=DAY)).epoch == 2
    assert await empty.ask("SELECT cityhub.take_case_numbers(20261124, 5)") == [1_000_001]


async def test_a_backup_says_what_it_holds(city: City) -> None:
    manifest = await backup(city.dsn, city.file, city.attachments)
    assert (manifest.epoch, manifest.last_position, manifest.schema_number) == (1, 12, 1)
    assert sorted(manifest.sha256) == ["attachments/ab/photo", "database.dump"]
    assert city.file.stat().st_mode & 0o777 == 0o600
    assert list(city.file.parent.iterdir()) == [city.file]


async def test_a_restore_brings_back_cases_and_photos_and_keeps_the_old_database(city: City) -> None:
    (city.attachments / "ab" / "photo").unlink()

    restored = await restore(city.dsn, city.file, city.attachments, numbers_through=DAY, force=True)

    assert await city.ask("SELECT case_id FROM cityhub.cases") == [1]
    assert (city.attachments / "ab" / "photo").read_bytes() == b"a manhole cover"
    assert await city.ask("SELECT case_id FROM cityhub.cases ORDER BY 1", restored.kept_as) == [1, 2]
    assert await city.migrate() == []


async def test_a_restore_begins_an_epoch_whose_numbers_were_never_issued(city: City) -> None:
    restored = await restore(city.dsn, city.file, numbers_through=DAY, force=True, reason="disk lost")
    assert restored.epoch == 2
    assert await city.ask(
        "SELECT (reason, numbers_through_day, serial_floor)::text FROM cityhub.epochs WHERE epoch = 2"
    ) == ['("disk lost",20261124,1000000)']


async def test_restoring_the_same_backup_again_does_not_begin_the_same_epoch_again(city: City) -> None:
    epochs = [
        (await restore(city.dsn, city.file, numbers_through=DAY, force=True, keep_old=False)).epoch for _ in range(3)
    ]
    assert epochs == [2, 3, 4]
    assert await city.databases() == [city.name]


async def test_a_backup_is_restored_where_there_is_no_database_yet(city: City) -> None:
    await drop_database(city.server, city.name)
    restored = await restore(city.dsn, city.file, numbers_through=DAY)
    assert restored.kept_as is None
    assert await city.ask("SELECT case_id FROM cityhub.cases") == [1]


async def test_a_database_that_holds_cases_is_not_replaced_unless_forced(city: City) -> None:
    with pytest.raises(StoreFault, match="--force"):
        await restore(city.dsn, city.file, numbers_through=DAY)
    assert await city.ask("SELECT case_id FROM cityhub.cases ORDER BY 1") == [1, 2]


async def test_a_database_that_a_hub_is_connected_to_is_not_replaced_even_when_forced(city: City) -> None:
    hub = await asyncpg.connect(city.dsn, server_settings={"application_name": "cityhub serve"})
    try:
        with pytest.raises(StoreFault, match="cityhub serve"):
            await restore(city.dsn, city.file, numbers_through=DAY, force=True)
    finally:
        await hub.close()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
async def test_a_backup_that_was_cut_short_is_refused_and_changes_nothing(city: City, share: float) -> None:
    whole = city.file.read_bytes()
    with tarfile.open(city.file) as tar:
        end = tar.getmember("manifest.json").offset_data
    city.file.write_bytes(whole[: int(end * share)])

    with pytest.raises(StoreFault, match="cut short or damaged"):
        await restore(city.dsn, city.file, city.attachments, numbers_through=DAY, force=True)

    assert await city.ask("SELECT case_id FROM cityhub.cases ORDER BY 1") == [1, 2]
    assert await city.databases() == [city.name]


async def test_a_backup_with_one_changed_byte_is_refused_and_names_the_member(city: City) -> None:
    with tarfile.open(city.file) as tar:
        place = tar.getmember("attachments/ab/photo").offset_data
    content = bytearray(city.file.read_bytes())
    content[place] ^= 1
    city.file.write_bytes(content)

    with pytest.raises(StoreFault, match="attachments/ab/photo"):
        await restore(city.dsn, city.file, city.attachments, numbers_through=DAY, force=True)


@pytest.mark.parametrize("name", ["attachments/../../escaped", "/escaped", "attachments", "other"])
async def test_a_member_that_belongs_nowhere_is_refused(city: City, name: str) -> None:
    a_backup(city.file, {name: b"x", "database.dump": b"y"})
    with pytest.raises(StoreFault, match="cut short or damaged"):
        await restore(city.dsn, city.file, city.attachments, numbers_through=DAY, force=True)


async def test_a_restore_that_fails_half_way_leaves_the_old_database_and_no_other(city: City) -> None:
    a_backup(city.file, {"database.dump": b"not a dump"})

    with pytest.raises(StoreFault, match="pg_restore failed"):
        await restore(city.dsn, city.file, numbers_through=DAY, force=True)

    assert await city.databases() == [city.name]
    assert await city.ask("SELECT max(epoch) FROM cityhub.epochs") == [1]


async def test_a_backup_that_fails_leaves_the_last_one_in_place(city: City) -> None:
    before = city.file.read_bytes()
    await drop_database(city.server, city.name)
    with pytest.raises(StoreFault):
        await backup(city.dsn, city.file)
    assert city.file.read_bytes() == before
    assert list(city.file.parent.iterdir()) == [city.file]


def test_the_day_in_doubt_is_the_citys_and_follows_the_clock_that_is_ahead() -> None:
    city_zone = ZoneInfo("Asia/Shanghai")
    late_in_utc = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # the 24th in the city
    assert last_day_in_doubt(datetime(2026, 11, 20, tzinfo=city_zone), late_in_utc) == date(2026, 11, 25)
    assert last_day_in_doubt(datetime(2027, 1, 31, 9, tzinfo=city_zone), late_in_utc) == date(2027, 2, 1)
