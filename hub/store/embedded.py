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
import hashlib
import os
import signal
import stat
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg
import structlog

from hub.store.binaries import find_binaries, run
from hub.store.cluster import (
    DATA,
    DATABASE,
    LOG,
    PASSWORD,
    SERVER_LOCK,
    USERS_LOCK,
    Owner,
    check_version,
    make_cluster,
    open_private,
    owner_of,
)
from hub.store.fault import StoreFault
from hub.store.postmaster import end_orphans, pid_of, send, status_of

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

LOG_BYTES_MAX = 10 * 1024 * 1024

WATCH_SECONDS = 0.25
"""How soon the death of a kept server is noticed."""

_AGAIN_SECONDS = 2.0
_POLL_SECONDS = 0.01

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
            folder = await asyncio.to_thread(_made, folder)
            # Waits only while the last user is ending the server.
            users = await _locked(folder / USERS_LOCK, fcntl.LOCK_SH)
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


def _made(folder: Path) -> Path:
    folder = folder.resolve()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Passable, so that root's server, which runs as somebody else, reaches its own folder inside; not readable.
        folder.mkdir(mode=0o711, exist_ok=True)
    return folder


def _lock(path: Path, operation: int) -> IO[bytes] | None:
    """The file, locked until it is closed; ``None`` where others hold it. Never waits."""
    file = open_private(path, os.O_RDWR)
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


async def _locked(path: Path, operation: int) -> IO[bytes]:
    while True:
        if (file := _lock(path, operation)) is not None:
            return file
        await asyncio.sleep(_POLL_SECONDS)


async def _leave(folder: Path, users: IO[bytes], timeout_seconds: float = 60.0) -> bool:
    with users:
        try:
            # Until the file is closed, who wants to start or adopt waits.
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            async with asyncio.timeout(timeout_seconds):
                while (lock := _lock(folder / SERVER_LOCK, fcntl.LOCK_EX)) is None:
                    # Each time: one that is only just starting heeds none before its pid file names it.
                    send(folder, signal.SIGINT)
                    end_orphans(folder)
                    await asyncio.sleep(_POLL_SECONDS)
                lock.close()
        except TimeoutError:
            # Loses nothing that was committed: the next start replays it from the log.
            send(folder, signal.SIGQUIT)
            log.warning("database.cut_off", folder=str(folder), timeout_seconds=timeout_seconds)
        with contextlib.suppress(OSError):
            _sockets_of(folder).rmdir()
    return True


async def _launched_or_reached(folder: Path, binaries: Path | None, settings: Mapping[str, str]) -> tuple[bool, str]:
    """Whether this process launched the server, and the dsn by which it answers."""
    launched = False
    while True:
        if (lock := _lock(folder / SERVER_LOCK, fcntl.LOCK_EX)) is not None:
            if launched:
                lock.close()
                raise _early_end(folder)
            await asyncio.to_thread(_launch, folder, binaries, settings, lock)
            launched = True
        elif (dsn := await _reach(folder)) is not None:
            return launched, dsn
        else:
            end_orphans(folder)
        await asyncio.sleep(_POLL_SECONDS)


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


def _launch(folder: Path, binaries: Path | None, settings: Mapping[str, str], lock: IO[bytes]) -> None:
    """Start the server in a session of its own, as nobody's child, with the lock as its inheritance."""
    with lock:
        chosen = find_binaries(binaries)
        owner = owner_of(folder, chosen)
        if (folder / DATA / "PG_VERSION").exists():
            check_version(folder, chosen)
        else:
            make_cluster(folder, chosen, owner)
        sockets = _sockets_of(folder)
        _make_private(sockets, owner)
        if pid_of(folder) is None:
            # The process ids in a dead server's files may by now be others', which PostgreSQL would take for servers.
            for left in (folder / DATA / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
                left.unlink(missing_ok=True)
        if (folder / LOG).exists() and (folder / LOG).stat().st_size > LOG_BYTES_MAX:
            (folder / LOG).replace((folder / LOG).with_suffix(".log.1"))
        given = {"unix_socket_directories": sockets, **settings}
        words = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        with open_private(folder / LOG, os.O_RDWR | os.O_APPEND) as output:
            server: list[str | Path] = [chosen.folder / "postgres", "-D", folder / DATA]
            run(["setsid", "--fork", *owner.prefix, *server, *words], output=output, pass_fds=(lock.fileno(),))


def _sockets_of(folder: Path) -> Path:
    """Where the socket is: a short path (107 bytes is the limit), the same at every start."""
    # Not under /run/user, which is emptied when its user logs out, while the server stays.
    base = Path("/run") if os.geteuid() == 0 and Path("/run").is_dir() else Path("/tmp")
    return base / f"cityhub-{hashlib.sha256(bytes(folder)).hexdigest()[:16]}"


def _make_private(sockets: Path, owner: Owner) -> None:
    with contextlib.suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
        os.chown(sockets, owner.uid, owner.gid)
    found = sockets.lstat()
    # In a folder for all, somebody else may have been here first.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.uid or found.st_mode & 0o077:
        raise StoreFault(
            f"{sockets} 应当只属于用户 {owner.uid};请删除它后重试。",
            f"{sockets} should belong to user {owner.uid} alone; remove it and try again.",
        )


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
