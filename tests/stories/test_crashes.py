"""Kill -9 in the middle of the day: what was answered is there, once; what it tells arrives, in order, unchanged."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from tests.builders import a_place
from tests.stories.conftest import ROOT, RunningHub, start_hub, stop_hub

pytestmark = pytest.mark.story

COLLECTOR, LEAD = "collection", "housing_construction"
REPORT = {"category_code": "E0402"}
STEPS = (
    (LEAD, "feedback", {"description": "已修复"}),
    (COLLECTOR, "verification", {"finding": "failed", "description": "仍渗水"}),
    (LEAD, "feedback", {"description": "再次修复"}),
    (COLLECTOR, "verification", {"finding": "passed"}),
)
"""What follows a report: two dispatches for the lead and two requests for the collector, each told by a letter."""

CLIENTS = 8
ANSWER_SECONDS = 0.05
PAUSE_SECONDS = 1.2
QUIET_SECONDS = 30.0


@dataclass(slots=True)
class Mailbox:
    """A unit's system that takes everything, and remembers what came in which order."""

    bodies: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    repeats: int = 0
    sequences: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        letter, event = request.headers["webhook-id"], orjson.loads(raw)
        if letter not in self.bodies:
            self.sequences[request.path, event["subject"]].append(int(event["sequence"]))
        else:
            self.repeats += 1
        self.bodies[letter].add(raw)
        # Long enough that a killed worker leaves letters on the wire.
        await asyncio.sleep(ANSWER_SECONDS)
        return web.Response()


