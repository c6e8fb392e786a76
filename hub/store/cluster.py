"""A data folder of PostgreSQL's: whose it is, what made it, and making a new one, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hub.store.binaries import Binaries, run
from hub.store.fault import StoreFault

DATABASE = "cityhub"
"""The database, and the role that owns it."""

DATA, PASSWORD, LOG, SERVER_LOCK, USERS_LOCK = "data", "password", "postgres.log", "server.lock", "users.lock"

# The last bit lets access(2) heed the capability, by which PostgreSQL looks for its own executables: the kernel else
# leaves it out for all but root.
_SEE_THROUGH = (
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
    "--bounding-set=-all,+dac_read_search",
    "--securebits=+no_setuid_fixup",
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who runs the server, and the words before a command that make it run so."""

    uid: int
    gid: int
    prefix: tuple[str, ...]


def open_private(path: Path, flags: int) -> IO[bytes]:
    """A private file of the folder's owner, also when root makes it."""
    file = os.fdopen(os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
    return file


def owner_of(folder: Path, binaries: Binaries) -> Owner:
    """Ourselves; or, as PostgreSQL refuses to run as root, the data's owner, else a system user.

    A folder above that is closed to that user stays closed: the server is let through by a capability instead.
    """
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), ())
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
            return Owner(uid, gid, prefix)
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


def check_version(folder: Path, binaries: Binaries) -> None:
    """Raises ``StoreFault`` where another version made the data."""
    made_by = (folder / DATA / "PG_VERSION").read_text().strip()
    if made_by == str(binaries.major):
        return
    raise StoreFault(
        f"{folder / DATA} 由 PostgreSQL {made_by} 创建,而 {binaries.folder} 是 {binaries.major};"
        f"请把 CITYHUB_PG_BIN 设为 {made_by} 的程序文件夹,或用 {made_by} 备份后恢复到新的数据文件夹。",
        f"{folder / DATA} was made by PostgreSQL {made_by}, but {binaries.folder} is {binaries.major}; set "
        f"CITYHUB_PG_BIN to the executables of {made_by}, or back up with {made_by} and restore into a new folder.",
    )


def make_cluster(folder: Path, binaries: Binaries, owner: Owner) -> None:
    """A new data folder, whole or not at all: made beside its place, then renamed."""
    if not (folder / PASSWORD).exists():
        fresh = (folder / PASSWORD).with_suffix(".new")
        with open_private(fresh, os.O_RDWR | os.O_TRUNC) as file:
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
