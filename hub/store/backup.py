"""Backup and restore: the database and the attachments as one file, checked whole before anything is touched.

The file is a plain tar: ``database.dump`` (``pg_dump``'s custom format), ``attachments/…``, and last ``manifest.json``
with the SHA-256 of each member, so that a file that was cut short has no manifest. A restored database begins a new
epoch: old cursors are noticed, and no case number that was issued after the backup is issued again.
"""

from __future__ import annotations

import asyncio
import contextlib
import filecmp
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import quote, unquote, urlsplit

import asyncpg
import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict

from hub.clock import CityClock, machine_now
from hub.store.binaries import binaries_folders, major_of
from hub.store.embedded import quoted
from hub.store.fault import StoreFault
from hub.store.migrate import migrations, refuse_old_server

_FORMAT = 1
_DUMP, _ATTACHMENTS, _MANIFEST = "database.dump", "attachments", "manifest.json"
_CHUNK_BYTES = 1024 * 1024
_NAME_BYTES_MAX = 63  # PostgreSQL's
_RESTORE_LOCK_KEY = 7242002

log = structlog.get_logger(__name__)


class Manifest(BaseModel):
    """What a backup holds. No entry in it has a later commit position than ``last_position``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    created_at: AwareDatetime
    epoch: int
    last_position: int
    schema_number: int
    server_major: int
    pg_dump_major: int
    sha256: dict[str, str]


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
        tool = await asyncio.to_thread(_tool, "pg_dump", connection.get_server_version().major, binaries)
        # The dump sees what this transaction sees.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            with _staging(file.parent) as staging:
                described = await _described(connection, tool)
                await _run(tool, dsn, "--format=custom", f"--snapshot={snapshot}", f"--file={staging / _DUMP}")
                # After the snapshot: an attachment is on disk before the commit that refers to it.
                manifest = await asyncio.to_thread(_pack, file, staging, attachments, described)
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
    with _staging((attachments or file).parent) as staging:
        manifest = await asyncio.to_thread(_unpack, file, staging)
        async with _connected(_dsn_of(dsn, "postgres")) as server:
            _refuse_older_server(server, manifest)
            old = await _look(server, dsn, name, force)
            await server.execute(f"CREATE DATABASE {quoted(fresh)} TEMPLATE template0")
            try:
                await _fill(server, _dsn_of(dsn, fresh), staging / _DUMP, manifest, binaries)
                async with _connected(_dsn_of(dsn, fresh)) as connection:
                    through = numbers_through or await _last_day(connection)
                    epoch = await begin_epoch(connection, reason, numbers_through=through, after=old or 0)
                if attachments is not None:
                    # Before the swap: the old database does not mind files that it doesn't refer to.
                    await asyncio.to_thread(_merge, staging / _ATTACHMENTS, attachments)
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


POSITIONS_PER_EPOCH = 10**13


async def begin_epoch(connection: asyncpg.Connection, reason: str, *, numbers_through: date, after: int = 0) -> int:
    """Begin the next epoch, above ``after`` too, and return it.

    On days up to ``numbers_through`` the new epoch's serials start above all that earlier ones can have reached, so
    that a case number issued after the backup, and lost with the restore, is not issued again.
    """
    epoch: int = await connection.fetchval(
        """
        INSERT INTO cityhub.epochs (epoch, began_at, reason, numbers_through_day, serial_floor)
        SELECT next.epoch, now(), $1, $2, (next.epoch - 1) * 1000000::bigint
        FROM (SELECT greatest(coalesce(max(epoch), 0), $3::int) + 1 AS epoch FROM cityhub.epochs) AS next
        RETURNING epoch
        """,
        reason,
        int(numbers_through.strftime("%Y%m%d")),
        after,
    )
    # Positions of different epochs never meet: a letter's id, which is its position, never gets other bytes.
    await connection.execute(
        """
        SELECT setval('cityhub.commit_position', greatest($1::bigint, (SELECT last_value FROM cityhub.commit_position)))
        """,
        (epoch - 1) * POSITIONS_PER_EPOCH,
    )
    return epoch


async def _last_day(connection: asyncpg.Connection) -> date:
    row = await connection.fetchrow("SELECT machine_anchor, city_anchor, rate FROM cityhub.city_clock")
    assert row is not None
    return last_day_in_doubt(CityClock(*row).now(), machine_now())


def last_day_in_doubt(city_now: datetime, now: datetime) -> date:
    """The day after the later of the two clocks, in the city clock's zone: beyond it no number was issued."""
    return max(city_now, now).astimezone(city_now.tzinfo).date() + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Tool:
    path: Path
    major: int


