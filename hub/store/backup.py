"""Backup and restore: the database and the attachments as one file, checked whole before anything is touched.

A restored database begins a new epoch: old cursors are noticed, and no case number that was issued after the backup is
issued again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import asyncpg
import structlog

from hub.store.archive import ATTACHMENTS, DUMP, FORMAT, Manifest, merge, pack, staging_in, unpack
from hub.store.embedded import quoted
from hub.store.epochs import begin_epoch, last_day
from hub.store.fault import StoreFault
from hub.store.migrate import refuse_old_server
from hub.store.pg_tools import Tool, failed, ran, run_tool, tool_of

_NAME_BYTES_MAX = 63  # PostgreSQL's
_RESTORE_LOCK_KEY = 7242002

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the backup it took, the epoch it began, and the name under which the old database stays."""

    manifest: Manifest
    epoch: int
    kept_as: str | None


async def backup(dsn: str, file: Path, attachments: Path | None = None, *, binaries: Path | None = None) -> Manifest:
    """Write ``file`` whole or not at all: database and attachments as of one moment, while the hub goes on working.

    ``binaries`` is a folder with ``pg_dump``, looked at first. Raises ``StoreFault``.
    """
    async with _connected(dsn) as connection:
        refuse_old_server(connection)
        tool = await asyncio.to_thread(tool_of, "pg_dump", connection.get_server_version().major, binaries)
        # The dump sees what this transaction sees.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            with staging_in(file.parent) as staging:
                described = await _described(connection, tool)
                await run_tool(tool, dsn, "--format=custom", f"--snapshot={snapshot}", f"--file={staging / DUMP}")
                # After the snapshot: an attachment is on disk before the commit that refers to it.
                manifest = await asyncio.to_thread(pack, file, staging, attachments, described)
    log.info("backup.written", file=str(file), epoch=manifest.epoch, last_position=manifest.last_position)
    return manifest


async def restore(
    dsn: str,
    file: Path,
    attachments: Path | None = None,
    *,
    numbers_through: date | None = None,
    force: bool = False,
    keep_old: bool = True,
    reason: str = "restore",
    binaries: Path | None = None,
) -> Restored:
    """Put a backup in the place of the database that ``dsn`` names, in one step; where anything fails, all stays.

    ``numbers_through`` is the last day for which a case number may have been issued; by default what the city clock
    in the backup, which may run ahead, comes to now (``last_day_in_doubt``). A database that holds cases is replaced
    only by ``force``, one that somebody is connected to never. The old one is kept as ``<name>_before_restore_<time>``
    unless ``keep_old`` is false; attachments are added to those that are there. Raises ``StoreFault``.
    """
    name = unquote(urlsplit(dsn).path.removeprefix("/"))
    stamp = datetime.now(UTC).strftime("%Y%m%dt%H%M%Sz")
    fresh, kept = _suffixed(name, f"_restoring_{stamp}"), _suffixed(name, f"_before_restore_{stamp}")
    with staging_in((attachments or file).parent) as staging:
        manifest = await asyncio.to_thread(unpack, file, staging)
        async with _connected(_dsn_of(dsn, "postgres")) as server:
            _refuse_older_server(server, manifest)
            old = await _look(server, dsn, name, force)
            await server.execute(f"CREATE DATABASE {quoted(fresh)} TEMPLATE template0")
            try:
                await _fill(server, _dsn_of(dsn, fresh), staging / DUMP, manifest, binaries)
                async with _connected(_dsn_of(dsn, fresh)) as connection:
                    through = numbers_through or await last_day(connection)
                    epoch = await begin_epoch(connection, reason, numbers_through=through, after=old or 0)
                if attachments is not None:
                    # Before the swap: the old database does not mind files that it doesn't refer to.
                    await asyncio.to_thread(merge, staging / ATTACHMENTS, attachments)
                async with server.transaction():
                    if old is not None:
                        await server.execute(f"ALTER DATABASE {quoted(name)} RENAME TO {quoted(kept)}")
                    await server.execute(f"ALTER DATABASE {quoted(fresh)} RENAME TO {quoted(name)}")
            except BaseException:
                await server.execute(f"DROP DATABASE IF EXISTS {quoted(fresh)} WITH (FORCE)")
                raise
            kept_as = kept if old is not None and keep_old else None
            if old is not None and not keep_old:
                await server.execute(f"DROP DATABASE {quoted(kept)}")
    log.info("backup.restored", file=str(file), epoch=epoch, kept_as=kept_as)
    return Restored(manifest, epoch, kept_as)


