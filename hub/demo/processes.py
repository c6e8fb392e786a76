"""The demo's processes: the hub and the partners, started by us and ended by us, each by its own id."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 90.0
END_SECONDS = 20.0


@dataclass(slots=True)
class Processes:
    """Everything that the demo started. Standard error of each goes to a file in ``folder``."""

    folder: Path
    started: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def hub(self, speed: float, begin: str) -> dict[str, Any]:
        """Start the hub; what it says when it is ready. Raises ``RuntimeError`` where it does not come up."""
        process = await self._start(
            "hub.cli",
            "serve",
            f"--data={self.folder / 'hub'}",
            "--port=0",
            f"--clock-rate={speed}",
            f"--clock-start={begin}",
            "--outbound-allow=127.0.0.0/8",
            "--rate-per-second=2000",
            "--print-ready",
            log="hub.log",
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(READY_SECONDS):
                line = await process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise RuntimeError(f"枢纽未能启动,见 {self.folder / 'hub.log'} / the hub did not start, see its log")
        said: dict[str, Any] = json.loads(line)
        return said

    async def partner(self, module: str, config: dict[str, Any]) -> None:
        """Start a partner with its configuration."""
        process = await self._start(f"hub.demo.partners.{module}", log=f"{config['name']}.log")
        assert process.stdin is not None
        process.stdin.write(json.dumps(config, ensure_ascii=False).encode() + b"\n")
        await process.stdin.drain()

    async def partners_end(self) -> None:
        """End the partners, so that their journals are whole; the hub, started first, goes on."""
        for process in reversed(self.started[1:]):
            await _ended(process)
        del self.started[1:]

    async def end(self) -> None:
        """End all, partners first, the hub last."""
        for process in reversed(self.started):
            await _ended(process)

    def dead(self) -> list[int]:
        """Process ids that ended by themselves."""
        return [process.pid for process in self.started if process.returncode is not None]

    async def _start(self, module: str, *arguments: str, log: str) -> asyncio.subprocess.Process:
        with (self.folder / log).open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                module,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
                # Ctrl-C goes to the demo, which ends them in order.
                start_new_session=True,
            )
        self.started.append(process)
        return process


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
