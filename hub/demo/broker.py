"""A RabbitMQ node of one's own: started from the installed package, in a folder of its own, ended by its id.

It shares nothing with a broker that runs on the machine: own node name, cookie, ports, name server and data, and it
listens on 127.0.0.1 only. Tests and the demo speak to it; crash tests kill it. ``python -m hub.demo.broker`` runs one
until its input ends, and says its addresses in a line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.demo.broker_node import LOOPBACK, BrokerFault, Node, scripts_folder

START_SECONDS = 90.0
STOP_SECONDS = 20.0
CTL_SECONDS = 60.0
LOOK_SECONDS = 0.1
PORT_TRIES = 3


@dataclass(slots=True)
class Broker:
    """One node. ``url`` and ``management_url`` carry the user and the password of its administrator."""

    node: Node
    _process: asyncio.subprocess.Process | None = None
    _names: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address for AMQP."""
        return f"amqp://{self.node.user}:{self.node.password}@{LOOPBACK}:{self.node.port}/%2F"

    @property
    def management_url(self) -> str:
        """The address of the management API."""
        return f"http://{self.node.user}:{self.node.password}@{LOOPBACK}:{self.node.management_port}"

    @property
    def running(self) -> bool:
        """Whether the node's process is there."""
        return self._process is not None and self._process.returncode is None

    def sibling(self) -> Broker:
        """A second node, not started yet, that may join this one's cluster."""
        folder = self.node.folder / f"node-{secrets.token_hex(3)}"
        return Broker(
            Node(
                folder,
                cookie=self.node.cookie,
                password=self.node.password,
                names_port=self.node.names_port,
                names_shared=True,
            )
        )

    async def start(self) -> None:
        """Start, or start again on the same ports and data, and wait until it answers. Raises ``BrokerFault``."""
        scripts = scripts_folder()
        first = self.node.port == 0
        for again in range(PORT_TRIES):
            if first:
                self.node = self.node.with_free_ports()
                self.node.write_files()
            await self._start_names()
            self._process = await self._spawn(str(scripts / "rabbitmq-server"), log="node.log")
            if await self._answers():
                return
            taken = "eaddrinuse" in self.node.last_words()
            await (self.close() if first else self.kill())
            # Between choosing a port and listening on it another process may have taken it.
            if not (first and taken) or again == PORT_TRIES - 1:
                break
        raise BrokerFault("RabbitMQ 没有启动", "RabbitMQ did not start", self.node.last_words())

    async def stop(self) -> None:
        """End the node in good order, which takes some seconds."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """As a power cut ends it; ``start`` begins again with what was on disk."""
        await self._end(signal.SIGKILL)

    async def close(self) -> None:
        """End whatever of it still runs."""
        await self.kill()
        process, self._names = self._names, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def ctl(self, *arguments: str) -> str:
        """What ``rabbitmqctl`` says for this node. Raises ``BrokerFault`` where it fails."""
        process = await asyncio.create_subprocess_exec(
            str(scripts_folder() / "rabbitmqctl"),
            "--node",
            self.node.name,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.node.environment(),
            cwd=self.node.folder,
        )
        try:
            async with asyncio.timeout(CTL_SECONDS):
                told, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            told = b""
        if process.returncode != 0:
            raise BrokerFault("rabbitmqctl 失败", "rabbitmqctl failed", told.decode(errors="replace")[-2000:])
        return told.decode(errors="replace")

    async def join(self, other: Broker) -> None:
        """Become a node of the other one's cluster; what this node held is forgotten."""
        await self.ctl("stop_app")
        await self.ctl("reset")
        await self.ctl("join_cluster", other.node.name)
        await self.ctl("start_app")

    async def _spawn(self, *command: str, log: str) -> asyncio.subprocess.Process:
        # Whoever started it may be killed: the kernel then ends what it leaves.
        guarded = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
        with (self.node.folder / log).open("ab") as said:
            return await asyncio.create_subprocess_exec(
                *guarded,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self.node.environment(),
                cwd=self.node.folder,
                start_new_session=True,
            )

    async def _start_names(self) -> None:
        if self.node.names_shared or (self._names is not None and self._names.returncode is None):
            return
        self._names = await self._spawn("epmd", "-port", str(self.node.names_port), log="names.log")
        # A node that finds no name server starts one that nobody would end.
        async with asyncio.timeout(START_SECONDS):
            while self._names.returncode is not None or not _listens(self.node.names_port):
                if self._names.returncode is not None:
                    raise BrokerFault("epmd 没有启动", "epmd did not start", self.node.last_words())
                await asyncio.sleep(LOOK_SECONDS)

    async def _answers(self) -> bool:
        """Whether the node answers before its time is over."""
        assert self._process is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while self._process.returncode is None:
                    if await asyncio.to_thread(self._is_up):
                        return True
                    await asyncio.sleep(LOOK_SECONDS)
        return False

    def _is_up(self) -> bool:
        # The management API is the last that comes up.
        address = f"http://{LOOPBACK}:{self.node.management_port}/api/health/checks/port-listener/{self.node.port}"
        who = b64encode(f"{self.node.user}:{self.node.password}".encode()).decode()
        request = urllib.request.Request(address, headers={"authorization": f"Basic {who}"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        below = list(_below(process.pid))
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        # Its port programs go with it when their pipe closes; what does not is ended too.
        for pid in below:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex((LOOPBACK, port)) == 0


def _below(pid: int) -> Iterator[int]:
    """The processes that a process started, and theirs."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                yield from _below(int(child))
                yield int(child)


@contextlib.asynccontextmanager
async def running_broker(folder: Path | None = None) -> AsyncIterator[Broker]:
    """A broker for as long as the context lasts; its data goes with it where no folder is given."""
    made = Path(tempfile.mkdtemp(prefix="cityhub-broker-")) if folder is None else folder
    broker = Broker(Node(made))
    try:
        await broker.start()
        yield broker
    finally:
        if folder is not None:
            await broker.stop()
        await broker.close()
        if folder is None:
            shutil.rmtree(made, ignore_errors=True)


async def _main() -> int:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_reader(0, lambda: ended.set() if not os.read(0, 4096) else None)
    try:
        async with running_broker() as broker:
            sys.stdout.write(json.dumps({"url": broker.url, "management_url": broker.management_url}) + "\n")
            sys.stdout.flush()
            await ended.wait()
    except BrokerFault as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_main()))
