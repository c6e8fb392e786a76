"""Starts the demo's processes and ends each by its id, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""Children find the packages where this process found them, from whatever folder it was started."""

START_SECONDS = 90.0
END_SECONDS = 20.0
LINE_MAX = 1024 * 1024


# Not frozen: contextlib sets an exception's traceback.
@dataclass(eq=False)
class ProcessFailed(Exception):
    """A process of the demo did not start, or died: its name and the last that it said."""

    name: str
    said: str

    def __str__(self) -> str:
        return f"进程 {self.name} 异常退出 / process {self.name} failed:\n{self.said}"


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started, and where its standard error goes."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    async def first_line(self) -> dict[str, Any]:
        """The line of JSON that it says when it is there. Raises ``ProcessFailed``."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await self.process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise ProcessFailed(self.name, self.last_words())
        told: dict[str, Any] = json.loads(line)
        return told

    async def tell(self, line: str) -> None:
        """A line on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()

    def last_words(self) -> str:
        """The end of what it said on standard error."""
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""


@dataclass(slots=True)
class Supervisor:
    """The processes of one demo, in the order of their start; they end in the opposite order."""

    logs: Path
    _children: list[Child] = field(default_factory=list)

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Shielded: a second Ctrl-C must not leave processes behind.
        ending = asyncio.create_task(self._end_all())
        while not ending.done():
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError:
                continue

    async def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Child:
        """Start a command."""
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        log = self.logs / f"{name}.log"
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LINE_MAX,
                env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", **(environment or {})},
                # Ctrl-C in a terminal reaches the whole group; these end when their supervisor says so.
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def check_alive(self) -> None:
        """Raises ``ProcessFailed`` where one has died."""
        for child in self._children:
            if child.process.returncode is not None:
                raise ProcessFailed(child.name, child.last_words())

    async def end(self, *children: Child) -> None:
        """End these processes, all at once: asked first by closing their input and a signal, then made to."""
        for child in children:
            if child in self._children:
                self._children.remove(child)
        await asyncio.gather(*(_end(child) for child in children))

    async def _end_all(self) -> None:
        # The hub was started first; partners that still speak while it goes would only fill their logs.
        await self.end(*self._children[1:])
        await self.end(*self._children)


async def _end(child: Child) -> None:
    process = child.process
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
