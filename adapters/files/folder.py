"""What the hub does in a unit's folder, wherever that is, and what of a file's name it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

LISTED_MAX = 10_000
"""Files of a folder that are looked at in one round."""
UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".writing", ".swp")
"""Endings that programs give to a file while they write it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A plain file: its name, its size in bytes and when it was last changed (epoch)."""

    name: str
    size: int
    modified: float


class Folder(Protocol):
    """A unit's folder. ``where`` is a folder inside it, made where it is missing.

    Everything raises the port's ``Unavailable`` where it may pass later, ``Unauthorised`` where a person must look.
    """

    async def entries(self, where: str) -> Sequence[Entry]:
        """The plain files, unsorted; no folders, no links, nothing that is being written."""
        ...

    async def read(self, where: str, name: str, most: int) -> bytes | None:
        """A file's bytes, up to ``most`` of them; None where it is gone or is no plain file."""
        ...

    async def write(self, where: str, name: str, content: bytes) -> None:
        """Put a file there as a whole: whoever looks sees all of it or nothing, also after a crash."""
        ...

    async def move(self, where: str, name: str, to: str, new_name: str) -> None:
        """Move a file; one that is gone is moved already."""
        ...

    async def exists(self, where: str, name: str) -> bool:
        """Whether there is anything by this name."""
        ...

    async def close(self) -> None:
        """Let go of the connection, if there is one."""
        ...


def is_taken(name: str) -> bool:
    """Whether a name is one that a partner gives to a finished file."""
    return not name.startswith((".", "~")) and not name.lower().endswith(UNFINISHED) and "/" not in name
