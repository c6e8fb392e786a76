"""The processes that run on a data folder, as its pid file and the kernel tell them. Linux only."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from hub.store.cluster import DATA


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


def send(folder: Path, number: signal.Signals) -> None:
    """Send the server a signal, if it runs."""
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
