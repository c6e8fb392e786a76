"""The files of an embedded server's folder: its locks, and what its pid file says of its processes."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import signal
from pathlib import Path
from typing import IO

DATA, PASSWORD, LOG, SERVER_LOCK, USERS_LOCK = "data", "password", "postgres.log", "server.lock", "users.lock"

POLL_SECONDS = 0.01


def made_folder(folder: Path) -> Path:
    """The folder, there and whole."""
    folder = folder.resolve()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Passable, so that root's server, which runs as somebody else, reaches its own folder inside; not readable.
        folder.mkdir(mode=0o711, exist_ok=True)
    return folder


def opened(path: Path, flags: int) -> IO[bytes]:
    """A private file of the folder's owner, also when root makes it."""
    file = os.fdopen(os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
    return file


def lock_file(path: Path, operation: int) -> IO[bytes] | None:
    """The file, locked until it is closed; ``None`` where others hold it. Never waits."""
    file = opened(path, os.O_RDWR)
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


async def locked(path: Path, operation: int) -> IO[bytes]:
    """The file, locked until it is closed, waited for."""
    while True:
        if (file := lock_file(path, operation)) is not None:
            return file
        await asyncio.sleep(POLL_SECONDS)


def sockets_of(folder: Path) -> Path:
    """Where the socket is: a short path (107 bytes is the limit), the same at every start."""
    # Not under /run/user, which is emptied when its user logs out, while the server stays.
    base = Path("/run") if os.geteuid() == 0 and Path("/run").is_dir() else Path("/tmp")
    return base / f"cityhub-{hashlib.sha256(bytes(folder)).hexdigest()[:16]}"


def status_of(folder: Path) -> tuple[str, str] | None:
    """Socket folder and port of a server that is ready, as it wrote them into its pid file."""
    try:
        lines = (folder / DATA / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    return lines[4], lines[3]


def pid_of(folder: Path) -> int | None:
    """The process that the pid file names, if it lives and works on this data: ids are given out again."""
    try:
        pid = int((folder / DATA / "postmaster.pid").read_text().split("\n", 1)[0])
        return pid if Path(f"/proc/{pid}/cwd").samefile(folder / DATA) else None
    except (OSError, ValueError):
        return None


def signal_server(folder: Path, number: signal.Signals) -> None:
    """Tell the server's postmaster something, where there is one."""
    if (pid := pid_of(folder)) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end_orphans(folder: Path) -> None:
    """End backends that outlived their postmaster: a busy one may notice it late, and holds its memory and the lock.

    As the postmaster itself does after a crash; what they had not committed is lost either way.
    """
    if pid_of(folder) is not None:
        return
    names = (process.name for process in Path("/proc").iterdir())
    children = [int(name) for name in names if name.isdecimal() and _is_child(folder, name)]
    # Asked again, after the children were found: those of a living server have it in the pid file before they are born.
    if pid_of(folder) is None:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)


def _is_child(folder: Path, pid: str) -> bool:
    """Whether this is a process of the folder's server that the postmaster made, as such are named."""
    try:
        named = Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres: ")
        return named and Path(f"/proc/{pid}/cwd").samefile(folder / DATA)
    except OSError:
        return False
