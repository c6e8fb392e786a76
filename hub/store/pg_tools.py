"""PostgreSQL's own clients, ``pg_dump`` and ``pg_restore``: the one that fits, and running it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hub.store.binaries import binaries_folders, major_of
from hub.store.fault import StoreFault


@dataclass(frozen=True, slots=True)
class Tool:
    """A client, and its major version."""

    path: Path
    major: int


def tool_of(name: str, major: int, binaries: Path | None) -> Tool:
    """The client of the given major version, else the oldest newer one: an older one can't read what it must."""
    paths = [folder / name for folder in binaries_folders(binaries) if (folder / name).is_file()]
    tools = [Tool(path, major_of(path)) for path in paths]
    fitting = [tool for tool in tools if tool.major >= major]
    if not fitting:
        found = ", ".join(str(tool.major) for tool in tools) or "-"
        raise StoreFault(
            f"需要 PostgreSQL {major} 或更新版本的 {name}(现有:{found});请安装 postgresql-client-{major},"
            "或设置 CITYHUB_PG_BIN。",
            f"{name} of PostgreSQL {major} or newer is needed (found: {found}); install postgresql-client-{major}, "
            "or set CITYHUB_PG_BIN.",
        )
    return min(fitting, key=lambda tool: tool.major)


async def run_tool(tool: Tool, dsn: str, *options: str) -> None:
    """Run it to its end. Raises ``StoreFault`` where it fails."""
    code, said = await ran(tool, dsn, *options)
    if code != 0:
        raise failed(tool, said)


async def ran(tool: Tool, dsn: str, *options: str) -> tuple[int, str]:
    """The tool's exit code and complaints. It never outlives us, and the password is not among its arguments."""
    password = urlsplit(dsn).password
    bare = dsn.replace(f":{password}@", "@", 1) if password else dsn
    running = await asyncio.create_subprocess_exec(
        tool.path,
        f"--dbname={bare}",
        *options,
        env={**os.environ, "LC_ALL": "C", **({"PGPASSWORD": unquote(password)} if password else {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await running.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.wait()
        raise
    return running.returncode or 0, said.decode(errors="replace")


def failed(tool: Tool, said: str) -> StoreFault:
    """The fault of a tool that failed, with its last words."""
    last = "\n".join(said.strip().splitlines()[-5:])
    return StoreFault(f"{tool.path} 失败:{last}", f"{tool.path} failed: {last}")
