"""The schema's growth: numbered SQL files, each applied once, in order, in a transaction of its own.

The files are ``hub/store/migrations/NNNN_name.sql``; what was applied is kept in ``cityhub.schema_migrations`` with the
digest of its text. A file that was applied anywhere is never changed: the next one mends it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from hub.store.binaries import OLDEST_MAJOR
from hub.store.fault import StoreFault

MIGRATIONS = Path(__file__).parent / "migrations"

# Held while migrating, so that of several processes that start at once one migrates and the others find it done.
_LOCK_KEY = 7242000

_PREPARE = """
CREATE SCHEMA IF NOT EXISTS cityhub;
CREATE TABLE IF NOT EXISTS cityhub.schema_migrations (
    number     int PRIMARY KEY,
    name       text NOT NULL,
    digest     bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema; ``digest`` is the SHA-256 of its text."""

    number: int
    name: str
    sql: str
    digest: bytes


async def migrate(connection: asyncpg.Connection, folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """Bring the database to the schema of this code, and return what had to be applied: nothing, mostly.

    Safe from several processes at once. Raises ``StoreFault`` where the server is too old, a migration fails or was
    changed after it was applied, or the database is newer than the code; no migration is ever half-applied.
    """
    refuse_old_server(connection)
    known = migrations(folder)
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY)
    try:
        await connection.execute(_PREPARE)
        rows = await connection.fetch("SELECT number, name, digest FROM cityhub.schema_migrations ORDER BY number")
        missing = outstanding(known, {row["number"]: (row["name"], row["digest"]) for row in rows})
        for migration in missing:
            await _apply(connection, migration)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)
    return missing


def refuse_old_server(connection: asyncpg.Connection) -> None:
    """Raises ``StoreFault`` unless the server is one that the hub works with."""
    version = connection.get_server_version()
    if version.major < OLDEST_MAJOR:
        raise StoreFault(
            f"数据库服务器是 PostgreSQL {version.major},需要 {OLDEST_MAJOR} 或更新版本;请先升级服务器。",
            f"The server is PostgreSQL {version.major}, but {OLDEST_MAJOR} or newer is needed; upgrade it first.",
        )


def migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """The code's migrations in order. Raises ``StoreFault`` where a file is misnamed or two share a number."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        named = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if not named or int(named[1]) in found:
            raise StoreFault(
                f"迁移文件 {path.name} 应命名为 NNNN_name.sql 且编号不重复。",
                f"The migration {path.name} should be named NNNN_name.sql, with a number of its own.",
            )
        # A checkout with other line ends is the same migration.
        text = path.read_bytes().replace(b"\r\n", b"\n")
        number = int(named[1])
        found[number] = Migration(number, named[2], text.decode(), hashlib.sha256(text).digest())
    return tuple(found[number] for number in sorted(found))


def outstanding(known: Sequence[Migration], applied: Mapping[int, tuple[str, bytes]]) -> tuple[Migration, ...]:
    """What is still to apply, given each applied number's name and digest. Raises ``StoreFault`` where they differ."""
    numbers = {migration.number for migration in known}
    for number in sorted(applied.keys() - numbers):
        raise StoreFault(
            f"数据库已有迁移 {number:04}_{applied[number][0]},而本程序没有:数据库比程序新,请升级程序。",
            f"The database has migration {number:04}_{applied[number][0]}, which this code has not: "
            "the database is newer than the code; upgrade the code.",
        )
    newest = max(applied, default=0)
    for migration in known:
        file = f"{migration.number:04}_{migration.name}.sql"
        if migration.number in applied and applied[migration.number][1] != migration.digest:
            raise StoreFault(
                f"迁移 {file} 在应用之后被改动;请恢复原文件,把改动写成新的迁移。",
                f"The migration {file} was changed after it was applied; restore it and add the change as a new one.",
            )
        if migration.number not in applied and migration.number < newest:
            raise StoreFault(
                f"迁移 {file} 尚未应用,但编号更大的 {newest:04} 已应用;请给它新的编号。",
                f"The migration {file} is not applied, but {newest:04} after it is; give it a new number.",
            )
    return tuple(migration for migration in known if migration.number not in applied)


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    row = (migration.number, migration.name, migration.digest)
    try:
        async with connection.transaction():
            # A migration names its objects bare; they land in our schema, whatever the connection's path is.
            await connection.execute("SET LOCAL search_path TO cityhub, public")
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO cityhub.schema_migrations (number, name, digest) VALUES ($1, $2, $3)", *row
            )
    except asyncpg.PostgresError as error:
        raise StoreFault(
            f"迁移 {migration.number:04}_{migration.name} 失败,数据库未改动:{error}",
            f"The migration {migration.number:04}_{migration.name} failed and changed nothing: {error}",
        ) from error
    log.info("migration.applied", number=migration.number, name=migration.name)
