"""A partner's own journal: what came, what it did; JSON lines, on the disk before anything follows from them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Journal:
    """An append-only file of JSON lines. ``write`` returns when the rows are on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a", encoding="utf-8")

    def rows(self) -> Iterator[Row]:
        """What was written before: a system that starts again knows what it had."""
        return read_rows(self._path)

    def write(self, *rows: Row) -> None:
        """Append rows and sync them."""
        at = datetime.now(UTC).isoformat()
        self._file.write("".join(json.dumps({"at": at, **row}, ensure_ascii=False) + "\n" for row in rows))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """No more rows."""
        self._file.close()


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a journal; a last line that was cut off by a crash is none."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)
