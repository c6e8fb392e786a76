"""The embedded database: a real PostgreSQL in the data folder, adopted where one runs, ended by its last user.

``running_server(folder)`` is the whole of it. Any ``initdb`` and ``postgres`` will do (15 or newer). In the folder:

- ``data/`` is PostgreSQL's own and belongs to the user that runs it, ``password`` is for the hub alone;
- ``server.lock`` is locked by the server's processes themselves, as they inherit it, from the first moment to the last:
  who can lock it knows that no server runs, whatever an old ``postmaster.pid`` says;
- ``users.lock`` is shared by every hub process that uses the server: who can lock it alone may end the server.

The kernel drops both locks with the process that held them, however it died. Linux only.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg
import structlog

from hub.store.cluster import DATABASE, launch
from hub.store.fault import StoreFault
from hub.store.server_files import (
    DATA,
    LOG,
    PASSWORD,
    POLL_SECONDS,
    SERVER_LOCK,
    USERS_LOCK,
    end_orphans,
    lock_file,
    locked,
    made_folder,
    pid_of,
    signal_server,
    sockets_of,
    status_of,
)

SETTINGS: Mapping[str, str] = {
    # No TCP port: who may enter the socket's folder, and knows the password, may connect.
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_connections": "100",
    # A statement over all the months' partitions takes a lock for each of them and of their indexes.
    "max_locks_per_transaction": "256",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "10min",
    "wal_compression": "on",
    # An accepted message outlives a power cut: this is never traded for speed.
    "fsync": "on",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "unix_socket_permissions": "0700",
}
"""What the server is started with on a machine of two cores; ``start`` takes others over them."""

WATCH_SECONDS = 0.25
"""How soon the death of a kept server is noticed."""

_AGAIN_SECONDS = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server that this process uses; ``dsn`` leads to the database ``cityhub``."""

    folder: Path
    data: Path
    dsn: str = field(repr=False)
    adopted: bool
    users: IO[bytes] = field(repr=False)
    binaries: Path | None
    settings: Mapping[str, str]

    def dsn_of(self, database: str) -> str:
        """The way to another database of this server, as the same role."""
        return self.dsn.replace(f"@/{DATABASE}?", f"@/{quote(database, safe='')}?", 1)


@contextlib.asynccontextmanager
async def running_server(
    folder: Path, binaries: Path | None = None, *, settings: Mapping[str, str] | None = None
) -> AsyncIterator[EmbeddedServer]:
    """The folder's server for as long as the block runs: started or adopted, ended afterwards unless others use it."""
    server = await start(folder, binaries, settings=settings)
    try:
        yield server
    finally:
        await stop(server)


async def start(
    folder: Path,
    binaries: Path | None = None,
    *,
    settings: Mapping[str, str] | None = None,
    timeout_seconds: float = 300.0,
) -> EmbeddedServer:
    """Adopt the server that runs on ``folder``, or start one, made new where there is none; it answers on return.

    ``binaries`` is a folder with ``initdb`` and ``postgres``, see ``find_binaries``; ``settings`` go over ``SETTINGS``.
    The time limit leaves room for the recovery after a power cut. Raises ``StoreFault``.
    """
    wanted = {**SETTINGS, **(settings or {})}
    try:
        async with asyncio.timeout(timeout_seconds):
            folder = await asyncio.to_thread(made_folder, folder)
            # Waits only while the last user is ending the server.
            users = await locked(folder / USERS_LOCK, fcntl.LOCK_SH)
            try:
                launched, dsn = await _launched_or_reached(folder, binaries, wanted)
            except StoreFault:
                await _leave(folder, users)
                raise
            except BaseException:
                # A recovery that takes longer than we wait goes on, for the next hub to adopt.
                users.close()
                raise
    except TimeoutError:
        raise StoreFault(
            f"数据库在 {timeout_seconds:g} 秒内没有就绪,请查看 {folder}/postgres.log。",
            f"The database was not ready within {timeout_seconds:g} seconds; see {folder}/postgres.log.",
        ) from None
    except PermissionError as error:
        raise StoreFault(
            f"无权使用 {error.filename or folder};请以该数据文件夹的所有者身份运行。",
            f"Not allowed to use {error.filename or folder}; run as the user that the data folder belongs to.",
        ) from error
    log.info("database.started" if launched else "database.adopted", folder=str(folder))
    return EmbeddedServer(folder, folder / DATA, dsn, not launched, users, binaries, wanted)