def _tool(name: str, major: int, binaries: Path | None) -> _Tool:
    """The client of the given major version, else the oldest newer one: an older one can't read what it must."""
    paths = [folder / name for folder in binaries_folders(binaries) if (folder / name).is_file()]
    tools = [_Tool(path, major_of(path)) for path in paths]
    fitting = [tool for tool in tools if tool.major >= major]
    if not fitting:
        found = ", ".join(str(tool.major) for tool in tools) or "-"
        raise StoreFault(
            f"需要 PostgreSQL {major} 或更新版本的 {name}(现有:{found});请安装 postgresql-client-{major},"
            "或设置 CITYHUB_PG_BIN。",
            f"{name} of PostgreSQL {major} or newer is needed (found: {found}); install postgresql-client-{major}, "
            "or set CITYHUB_PG_BIN.",
        )
    return min(fitting, key=lambda tool: tool.major)


async def _described(connection: asyncpg.Connection, tool: _Tool) -> Manifest:
    row = await connection.fetchrow(
        """
        SELECT (SELECT max(epoch) FROM cityhub.epochs) AS epoch,
               (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM cityhub.commit_position) AS last_position,
               (SELECT max(number) FROM cityhub.schema_migrations) AS schema_number
        """
    )
    return Manifest(
        format=_FORMAT,
        created_at=datetime.now(UTC),
        server_major=connection.get_server_version().major,
        pg_dump_major=tool.major,
        sha256={},
        **dict(row or {}),
    )