async def _described(connection: asyncpg.Connection, tool: Tool) -> Manifest:
    row = await connection.fetchrow(
        """
        SELECT (SELECT max(epoch) FROM cityhub.epochs) AS epoch,
               (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM cityhub.commit_position) AS last_position,
               (SELECT max(number) FROM cityhub.schema_migrations) AS schema_number
        """
    )
    return Manifest(
        format=FORMAT,
        created_at=datetime.now(UTC),
        server_major=connection.get_server_version().major,
        pg_dump_major=tool.major,
        sha256={},
        **dict(row or {}),
    )


def _refuse_older_server(server: asyncpg.Connection, manifest: Manifest) -> None:
    refuse_old_server(server)
    if (major := server.get_server_version().major) < manifest.server_major:
        raise StoreFault(
            f"备份来自 PostgreSQL {manifest.server_major},服务器是 {major};请恢复到不低于该版本的服务器。",
            f"The backup is of PostgreSQL {manifest.server_major}, but the server is {major}; "
            f"restore into {manifest.server_major} or newer.",
        )


async def _look(server: asyncpg.Connection, dsn: str, name: str, force: bool) -> int | None:
    """The newest epoch of the database that is to be replaced, ``None`` where there is none.

    Raises ``StoreFault`` where replacing it would lose cases, or take it from under somebody's feet.
    """
    if not await server.fetchval("SELECT pg_try_advisory_lock($1)", _RESTORE_LOCK_KEY):
        raise StoreFault("另一个恢复正在进行;请等它结束。", "Another restore is running; wait until it is over.")
    if not await server.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
        return None
    # A running hub has numbers and cursors in its memory that the restored database does not know of.
    users = await server.fetchval(
        "SELECT string_agg(format('%s (%s)', application_name, pid), ', ') FROM pg_stat_activity"
        " WHERE datname = $1 AND backend_type = 'client backend'",
        name,
    )
    if users:
        raise StoreFault(
            f"数据库 {name} 仍在使用中:{users};请先停止所有枢纽进程和其他连接。",
            f"The database {name} is in use: {users}; stop every hub and other connection first.",
        )
    async with _connected(dsn) as connection:
        has = "SELECT to_regclass($1) IS NOT NULL"
        holds_cases = await connection.fetchval(has, "cityhub.cases") and await connection.fetchval(
            "SELECT EXISTS (SELECT FROM cityhub.cases)"
        )
        if holds_cases and not force:
            raise StoreFault(
                f"数据库 {name} 中已有案件;确要替换它,请加 --force(旧库会保留)。",
                f"The database {name} holds cases; to replace it all the same, add --force (the old one is kept).",
            )
        epochs = await connection.fetchval(has, "cityhub.epochs")
        return await connection.fetchval("SELECT coalesce(max(epoch), 0) FROM cityhub.epochs") if epochs else 0


async def _fill(server: asyncpg.Connection, dsn: str, dump: Path, manifest: Manifest, binaries: Path | None) -> None:
    major = server.get_server_version().major
    tool = await asyncio.to_thread(tool_of, "pg_restore", max(major, manifest.pg_dump_major), binaries)
    options = ("--no-owner", "--no-privileges", str(dump))
    if tool.major < 17 or major >= 17:
        await run_tool(tool, dsn, "--exit-on-error", *options)
        return
    # Since 17, pg_restore sets a parameter that older servers don't have: that fault, alone, is none.
    _, said = await ran(tool, dsn, *options)
    if said.count("pg_restore: error:") != 1 or 'parameter "transaction_timeout"' not in said:
        raise failed(tool, said)


@contextlib.asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            yield connection
        finally:
            await connection.close()
    except (asyncpg.PostgresError, OSError) as error:
        raise StoreFault(f"未能完成:{error}", f"Could not be completed: {error}") from error


def _dsn_of(dsn: str, database: str) -> str:
    parts = urlsplit(dsn)
    # By hand: urlunsplit drops the slashes of a dsn without a host.
    return f"{parts.scheme}://{parts.netloc}/{quote(database, safe='')}" + (f"?{parts.query}" if parts.query else "")


def _suffixed(name: str, suffix: str) -> str:
    return name.encode()[: _NAME_BYTES_MAX - len(suffix)].decode(errors="ignore") + suffix
