"""The demo's command: options in, a day of the city, the verdict out. It joins the parts that the package names."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
from rich.console import Console

from contracts.city import City, load_city
from hub.demo.bends import BENDS, bends, missing, told
from hub.demo.broker import Broker
from hub.demo.broker_node import Node
from hub.demo.casting import Part, lacking
from hub.demo.checks import Verdict, judge
from hub.demo.city_folder import write_city
from hub.demo.city_plan import OPENING, PlannedReport, plan, spread_minutes
from hub.demo.config import Access, Options, PartnerConfig
from hub.demo.evidence import Evidence, gather
from hub.demo.foreign import NAMES, Tools
from hub.demo.hub_client import CityTime, HubClient, HubSaidNo
from hub.demo.notice import ask_for_notice, show_notice
from hub.demo.opening import names_of, open_city
from hub.demo.result import result_of
from hub.demo.starting import Starting
from hub.demo.supervisor import Child, ProcessFailed, Supervisor
from hub.demo.tally import tally
from hub.demo.view import View, show_units, show_verdict
from hub.demo.watch import Picture, count_letters, watch

LONGEST_MINUTES = 16 * 60.0
"""So much city time after the last report the slowest case is over, with room to spare."""

SETTLE_SECONDS = 30.0
"""What is on its way when the last case closes (notices, the feed, a flaky unit's retries) gets this long."""


async def run(args: argparse.Namespace) -> int:
    """Play the day. 0: every claim holds; 1: one does not, or the demo could not be played."""
    options = Options(args.cases, args.speed, args.seed, args.headless, args.json, args.keep, args.notice)
    # The result goes to standard output; whatever a person watches goes beside it.
    console = Console(stderr=options.json or options.headless, width=None if sys.stderr.isatty() else 120)
    ending = _Ending.on_signals()
    folder, tools, began = Path(tempfile.mkdtemp(prefix="cityhub-demo-")), Tools(), monotonic()
    try:
        async with (
            _broker(tools, folder / "broker") as broker,
            Supervisor(_made(folder / "logs")) as supervisor,
            aiohttp.ClientSession() as session,
        ):
            starting = Starting(supervisor, session, tools, broker, folder, options.speed, write_city(folder / "city"))
            try:
                return await _Demo(options, console, folder, supervisor, starting, began).play()
            finally:
                ending.leave()
    except (ProcessFailed, HubSaidNo) as fault:
        console.print(str(fault), style="red", markup=False, highlight=False)
        return 1
    finally:
        if options.keep:
            console.print(f"数据保留在 / the data is kept in {folder}", highlight=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Demo:
    """One day, from the hub's start to the verdict."""

    options: Options
    console: Console
    folder: Path
    supervisor: Supervisor
    starting: Starting
    began: float

    async def play(self) -> int:
        """The whole day; the exit status."""
        city = load_city(self.folder / "city")
        reports = plan(city, self.options.cases, self.options.seed)
        self._tell("启动枢纽和各单位系统… / starting the hub and the units' systems…")
        running = await self.starting.start([unit.unit_id for unit in city.units])
        admin, parts, children = running.admin, running.parts, running.children
        for need, short in lacking((unit.unit_id for unit in city.units), running.there).items():
            self._tell(f"没有 {NAMES[need]}:{'、'.join(short)} 改在工作台办理 / without it they work at their desks")
        names = await names_of(admin)
        self._tell(f"接入 {sum(len(part.units) for part in parts)} 个单位… / connecting the units…")
        opened = await open_city(admin, names, parts, running.sites)
        await self._give_parts(city, admin.url, parts, children, opened.accesses, reports)
        self._tell(f"枢纽 / hub {admin.url}: {len(reports)} 件上报开始 / reports begin")
        await self._watch(admin, names, opened.transports)
        evidence, verdict = await self._settle(admin, [each.sender_case for each in reports], _governors(city))
        await self.supervisor.end(*children.values())
        units = tally(evidence, names)
        show_units(self.console, units)
        counted = bends(evidence.entries)
        self.console.print(f"曲折 bends: {told(counted)}", highlight=False)
        if missing(counted):
            words = "、".join(BENDS[name][0] for name in missing(counted))
            few = f"(上报不足 {len(OPENING)} 件)" if self.options.cases < len(OPENING) else ""
            self.console.print(f"未出现 not shown{few}: {words}", style="yellow", highlight=False)
        show_verdict(self.console, verdict)
        notice = await ask_for_notice(admin)
        show_notice(self.console, notice)
        if self.options.notice is not None:
            self.options.notice.write_bytes(notice.pdf)
        result = {
            **result_of(evidence, verdict),
            "notice": notice.document(),
            "by_unit": {unit: each.document() for unit, each in units.items()},
            "seconds": round(monotonic() - self.began, 1),
            "seed": self.options.seed,
            "speed": self.options.speed,
            "url": admin.url,
        }
        self._finish(result)
        if self.options.keep:
            # Ctrl-C is how keeping ends: what the day came to is still the answer.
            with contextlib.suppress(asyncio.CancelledError):
                await self._keep(admin)
        return 0 if verdict.ok else 1

    # -- before the day --------------------------------------------------------------------------------------------

    async def _give_parts(
        self,
        city: City,
        url: str,
        parts: Sequence[Part],
        children: Mapping[str, Child],
        accesses: Mapping[str, Access],
        reports: Sequence[PlannedReport],
    ) -> None:
        journals = _made(self.folder / "journals")
        leads: dict[str, tuple[str, ...]] = {}
        for row in city.responsibilities:
            if row.duty == "lead":
                leads[row.category_code] = (*leads.get(row.category_code, ()), row.unit_id)
        for part in parts:
            config = PartnerConfig(
                url=url,
                journal=str(journals / f"{part.name}.jsonl"),
                seed=self.options.seed,
                units=tuple(accesses[unit] for unit in part.units),
                reports=tuple(each.document() for each in reports if each.sender in part.units),
                leads=leads,
                governors=_governors(city),
            )
            await children[part.name].tell(config.line())

    # -- the day ---------------------------------------------------------------------------------------------------

    async def _watch(self, admin: HubClient, names: Mapping[str, str], transports: Mapping[str, str]) -> None:
        """Until every case is over, or more time went by than the slowest could need."""
        picture, letters = Picture(), dict[str, Mapping[str, Any]]()
        minutes = spread_minutes(self.options.cases) + LONGEST_MINUTES
        bound = 60.0 + self.options.cases / 10 + 2 * minutes * 60 / self.options.speed
        clock = await CityTime.ask(admin)
        view = View(self.options.cases, names, transports, clock, picture, letters)
        seen = (
            [self._progress(picture)]
            if self.options.headless
            else [view.show(self.console), count_letters(admin, letters)]
        )
        async with _beside(self._guard(), *seen):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(bound):
                    await watch(admin, picture, self.options.cases)

    async def _guard(self) -> None:
        while True:
            self.supervisor.check_alive()
            await asyncio.sleep(0.5)

    async def _progress(self, picture: Picture) -> None:
        while True:
            await asyncio.sleep(5)
            self._tell(f"{picture.over}/{self.options.cases} 结案 over, {len(picture.cases)} 已登记 registered")

    # -- after it --------------------------------------------------------------------------------------------------

    async def _settle(
        self, admin: HubClient, planned: Sequence[str], governors: Mapping[str, str]
    ) -> tuple[Evidence, Verdict]:
        """Judge, and again while something may still arrive; what stands at the end stands."""
        until, pause = monotonic() + SETTLE_SECONDS, 0.5
        while True:
            evidence = await gather(admin, self.folder / "journals", planned, governors)
            verdict = judge(evidence)
            arriving = verdict.lost and not (verdict.hanging or verdict.duplicated or verdict.out_of_order)
            if not arriving or monotonic() > until:
                return evidence, verdict
            self.supervisor.check_alive()
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 3.0)

    def _finish(self, result: Mapping[str, Any]) -> None:
        if self.options.json:
            # T20 forbids print elsewhere; this line is the command's result.
            sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
            sys.stdout.flush()
            return
        ways = "、".join(f"{way} {number}" for way, number in result["transports"].items())
        self.console.print(
            f"{result['cases']} 件 cases, {result['closed']} 结案 closed, {result['rejected']} 不予受理 rejected; "
            f"{result['letters']} 封信件 letters, {result['redelivered']} 次重投 redelivered; {result['seconds']} s\n"
            f"送达方式 ways: {ways}",
            highlight=False,
        )

    async def _keep(self, admin: HubClient) -> None:
        self.console.print(
            f"枢纽仍在运行 / the hub is still up: {admin.url}\n"
            f"  管理员密钥 / administrator's key: {admin.key}\n"
            f"  curl -H 'Authorization: Bearer {admin.key}' '{admin.url}/api/v1/cases?limit=5'\n"
            f"  各单位的记录 / the partners' journals: {self.folder / 'journals'}\n"
            f"  之后再启动 / later: ./cityhub serve --data {self.folder / 'data'}\n"
            "Ctrl-C 结束 / ends it.",
            markup=False,
            highlight=False,
            # Lines to be copied stay whole.
            soft_wrap=True,
        )
        await self._guard()

    def _tell(self, sentence: str) -> None:
        self.console.print(sentence, style="dim", highlight=False)


@contextlib.asynccontextmanager
async def _broker(tools: Tools, folder: Path) -> AsyncIterator[Broker | None]:
    """A node of the demo's own, nothing of it started yet, where RabbitMQ is there; ended whatever happens."""
    if tools.broker is None:
        yield None
        return
    node = Node(folder).with_free_ports()
    node.write_files()
    broker = Broker(node)
    try:
        yield broker
    finally:
        await broker.close()


@contextlib.asynccontextmanager
async def _beside(*works: Any) -> AsyncIterator[None]:
    """Work that goes on beside the block: cancelled at its end; a failure of one ends the block."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
            yield
            for task in tasks:
                task.cancel()
    except ExceptionGroup as several:
        raise several.exceptions[0] from None


@dataclass(slots=True)
class _Ending:
    """Ctrl-C, told to end, or the terminal gone: the day is broken off, so that every process is ended.

    Said again each second until it is heard: a library may swallow a cancellation that comes at the wrong moment.
    """

    task: asyncio.Task[Any]
    _left: bool = False

    @classmethod
    def on_signals(cls) -> _Ending:
        """For the task that runs."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        ending = cls(task)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, ending.told)
        return ending

    def told(self) -> None:
        """Break the day off."""
        if not self._left:
            self.task.cancel()
            asyncio.get_running_loop().call_later(1.0, self.told)

    def leave(self) -> None:
        """The day is left: what ends now must not be disturbed."""
        self._left = True


def _governors(city: City) -> dict[str, str]:
    return {row.area_id: row.governed_by for row in city.governance}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