def _pack(file: Path, staging: Path, attachments: Path | None, described: Manifest) -> Manifest:
    """The dump and the attachments into the tar, each read once; the manifest after them; the file into its place."""
    members = [(staging / _DUMP, _DUMP)]
    if attachments is not None:
        paths = sorted(path for path in attachments.rglob("*") if path.is_file())
        members += [(path, f"{_ATTACHMENTS}/{path.relative_to(attachments).as_posix()}") for path in paths]
    digests: dict[str, str] = {}
    packed = staging / "packed.tar"
    with os.fdopen(os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path, name in members:
                # One may have been erased since it was listed, rightly.
                with contextlib.suppress(FileNotFoundError), path.open("rb") as file_in:
                    info = tarfile.TarInfo(name)
                    info.size, info.mtime = os.fstat(file_in.fileno()).st_size, int(described.created_at.timestamp())
                    digested = _Digested(file_in)
                    tar.addfile(info, digested)
                    digests[name] = digested.hexdigest()
            manifest = described.model_copy(update={"sha256": digests})
            text = manifest.model_dump_json(indent=1).encode()
            info = tarfile.TarInfo(_MANIFEST)
            info.size, info.mtime = len(text), int(described.created_at.timestamp())
            tar.addfile(info, BytesIO(text))
        out.flush()
        os.fsync(out.fileno())
    packed.replace(file)
    _sync_folder(file.parent)
    return manifest


def _unpack(file: Path, staging: Path) -> Manifest:
    """Everything in the file into the staging folder, each member compared with the manifest."""
    manifest: Manifest | None = None
    digests: dict[str, str] = {}
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                source = tar.extractfile(member)
                if source is None or not _expected(member.name) or member.name in digests or manifest is not None:
                    raise ValueError(member.name)
                if member.name == _MANIFEST:
                    manifest = Manifest.model_validate_json(source.read())
                    continue
                target = staging / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                digested = _Digested(source)
                with target.open("wb") as out:
                    shutil.copyfileobj(digested, out, _CHUNK_BYTES)
                digests[member.name] = digested.hexdigest()
    except FileNotFoundError:
        raise StoreFault(f"没有文件 {file}。", f"There is no file {file}.") from None
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _damaged(file, str(error)) from error
    if manifest is None:
        raise _damaged(file, "no manifest")
    if manifest.format != _FORMAT or manifest.schema_number > max((step.number for step in migrations()), default=0):
        raise StoreFault(
            f"{file} 由更新版本的程序备份;请用该版本恢复。",
            f"{file} was written by a newer version of this code; restore it with that one.",
        )
    if _DUMP not in digests or digests != manifest.sha256:
        odd = {name for name, _ in digests.items() ^ manifest.sha256.items()}
        raise _damaged(file, ", ".join(sorted(odd)[:3]))
    return manifest


def _expected(name: str) -> bool:
    """Whether a member is one that a backup has, and stays inside its folder."""
    parts = PurePosixPath(name).parts
    return name in (_DUMP, _MANIFEST) or (len(parts) > 1 and parts[0] == _ATTACHMENTS and ".." not in parts)


def _damaged(file: Path, what: str) -> StoreFault:
    return StoreFault(
        f"备份文件 {file} 不完整或已损坏({what}),没有做任何改动;请换一个备份。",
        f"The backup {file} is cut short or damaged ({what}), and nothing was changed; take another one.",
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
    tool = await asyncio.to_thread(_tool, "pg_restore", max(major, manifest.pg_dump_major), binaries)
    options = ("--no-owner", "--no-privileges", str(dump))
    if tool.major < 17 or major >= 17:
        await _run(tool, dsn, "--exit-on-error", *options)
        return
    # Since 17, pg_restore sets a parameter that older servers don't have: that fault, alone, is none.
    _, said = await _ran(tool, dsn, *options)
    if said.count("pg_restore: error:") != 1 or 'parameter "transaction_timeout"' not in said:
        raise _failed(tool, said)


def _merge(staged: Path, attachments: Path) -> None:
    """Add the backup's attachments that are missing or differ, each one synced before it takes its name."""
    for source in (path for path in staged.rglob("*") if path.is_file()):
        target = attachments / source.relative_to(staged)
        if target.exists() and filecmp.cmp(source, target, shallow=False):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        with source.open("rb") as file_in, partial.open("wb") as out:
            shutil.copyfileobj(file_in, out, _CHUNK_BYTES)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(target)
        _sync_folder(target.parent)


class _Digested:
    """A file as it is read once, with the SHA-256 of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(size)
        self._digest.update(piece)
        return piece

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


async def _run(tool: _Tool, dsn: str, *options: str) -> None:
    code, said = await _ran(tool, dsn, *options)
    if code != 0:
        raise _failed(tool, said)


async def _ran(tool: _Tool, dsn: str, *options: str) -> tuple[int, str]:
    """The tool's exit code and complaints. It never outlives us, and the password is not among its arguments."""
    password = urlsplit(dsn).password
    bare = dsn.replace(f":{password}@", "@", 1) if password else dsn
    running = await asyncio.create_subprocess_exec(
        tool.path,
        f"--dbname={bare}",
        *options,
        env={**os.environ, "LC_ALL": "C", **({"PGPASSWORD": unquote(password)} if password else {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await running.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.wait()
        raise
    return running.returncode or 0, said.decode(errors="replace")


def _failed(tool: _Tool, said: str) -> StoreFault:
    last = "\n".join(said.strip().splitlines()[-5:])
    return StoreFault(f"{tool.path} 失败:{last}", f"{tool.path} failed: {last}")


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


@contextlib.contextmanager
def _staging(parent: Path) -> Iterator[Path]:
    """A private folder on the disk where its content is going, gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cityhub-", dir=parent) as staging:
        yield Path(staging)


def _dsn_of(dsn: str, database: str) -> str:
    parts = urlsplit(dsn)
    # By hand: urlunsplit drops the slashes of a dsn without a host.
    return f"{parts.scheme}://{parts.netloc}/{quote(database, safe='')}" + (f"?{parts.query}" if parts.query else "")


def _suffixed(name: str, suffix: str) -> str:
    return name.encode()[: _NAME_BYTES_MAX - len(suffix)].decode(errors="ignore") + suffix


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
