"""What verbs share: settings from arguments, a connection to the hub's database, printing, faults."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from contracts.problem import Problem
from contracts.profile_files import with_files
from hub.logs import logs_to_stderr
from hub.settings import BadSettings, Settings, read
from hub.store.embedded import running_server
from hub.store.fault import StoreFault
from hub.store.pool import LOST, Pool, open_pool


def add_store(parser: argparse.ArgumentParser) -> None:
    """Where the hub's data is."""
    parser.add_argument("--data", help="数据文件夹,默认 ./data / the data folder")
    parser.add_argument("--master-key-file", metavar="FILE", help="主密钥文件,默认在数据文件夹 / the master keys")
    parser.add_argument("--attachments", metavar="DIR", help="照片文件夹,默认在数据文件夹 / the folder of the photos")
    parser.add_argument("--files-root", metavar="DIR", help="文件交换的根目录 / the folder of exchange by file")
    parser.add_argument("--database", metavar="URL", help="外部 PostgreSQL(15 及以上) / an outside PostgreSQL")


def add_json(parser: argparse.ArgumentParser) -> None:
    """For machines."""
    parser.add_argument("--json", action="store_true", help="以 JSON 输出 / print JSON")


def add_schema(parser: argparse.ArgumentParser) -> None:
    """Where an editor finds the schema of profiles."""
    parser.add_argument(
        "--schema", metavar="URL", help="编辑器补全用的 Schema 地址,默认本机枢纽 / the schema for editors"
    )


def schema_url(settings: Settings) -> str:
    """The schema of profiles as the hub of these settings serves it."""
    return f"http://{settings.host}:{settings.port}/contracts/profile/1.0/schema.json"


def settings_of(given: argparse.Namespace) -> Settings:
    """Settings of the arguments; ends the program with every fault where they are bad."""
    try:
        return read(vars(given), os.environ)
    except BadSettings as bad:
        for fault in bad.faults:
            print(f"设置有误 / bad setting: {fault}", file=sys.stderr)
        raise SystemExit(2) from None


def run(work: Callable[[], Awaitable[int]]) -> int:
    """Run a verb's work; known faults become a sentence and status 1."""
    logs_to_stderr("warning")
    try:
        return asyncio.run(_awaited(work))
    except (StoreFault, Problem) as fault:
        tell(fault)
    except LOST as fault:
        print(f"数据库不可用 / the database is unavailable: {fault}", file=sys.stderr)
    return 1


async def _awaited(work: Callable[[], Awaitable[int]]) -> int:
    return await work()


def tell(fault: StoreFault | Problem) -> None:
    """A fault for a person, in both languages."""
    if isinstance(fault, Problem):
        print(f"{in_short(fault.document('zh-CN'))} / {fault}", file=sys.stderr)
        for violation in fault.violations:
            print(f"  {violation.pointer}  {violation.zh} / {violation.en}", file=sys.stderr)
    else:
        print(fault, file=sys.stderr)


def in_short(problem: dict[str, Any]) -> str:
    """What a problem's document says in a line; a title without more to it stands once."""
    title, detail = str(problem["title"]), str(problem["detail"])
    return title if title == detail else f"{title}: {detail}"


def profile_text(file: str) -> str:
    """The profile of a file (``-`` is standard input), files beside it included; ends the program with a fault."""
    path = Path(file)

    def beside(name: str) -> str:
        return _decoded((path.parent / name).read_bytes())

    try:
        text = sys.stdin.read() if file == "-" else path.read_text(encoding="utf-8-sig")
        return with_files(text, beside)
    except (OSError, UnicodeDecodeError) as fault:
        print(f"读不到文件 / cannot read the file: {fault}", file=sys.stderr)
        raise SystemExit(2) from None
    except Problem as problem:
        tell(problem)
        raise SystemExit(1) from None


@contextlib.asynccontextmanager
async def store(settings: Settings) -> AsyncIterator[Pool]:
    """A pool on the hub's database; the embedded one is adopted where a hub runs, else started for the verb."""
    async with contextlib.AsyncExitStack() as stack:
        dsn = settings.database
        if dsn is None:
            folder = settings.data / "postgresql"
            if not folder.exists():
                raise StoreFault(
                    f"{settings.data} 中还没有数据库,请先运行 ./cityhub serve。",
                    f"There is no database in {settings.data} yet; run ./cityhub serve first.",
                )
            dsn = (await stack.enter_async_context(running_server(folder))).dsn
        pool = await open_pool(dsn, size_min=1, size_max=4, role="cli")
        try:
            yield pool
        finally:
            await pool.close()


def operator() -> str:
    """Who types: kept with what was done."""
    try:
        return f"cli/{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def table(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> None:
    """A table for people; wide characters keep their columns."""
    from rich.console import Console
    from rich.table import Table

    made = Table(box=None, header_style="bold", pad_edge=False)
    for head in heads:
        made.add_column(head, overflow="fold")
    for row in rows:
        made.add_row(*("—" if cell is None else str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 200).print(made)


def _decoded(raw: bytes) -> str:
    # Old services describe themselves in the encoding of their machine.
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")
    return text.replace("\r\n", "\n")


def show_json(document: Any) -> None:
    """JSON for machines."""
    print(json.dumps(document, ensure_ascii=False, default=str))


def done(given: argparse.Namespace, sentence: str, **fields: Any) -> None:
    """What a verb did: a sentence for people, or its fields with ``--json``."""
    if given.json:
        show_json(fields)
    else:
        print(sentence)


def folder(text: str) -> Path:
    """An argument that names a folder."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: 没有该文件夹 / no such folder")
    return path
