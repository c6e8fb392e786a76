"""Each process's counts as a file in the run folder, so that any one of them can answer for all.

A *slot* is a worker's place (``a0``), not its process id, so a reused id means nothing. The process that holds a slot's
lock is the only one to write its file; the kernel lets go of the lock when that process dies, however it dies. The
file is replaced whole by rename: a reader sees the old one or the new one. A successor goes on from the file it finds,
so no file's counts ever go down, and neither does their sum, which Prometheus would take for a restart and count again.
A killed process loses what it counted since its last snapshot, nothing else. Nothing is synced to disk: after a power
cut a file may be empty, and its slot begins again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SAME_NAME_MAX = 64


@dataclass(slots=True)
class Slot:
    """A place of its own for one process's snapshot, until it is closed or the process dies."""

    folder: Path
    name: str
    _lock: int

    @classmethod
    def take(cls, folder: Path, wanted: str) -> Slot:
        """Take the slot ``wanted``, or ``wanted.2`` and so on where another living process has it."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, SAME_NAME_MAX + 1):
            name = wanted if number == 1 else f"{wanted}.{number}"
            lock = os.open(folder / f"metrics-{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            return cls(folder, name, lock)
        raise OSError(f"{SAME_NAME_MAX} living processes call themselves {wanted}")

    @property
    def file(self) -> Path:
        """Where this slot's snapshot is."""
        return self.folder / f"metrics-{self.name}.json"

    def read(self) -> bytes | None:
        """The snapshot of whoever had the slot before."""
        with contextlib.suppress(FileNotFoundError):
            return self.file.read_bytes()
        return None

    def write(self, snapshot: bytes) -> None:
        """Replace the snapshot, whole or not at all. Raises ``OSError``."""
        draft = self.file.with_suffix(".draft")
        draft.write_bytes(snapshot)
        draft.replace(self.file)

    def others(self) -> Iterator[tuple[str, Path]]:
        """The snapshots of all other slots, living or not, by the slot's name."""
        for file in sorted(self.folder.glob("metrics-*.json")):
            if file != self.file:
                yield file.stem.removeprefix("metrics-"), file

    def close(self) -> None:
        """Let go of the slot; its snapshot stays and goes on counting."""
        os.close(self._lock)
