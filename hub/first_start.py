"""What a new database needs before the hub can serve: the schema, the city, an administrator's key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg
import orjson

from auth.api_keys import mint
from auth.principal import Scope
from auth.redaction import Secret
from contracts.city import City, CityDocumentUnreadable, load_city
from contracts.nouns import Role
from hub.clock import CityClock, machine_now
from hub.store import batches
from hub.store import registry as store
from hub.store.fault import StoreFault
from hub.store.migrate import migrate
from hub.store.pool import SEARCH_PATH, Connection

SHIPPED_CITY = Path(__file__).parent.parent / "contracts" / "cities" / "quzhou"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was there or was made. ``admin_key`` only where it was made now: shown once."""

    migrations: tuple[str, ...]
    directory_version: int
    admin_key: Secret | None


async def prepare(dsn: str, city_folder: Path | None, rate: float | None = None, start: str | None = None) -> Prepared:
    """Migrate, load the city where none is loaded (or a folder was given), make the first administrator's key.

    Raises ``CityFolderUnusable`` and ``StoreFault``.
    """
    conn = await _connected(dsn)
    try:
        applied = await migrate(conn)
        latest = await store.latest_directory(conn)
        if latest is None or city_folder is not None:
            city = load_city(city_folder or SHIPPED_CITY)
            version = await keep_city(conn, city, "start")
        else:
            city, version = _kept(latest.document), latest.version
        clock = await store.clock(conn)
        if rate is not None or start is not None:
            moment = datetime.fromisoformat(start) if start else clock.now()
            await store.set_clock(conn, moment, rate or clock.rate)
            clock = CityClock(machine_now(), moment, rate or clock.rate)
        await make_months(conn, clock.now())
        key = None
        if not await store.keys(conn):
            key = await _first_key(conn, city)
    finally:
        await conn.close()
    return Prepared(tuple(each.name for each in applied), version, key)


async def _connected(dsn: str) -> asyncpg.Connection[asyncpg.Record]:
    try:
        return await asyncpg.connect(dsn, timeout=30, server_settings={"search_path": SEARCH_PATH, "timezone": "UTC"})
    except (OSError, TimeoutError, asyncpg.PostgresError) as fault:
        raise StoreFault(
            f"连不上数据库:{fault}。请检查地址、账号和数据库是否在运行。",
            f"The database is not reached: {fault}. Check its address, the account, and that it runs.",
        ) from fault


def _kept(document: str) -> City:
    try:
        return City.from_document(orjson.loads(document))
    except CityDocumentUnreadable as fault:
        raise StoreFault(
            f"数据库中的城市名录本程序读不了:{fault}。请用 --city 重新载入城市文件夹。",
            f"This program cannot read the city kept in the database: {fault}. Load its folder again with --city.",
        ) from fault


async def keep_city(conn: Connection, city: City, by: str) -> int:
    """Keep a city as the directory's next version; the same city again is no new version."""
    document = city.to_document()
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    return await store.add_directory(conn, by, city.digest(), text)


async def make_months(conn: Connection, now: datetime) -> list[int]:
    """Partitions for this month and the next, so that no batch waits for them; those made now."""
    this = now.year * 100 + now.month
    following = this + 1 if now.month < 12 else (now.year + 1) * 100 + 1
    return [month for month in (this, following) if await batches.ensure_month(conn, month)]


async def _first_key(conn: Connection, city: City) -> Secret:
    command = next(unit.unit_id for unit in city.units if Role.COMMAND_CENTER in unit.roles)
    made = mint(command, [Scope.UNIT, Scope.ADMIN], machine_now(), "first administrator")
    await store.add_key(conn, made.row)
    return made.text