async def stop(server: EmbeddedServer, *, timeout_seconds: float = 60.0) -> bool:
    """Leave the server; its last user ends it, and gets ``True``. Open transactions are rolled back."""
    ended = await _leave(server.folder, server.users, timeout_seconds)
    log.info("database.stopped" if ended else "database.left_running", folder=str(server.folder))
    return ended


async def keep(server: EmbeddedServer) -> None:
    """Start the server again whenever it dies, in the same folder and with the same dsn; until cancelled."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        if pid_of(server.folder) is not None:
            continue
        log.error("database.lost", folder=str(server.folder))
        try:
            launched, _ = await _launched_or_reached(server.folder, server.binaries, server.settings)
        except (StoreFault, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
            log.error("database.not_started", folder=str(server.folder), fault=str(fault))
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            log.info("database.started" if launched else "database.adopted", folder=str(server.folder))


async def create_database(server: EmbeddedServer, name: str, *, template: str = "template1") -> str:
    """A new database, its dsn returned; as a copy of ``template``, which nobody may be connected to."""
    connection = await asyncpg.connect(server.dsn)
    try:
        await connection.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE {quoted(template)}")
    finally:
        await connection.close()
    return server.dsn_of(name)


async def drop_database(server: EmbeddedServer, name: str) -> None:
    """Remove a database if it is there, and whoever is connected to it."""
    connection = await asyncpg.connect(server.dsn)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")
    finally:
        await connection.close()


def quoted(name: str) -> str:
    """A name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


async def _leave(folder: Path, users: IO[bytes], timeout_seconds: float = 60.0) -> bool:
    with users:
        try:
            # Until the file is closed, who wants to start or adopt waits.
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            async with asyncio.timeout(timeout_seconds):
                while (lock := lock_file(folder / SERVER_LOCK, fcntl.LOCK_EX)) is None:
                    # Each time: one that is only just starting heeds none before its pid file names it.
                    signal_server(folder, signal.SIGINT)
                    end_orphans(folder)
                    await asyncio.sleep(POLL_SECONDS)
                lock.close()
        except TimeoutError:
            # Loses nothing that was committed: the next start replays it from the log.
            signal_server(folder, signal.SIGQUIT)
            log.warning("database.cut_off", folder=str(folder), timeout_seconds=timeout_seconds)
        with contextlib.suppress(OSError):
            sockets_of(folder).rmdir()
    return True


async def _launched_or_reached(folder: Path, binaries: Path | None, settings: Mapping[str, str]) -> tuple[bool, str]:
    """Whether this process launched the server, and the dsn by which it answers."""
    launched = False
    while True:
        if (lock := lock_file(folder / SERVER_LOCK, fcntl.LOCK_EX)) is not None:
            if launched:
                lock.close()
                raise _early_end(folder)
            await asyncio.to_thread(launch, folder, binaries, settings, lock)
            launched = True
        elif (dsn := await _reach(folder)) is not None:
            return launched, dsn
        else:
            end_orphans(folder)
        await asyncio.sleep(POLL_SECONDS)


async def _reach(folder: Path) -> str | None:
    """The dsn of the server that answers, its database made where it is missing; ``None`` while it doesn't answer."""
    if (status := status_of(folder)) is None:
        return None
    try:
        password = (folder / PASSWORD).read_text().strip()
    except FileNotFoundError:
        raise _password_fault(folder) from None
    sockets, port = status
    dsn = f"postgresql://{DATABASE}:{password}@/{DATABASE}?host={quote(sockets, safe='')}&port={port}"
    try:
        connection = await asyncpg.connect(dsn, database="postgres", timeout=10)
    except PermissionError:
        raise
    except asyncpg.InvalidAuthorizationSpecificationError:
        raise _password_fault(folder) from None
    except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError, asyncpg.TooManyConnectionsError):
        return None
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
            # Another hub that adopted the server may make it at the same moment.
            with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f"CREATE DATABASE {quoted(DATABASE)} TEMPLATE template0")
    finally:
        await connection.close()
    return dsn


def _early_end(folder: Path) -> StoreFault:
    last = "\n".join((folder / LOG).read_text(errors="replace").splitlines()[-5:])
    return StoreFault(
        f"数据库启动后退出,请查看 {folder / LOG}。最后几行:\n{last}",
        f"The database ended as soon as it was started; see {folder / LOG}. Its last lines:\n{last}",
    )


def _password_fault(folder: Path) -> StoreFault:
    return StoreFault(
        f"{folder / PASSWORD} 不是这个数据库的密码文件;请放回原来的文件,或移走 {folder / DATA} 后从备份恢复。",
        f"{folder / PASSWORD} is not this database's password; put the original back, or move {folder / DATA} away "
        "and restore from a backup.",
    )
