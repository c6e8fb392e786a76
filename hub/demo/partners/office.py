"""What every partner shares: its configuration, its HTTP client, city time, photos, and how a unit works a dispatch."""

from __future__ import annotations

import asyncio
import json
import random
import struct
import sys
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from hub.demo.journal import Journal
from hub.demo.plan import Habits

TRIES_MAX = 60


@dataclass(slots=True)
class Office:
    """A partner's desk: keys by unit, its journal, the hub's address, its habits."""

    url: str
    keys: dict[str, str]
    habits: Habits
    journal: Journal
    rate: float
    chance: random.Random
    session: aiohttp.ClientSession
    config: dict[str, Any]
    repeats_itself: float = 0.0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    count: int = 0

    async def call(self, unit: str, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """One call, again while the hub is away; (status, answer)."""
        headers = {"authorization": f"Bearer {self.keys[unit]}", **more.pop("headers", {})}
        for attempt in range(TRIES_MAX):
            try:
                async with self.session.request(method, self.url + path, json=body, headers=headers, **more) as answer:
                    said = await answer.json(content_type=None) if answer.content_type.endswith("json") else None
                    if answer.status not in (429, 503):
                        return answer.status, said
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(min(2.0, 0.05 * 2**attempt))
        raise RuntimeError(f"the hub did not answer {method} {path}")

    async def send(self, unit: str, case_number: str, what: str, body: dict[str, Any]) -> int:
        """One message about a case, under a key of its own; noted with its answer. Some partners say things twice."""
        self.count += 1
        key = f"{unit}-{case_number}-{what}-{self.count}"
        path = f"/api/v1/cases/{case_number}/{what}"
        status, said = await self.call(unit, "POST", path, body, headers={"Idempotency-Key": key})
        self.journal.note("sent", unit_id=unit, case_number=case_number, what=what, key=key, status=status,
                          final=body.get("final", True))  # fmt: skip
        if self.chance.random() < self.repeats_itself:
            again, same = await self.call(unit, "POST", path, body, headers={"Idempotency-Key": key})
            if (again, same and same.get("version")) != (status, said and said.get("version")):
                self.journal.note("changed_answer", key=key, first=said, second=same)
        return status

    async def photo(self, unit: str) -> list[str]:
        """A photo sent; its id in a list, or none where it was refused."""
        data = _png(self.chance.randrange(256), self.chance.randrange(256), self.chance.randrange(256))
        headers = {"authorization": f"Bearer {self.keys[unit]}", "content-type": "image/png"}
        async with self.session.post(f"{self.url}/api/v1/attachments", data=data, headers=headers) as answer:
            return [(await answer.json())["attachment_id"]] if answer.status == 201 else []

    async def city_minutes(self, minutes: float) -> None:
        """Wait so long in city time."""
        await asyncio.sleep(minutes * 60 / self.rate)

    def begin(self, work: Awaitable[None]) -> None:
        """Do something besides; a fault in it is written down."""
        task = asyncio.create_task(self._watched(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _watched(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as fault:
            self.journal.note("fault", fault=repr(fault))

    async def handle(self, unit: str, event: dict[str, Any]) -> None:
        """A unit works one dispatch: acknowledges it, perhaps returns it, else handles it and feeds back."""
        case, order, habits = event["subject"], event["data"], self.habits
        first = order["round"] == 1
        if self.chance.random() < habits.acknowledges:
            await self.city_minutes(self.chance.uniform(1, 10))
            await self.send(unit, case, "acknowledgement", {"handler": "值班班组"})
        if first and self.chance.random() < habits.returns and order["dispatch_number"] == 1:
            await self.city_minutes(self.chance.uniform(5, 20))
            await self.send(
                unit, case, "return", {"reason_code": "not_responsible", "reason": "现场核实不属于本单位管养范围"}
            )
            return
        low, high = habits.handles_minutes
        minutes = self.chance.uniform(low, high)
        if order["deadline"]["tier"] == "A" and self.chance.random() < habits.late:
            limit = datetime.fromisoformat(order["deadline"]["due_at"]) - datetime.fromisoformat(event["time"])
            minutes = limit.total_seconds() / 60 * 1.1
        if self.chance.random() < habits.answers_in_parts:
            await self.city_minutes(minutes / 2)
            await self.send(unit, case, "feedback", {"description": "已到场,正在处置", "final": False})
            minutes /= 2
        await self.city_minutes(minutes)
        photos = await self.photo(unit)
        await self.send(
            unit, case, "feedback", {"description": "已处置完毕,现场恢复", "handler": "值班班组", "photos": photos}
        )


def _png(red: int, green: int, blue: int) -> bytes:
    """A small picture of one colour."""
    width = height = 16
    rows = b"".join(b"\0" + bytes((red, green, blue)) * width for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def run(work: Callable[[Office], Awaitable[None]]) -> None:
    """Run a partner: its configuration comes as one JSON line; it ends when its standard input does."""
    asyncio.run(_run(work))


async def _run(work: Callable[[Office], Awaitable[None]]) -> None:
    config = json.loads(sys.stdin.readline())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=90)) as session:
        office = Office(
            url=config["url"],
            keys=config["keys"],
            habits=Habits(**{**config["habits"], "handles_minutes": tuple(config["habits"]["handles_minutes"])}),
            journal=Journal(Path(config["journal"])),
            rate=config["rate"],
            chance=random.Random(f"{config['seed']} {config['name']}"),
            session=session,
            config=config,
        )
        working = asyncio.ensure_future(work(office))
        told = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(None, sys.stdin.read))
        await asyncio.wait([working, told], return_when=asyncio.FIRST_COMPLETED)
        if working.done() and (fault := working.exception()):
            raise fault
        working.cancel()
        for task in office.tasks:
            task.cancel()
