"""The systems of a crowd of units in one process: REST, SOAP, pages to poll, queues, and a look into folders.

Writes {"port": 0} when it is ready. Reads lines, each answered by one: {"listen": {unit: way}} opens a port for each
unit and tells them; {"secrets", "queues", "folders", "broker"} says what the units have; {"report": …} begins a round,
in which polled units and those at a queue report by themselves; "take" asks for the arrivals since the last one,
"reported" for what was reported in the round, and when.
Arrivals are told by case number, or by the mark that a report of the units' own has in its text.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pika
import uvloop

from bench.rabbit_stage import BODY_KIND, bare_channel, report_event
from bench.receiver import Signatures
from bench.soap_partner import ANSWERS, answer_of
from bench.wire import Receiver

_KEY = re.compile(rb"own-[a-z0-9]+-\d+|\d{6}-\d{8}-\d{6}")
_AFTER = re.compile(rb"[?&]after=(\d+)")
_OK = b'{"ok":"true"}'
CONSUME_SECONDS = 30.0


def _answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


@dataclass(slots=True)
class Systems:
    """What the units' systems were told, what came, and what they say."""

    signatures: Signatures = field(default_factory=Signatures)
    folders: Sequence[Path] = ()
    arrivals: dict[str, float] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)
    reported: dict[str, float] = field(default_factory=dict)
    pages: dict[bytes, list[tuple[float, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    received: int = 0
    channel: Any = None
    _files: set[str] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def rest(self, head: bytes, body: bytes) -> bytes | None:
        """A letter, or the question for a page."""
        path = head.split(b" ", 2)[1]
        _, unit, *below = path.split(b"/", 2)
        if not below:
            self.signatures.check(head, body)
            self.came("rest", body, time.time())
            return None
        if below[0] == b"tasks":
            self.came("rest, own words", body, time.time())
            return _answer(_OK)
        return _answer(orjson.dumps({"reports": self._page(unit, path)}))

    def came(self, way: str, body: bytes, at: float) -> None:
        """A letter arrived."""
        self.received += 1
        # A report of the units' own names its mark behind the number that its case has at the hub.
        found = _KEY.findall(body)
        key = max(found, default=b"").decode()
        if key:
            self.arrivals.setdefault(key, at)
            self.ways.setdefault(key, way)

    def take(self) -> dict[str, Any]:
        """The arrivals since the last time."""
        for folder in self.folders:
            if folder.is_dir():
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self._file(folder, entry)
        told = {"arrivals": self.arrivals, "received": self.received, "bad_signature": self.signatures.bad}
        self.arrivals = {}
        return told

    def tell_reported(self) -> dict[str, Any]:
        """What was reported by the units themselves in this round, and by which way everything arrived."""
        return {"reported": self.reported, "ways": self.ways}

    async def report(self, told: Mapping[str, Any]) -> None:
        """Let the units report at a steady rate, each way half of it: pages hold it until asked, queues get it."""
        self.reported, self.ways = {}, {}
        began, count = time.time(), int(told["seconds"] * told["per_second"])
        for number in range(count):
            due = began + number / told["per_second"]
            body, mark = told["bodies"][number], f"own-{told['run']}-{number}"
            polled = told["polled"] if number % 2 or not told["connections"] else []
            if polled:
                unit = polled[number // 2 % len(polled)]
                self._numbers[unit] += 1
                self.pages[unit.encode()].append((due, _item(self._numbers[unit], mark, body)))
                continue
            connection = told["connections"][number // 2 % len(told["connections"])]
            await asyncio.sleep(max(0.0, due - time.time()))
            self.reported[mark] = time.time()
            self.channel.basic_publish(f"cityhub.{connection}.in", "", _event(mark, body), _properties(mark))

    def _page(self, unit: bytes, path: bytes) -> list[dict[str, Any]]:
        found = _AFTER.search(path)
        after, now = int(found[1]) if found else 0, time.time()
        kept = [(due, item) for due, item in self.pages[unit] if item["number"] > after]
        self.pages[unit] = kept
        items = [item for due, item in kept if due <= now]
        for item in items:
            self.reported.setdefault(item["key"], now)
        return items

    def _file(self, folder: Path, entry: os.DirEntry[str]) -> None:
        if entry.name.startswith(".") or entry.path in self._files:
            return
        self._files.add(entry.path)
        # The time of its last change is that of its renaming, when it became visible as a whole.
        self.came("file", (folder / entry.name).read_bytes(), entry.stat().st_ctime)


def _item(number: int, mark: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{"number": number, "key": mark, "word": "found", "what": body["category_code"]},
        **{"part": body["component_code"], "text": f"{body['description']} {mark}"},
        **{"x": body["place"]["longitude"], "y": body["place"]["latitude"]},
    }


def _event(mark: str, body: Mapping[str, Any]) -> bytes:
    return report_event(mark, {**body, "description": f"{body['description']} {mark}"})


def _properties(mark: str) -> pika.BasicProperties:
    return pika.BasicProperties(content_type=BODY_KIND, delivery_mode=2, message_id=mark)


async def consume(systems: Systems, broker: str, queues: Sequence[str]) -> None:
    """Read the units' queues, from when the hub has made them."""
    async with asyncio.timeout(CONSUME_SECONDS):
        while True:
            channel, ended, running = await bare_channel(broker), asyncio.Event(), 0

            def consuming(_: Any, ended: asyncio.Event = ended) -> None:
                nonlocal running
                running += 1
                if running == len(queues):
                    ended.set()

            # A queue that is not there yet closes the channel.
            channel.add_on_close_callback(lambda *_, ended=ended: ended.set())
            for queue in queues:
                channel.basic_consume(queue, partial(_took, systems), auto_ack=True, callback=consuming)
            await ended.wait()
            if channel.is_open:
                systems.channel = channel
                return
            channel.connection.close()
            await asyncio.sleep(0.2)


def _took(systems: Systems, _channel: Any, _method: Any, _properties: Any, body: bytes) -> None:
    systems.came("rabbitmq", body, time.time())


async def listen(systems: Systems, way: str) -> int:
    """The port of a unit's system."""

    def took(_head: bytes, body: bytes) -> None:
        systems.came(way, body, time.time())

    receiver = partial(Receiver, took, answer_of(way)) if way in ANSWERS else partial(Receiver, systems.rest)
    server = await asyncio.get_running_loop().create_server(receiver, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def main() -> None:
    """Serve until standard input ends."""
    systems, loop = Systems(), asyncio.get_running_loop()
    print(json.dumps({"port": 0}), flush=True)
    reporting: asyncio.Task[None] | None = None
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        said: dict[str, Any] = {}
        match line.strip():
            case "take":
                said = systems.take()
            case "reported":
                if reporting is not None:
                    await reporting
                said = systems.tell_reported()
            case _:
                told = json.loads(line)
                if "listen" in told:
                    said = {unit: await listen(systems, way) for unit, way in told["listen"].items()}
                elif "report" in told:
                    reporting = asyncio.create_task(systems.report(told["report"]))
                else:
                    systems.signatures.learn(told["secrets"])
                    systems.folders = [Path(each) for each in told["folders"]]
                    if told["queues"]:
                        await consume(systems, told["broker"], told["queues"])
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
