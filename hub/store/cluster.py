"""A new cluster, and its server started: as whom, with which settings, in whose session."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hub.store.binaries import Binaries, find_binaries, run
from hub.store.fault import StoreFault
from hub.store.server_files import DATA, LOG, PASSWORD, opened, pid_of, sockets_of

DATABASE = "cityhub"
"""The database, and the role that owns it."""

LOG_BYTES_MAX = 10 * 1024 * 1024

# The last bit lets access(2) heed the capability, by which PostgreSQL looks for its own executables: the kernel else
# leaves it out for all but root.
_SEE_THROUGH = (
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
    "--bounding-set=-all,+dac_read_search",
    "--securebits=+no_setuid_fixup",
)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who runs the server, and the words before a command that make it run so."""

    uid: int
    gid: int
    prefix: tuple[str, ...]


def launch(folder: Path, binaries: Path | None, settings: Mapping[str, str], lock: IO[bytes]) -> None:
    """Start the server in a session of its own, as nobody's child, with the lock as its inheritance."""
    with lock:
        chosen = find_binaries(binaries)
        owner = _owner(folder, chosen)
        if (folder / DATA / "PG_VERSION").exists():
            _check_version(folder, chosen)
        else:
            _make_cluster(folder, chosen, owner)
        sockets = sockets_of(folder)
        _make_private(sockets, owner)
        if pid_of(folder) is None:
            # The process ids in a dead server's files may by now be others', which PostgreSQL would take for servers.
            for left in (folder / DATA / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
                left.unlink(missing_ok=True)
        if (folder / LOG).exists() and (folder / LOG).stat().st_size > LOG_BYTES_MAX:
            (folder / LOG).replace((folder / LOG).with_suffix(".log.1"))
        given = {"unix_socket_directories": sockets, **settings}
        words = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        with opened(folder / LOG, os.O_RDWR | os.O_APPEND) as output:
            server: list[str | Path] = [chosen.folder / "postgres", "-D", folder / DATA]
            run(["setsid", "--fork", *owner.prefix, *server, *words], output=output, pass_fds=(lock.fileno(),))


def _owner(folder: Path, binaries: Binaries) -> _Owner:
    """Ourselves; or, as PostgreSQL refuses to run as root, the data's owner, else a system user.

    A folder above that is closed to that user stays closed: the server is let through by a capability instead.
    """
    if os.geteuid() != 0:
        return _Owner(os.geteuid(), os.getegid(), ())
    data = folder / DATA
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
        tried = run([*prefix, "sh", "-c", 'cd "$1" && test -x "$2"', "sh", folder, binaries.folder / "postgres"])
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
            run([useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", name])
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid
    raise StoreFault(
        "root 需要一个系统用户来运行 PostgreSQL;请执行 useradd --system postgres。",
        "root needs a system user to run PostgreSQL as; do useradd --system postgres.",
    )


def _check_version(folder: Path, binaries: Binaries) -> None:
    made_by = (folder / DATA / "PG_VERSION").read_text().strip()
    if made_by == str(binaries.major):
        return
    raise StoreFault(
        f"{folder / DATA} 由 PostgreSQL {made_by} 创建,而 {binaries.folder} 是 {binaries.major};"
        f"请把 CITYHUB_PG_BIN 设为 {made_by} 的程序文件夹,或用 {made_by} 备份后恢复到新的数据文件夹。",
        f"{folder / DATA} was made by PostgreSQL {made_by}, but {binaries.folder} is {binaries.major}; set "
        f"CITYHUB_PG_BIN to the executables of {made_by}, or back up with {made_by} and restore into a new folder.",
    )


def _make_cluster(folder: Path, binaries: Binaries, owner: _Owner) -> None:
    """A new data folder, whole or not at all: made beside its place, then renamed."""
    if not (folder / PASSWORD).exists():
        fresh = (folder / PASSWORD).with_suffix(".new")
        with opened(fresh, os.O_RDWR | os.O_TRUNC) as file:
            file.write(secrets.token_hex(24).encode())
            os.fsync(file.fileno())
        fresh.rename(folder / PASSWORD)
    staging = folder / "data.new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as password, os.fdopen(writing, "wb") as pen:
        pen.write((folder / PASSWORD).read_bytes())
        pen.close()
        if owner.prefix:
            os.chown(staging, owner.uid, owner.gid)
            os.fchown(reading, owner.uid, owner.gid)
        initdb: list[str | Path] = [binaries.folder / "initdb", "-D", staging, "--data-checksums", "--encoding=UTF8"]
        access = [f"--username={DATABASE}", "--pwfile=/dev/stdin", "--auth=scram-sha-256"]
        made = run([*owner.prefix, *initdb, *access, *_locale(binaries.major)], stdin=password)
    if made.returncode != 0:
        raise StoreFault(
            f"无法在 {folder} 创建数据库:{made.stderr.strip()}",
            f"Can't make a database in {folder}: {made.stderr.strip()}",
        )
    staging.rename(folder / DATA)
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