@asynccontextmanager
async def a_mailbox() -> AsyncIterator[tuple[Mailbox, str]]:
    """A listening mailbox and its address."""
    mailbox, app = Mailbox(), web.Application()
    app.router.add_post("/{unit}", mailbox.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield mailbox, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class Day:
    """A hub that is being hurt, and the clients that go on speaking to it."""

    hub: RunningHub
    keys: dict[str, str]
    session: aiohttp.ClientSession
    answers: dict[str, str] = field(default_factory=dict)
    troubles: int = 0
    over: bool = False

    async def client(self, name: str) -> None:
        """Report cases and see each of them through, until the day is over."""
        for number in count():
            if self.over:
                return
            own = f"{name}-{number}"
            report = {**REPORT, "place": a_place(), "description": f"自来水管破裂 {own}"}
            case = await self.said(COLLECTOR, "/api/v1/cases", report, own, {"ce-sendercase": own})
            self.answers[own] = case["case_number"]
            for at, (unit, what, body) in enumerate(STEPS):
                await self.said(unit, f"/api/v1/cases/{case['case_number']}/{what}", body, f"{own}-{at}")

    async def said(
        self, unit: str, path: str, body: Any, key: str, more: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer to a message that is sent, with the same key, until it is answered."""
        headers = {"authorization": f"Bearer {self.keys[unit]}", "idempotency-key": key, **(more or {})}
        while True:
            try:
                async with self.session.post(self.hub.url + path, json=body, headers=headers) as answer:
                    if answer.status < 300:
                        found: dict[str, Any] = await answer.json()
                        return found
                    assert answer.status in (429, 503), (path, answer.status, await answer.text())
            except (aiohttp.ClientError, OSError):
                pass
            self.troubles += 1
            await asyncio.sleep(0.05)

    async def all_of(self, path: str) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        items: list[dict[str, Any]] = []
        url = f"{self.hub.url}{path}?limit=200"
        while url:
            async with self.session.get(url, headers={"authorization": f"Bearer {self.hub.admin_key}"}) as answer:
                items += (await answer.json())["items"]
                url = str(answer.links["next"]["url"]) if "next" in answer.links else ""
        return items

    # -- what is done to it ----------------------------------------------------------------------------------------

    async def kill_worker(self, slot: str) -> None:
        os.kill(next(_children(self.hub.process.pid, f"--slot={slot}")), signal.SIGKILL)

    async def kill_database(self) -> None:
        pid_file = self.hub.data / "postgresql" / "data" / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)

    async def kill_supervisor(self) -> None:
        """Kill it and start another at once, as systemd does."""
        old = self.hub
        old.process.kill()
        await asyncio.to_thread(old.process.wait)
        self.hub = await asyncio.to_thread(start_hub, old.data, f"--port={old.url.rpartition(':')[2]}")
        self.hub.admin_key = old.admin_key

    async def kill_everything(self) -> None:
        """As when the machine's power is cut, but for the disk's cache; then start again."""
        for worker in list(_children(self.hub.process.pid, "worker")):
            os.kill(worker, signal.SIGKILL)
        await self.kill_database()
        await self.kill_supervisor()


def _children(parent: int, word: str) -> Iterator[int]:
    for pid in map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()):
        if word in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
            yield pid


@asynccontextmanager
async def a_day(data: Path, mailbox_url: str) -> AsyncIterator[Day]:
    """A hub with two live units whose letters go to the mailbox."""
    hub = await asyncio.to_thread(start_hub, data)
    keys = {}
    for unit in (COLLECTOR, LEAD):
        push = {"name": "main", "transport": "rest", "rest": {"endpoint": f"{mailbox_url}/{unit}"}}
        profile = {"unit": unit, "connections": [{**push, "concurrency": 32, "per_second": 5000}]}
        for method, path, body in (
            ("PUT", "profile", profile),
            ("POST", "state", {"state": "live", "reason": "drill"}),
        ):
            status, said, _ = await asyncio.to_thread(hub.call, method, f"/api/v1/units/{unit}/{path}", body)
            assert status < 300, said
        keys[unit] = await asyncio.to_thread(hub.key_of, unit)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        day = Day(hub, keys, session)
        try:
            yield day
        finally:
            await asyncio.to_thread(stop_hub, day.hub)


async def test_whatever_is_killed_each_message_takes_effect_once_and_each_letter_arrives(tmp_path: Path) -> None:
    async with a_mailbox() as (mailbox, url), a_day(tmp_path / "data", url) as day:
        clients = [asyncio.create_task(day.client(f"client{n}")) for n in range(CLIENTS)]
        blows: tuple[Callable[[], Awaitable[None]], ...] = (
            lambda: day.kill_worker("a0"),
            lambda: day.kill_worker("l0"),
            day.kill_database,
            day.kill_supervisor,
            lambda: day.kill_worker("l0"),
            day.kill_database,
            day.kill_everything,
        )
        for blow in blows:
            answered = len(day.answers)
            await asyncio.sleep(PAUSE_SECONDS)
            await blow()
            # Each blow meets a hub that works again.
            async with asyncio.timeout(QUIET_SECONDS):
                while len(day.answers) < answered + CLIENTS:
                    await asyncio.sleep(0.02)
        day.over = True
        async with asyncio.timeout(QUIET_SECONDS):
            await asyncio.gather(*clients)
            letters = await day.all_of("/api/v1/letters")
            while {letter["letter_id"] for letter in letters} - mailbox.bodies.keys():
                await asyncio.sleep(0.05)

        cases = await day.all_of("/api/v1/cases")
        assert day.troubles > 0 and mailbox.repeats > 0
        assert {case["sender_case_id"]: case["case_number"] for case in cases} == day.answers
        assert len(cases) == len(day.answers)
        assert {(case["state"], case["version"]) for case in cases} == {("closed", cases[0]["version"])}
        assert {letter for letter, bodies in mailbox.bodies.items() if len(bodies) > 1} == set()
        assert mailbox.bodies.keys() == {letter["letter_id"] for letter in letters}
        wanted = {(f"/{unit}", number): [1, 2] for unit in (COLLECTOR, LEAD) for number in day.answers.values()}
        assert mailbox.sequences == wanted


def test_a_second_hub_on_the_same_data_folder_is_refused_and_the_first_goes_on(hub: RunningHub) -> None:
    second = subprocess.run(
        [sys.executable, "-P", "-m", "hub.cli", "serve", f"--data={hub.data}", "--port=0"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1 and "Another hub uses the data folder" in second.stderr
    assert hub.call("GET", "/readyz")[0] == 200
