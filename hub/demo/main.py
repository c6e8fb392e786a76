"""``./cityhub demo``: sets a city in motion and watches it until every case is over, then checks everybody's records."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp

from contracts.city import City, load_city
from hub.demo.administrator import Administrator
from hub.demo.checks import Verdict, check
from hub.demo.journal import read
from hub.demo.plan import partners, reports
from hub.demo.processes import ROOT, Processes, free_port
from hub.demo.view import OVER, DayView, UnitRow, unit_rows

BEGIN = "2026-11-23T08:30:00+08:00"
"""A Monday morning: the reports come in the first hours of a working day."""

REPORTING_MINUTES = 180.0
TIMEOUT_SECONDS = 1.5
LOOK_SECONDS = 0.7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("--cases", type=int, default=200, help="案件数 / how many cases, 200 by default")
    parser.add_argument(
        "--speed", type=float, default=600.0, help="城市时钟倍率 / how fast city time runs, 600 by default"
    )
    parser.add_argument("--seed", type=int, default=1, help="随机种子 / the seed of the day")
    parser.add_argument("--headless", action="store_true", help="不显示画面 / no picture")
    parser.add_argument("--json", action="store_true", help="最后一行输出 JSON / one JSON object on the last line")
    parser.add_argument(
        "--keep", action="store_true", help="结束后保留数据和枢纽,按 Ctrl-C 结束 / keep the hub and its data"
    )
    parser.add_argument("--bound", type=float, default=600.0, help="最长秒数 / seconds at the most")


@dataclass(slots=True)
class Day:
    """What came of the day."""

    cases: list[dict[str, Any]]
    letters: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    verdict: Verdict
    rows: list[UnitRow]
    hanging: list[str]


async def run(given: argparse.Namespace) -> int:
    """Run the demo; 0 where every check passes."""
    folder = Path(tempfile.mkdtemp(prefix="cityhub-demo-"))
    began = monotonic()
    processes = Processes(folder)
    try:
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            day, url, transports, key = await _played(given, folder, processes, session)
            seconds = monotonic() - began
            view = DayView(given.cases, given.headless)
            ok = day.verdict.ok and not day.hanging and len(day.cases) == given.cases
            if not given.headless:
                view.table(day.rows)
            _told(view, day, ok)
            if given.keep:
                view.say(
                    f"枢纽仍在运行 / the hub keeps running: {url}\n管理员密钥 administrator's key: {key}\n{folder}"
                )
                if given.json:
                    print(
                        json.dumps(_document(given, day, ok, seconds, url, transports), ensure_ascii=False), flush=True
                    )
                await asyncio.Event().wait()
            elif given.json:
                print(json.dumps(_document(given, day, ok, seconds, url, transports), ensure_ascii=False), flush=True)
            return 0 if ok else 1
    finally:
        await processes.end()
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


async def _played(
    given: argparse.Namespace, folder: Path, processes: Processes, session: aiohttp.ClientSession
) -> tuple[Day, str, dict[str, int], str]:
    city = load_city(ROOT / "contracts" / "cities" / "quzhou")
    names = {unit.unit_id: unit.name_zh for unit in city.units}
    view = DayView(given.cases, given.headless)
    view.say("启动枢纽 / starting the hub …")
    ready = await processes.hub(given.speed, BEGIN)
    admin = Administrator(ready["url"], ready["admin_key"], session)
    view.say(f"{ready['url']}  接入单位 / connecting {len(city.units)} units …")
    transports = await _connected(given, folder, processes, admin, city)
    with view:
        hanging = await _watched(given, admin, view, names, processes)
    await processes.partners_end()
    cases = await admin.everything("/api/v1/cases?limit=500")
    letters = await admin.everything("/api/v1/letters?limit=500")
    changes = await admin.changes()
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in read(path)]
    by_case: dict[str, list[dict[str, Any]]] = {}
    for entry in changes:
        by_case.setdefault(entry["case_number"], []).append(entry)
    verdict = check(lines, letters, cases, by_case)
    day = Day(cases, letters, changes, verdict, unit_rows(cases, names), hanging)
    return day, ready["url"], transports, ready["admin_key"]


async def _connected(
    given: argparse.Namespace, folder: Path, processes: Processes, admin: Administrator, city: City
) -> dict[str, int]:
    """Register every unit and start its system; how many units use each transport."""
    transports: Counter[str] = Counter()
    planned = reports(city, given.cases, given.seed, REPORTING_MINUTES)
    for plan in partners(city):
        pushed = plan.module in ("pushed", "flaky")
        port = free_port() if pushed else None
        keys, secrets = {}, {}
        for unit in plan.units:
            if plan.name == "desk-clerks" or plan.module in ("collectors", "command"):
                transports["desk"] += 1
            else:
                secret = await admin.register(
                    unit, port=port, statuses=plan.receives_statuses, timeout_seconds=TIMEOUT_SECONDS
                )
                transports["rest" if pushed else "pull"] += 1
                if secret:
                    secrets[unit] = secret
            keys[unit] = await admin.new_key(unit)
        if plan.module == "district":
            transports["changes"] += len(plan.units)
        await processes.partner(
            plan.module,
            plan.config(
                url=admin.url,
                keys=keys,
                secrets=secrets,
                port=port,
                rate=given.speed,
                seed=given.seed,
                journal=str(folder / f"{plan.name}.jsonl"),
                timeout_seconds=TIMEOUT_SECONDS,
                fails=0.12,
                reports=[
                    {"sender_case_id": each.sender_case_id, "at_minutes": each.at_minutes, "body": dict(each.body)}
                    for each in planned
                ]
                if plan.module == "collectors"
                else [],
                districts={row.area_id: row.coordinated_by for row in city.governance},
            ),
        )
    return dict(transports)


async def _watched(
    given: argparse.Namespace, admin: Administrator, view: DayView, names: dict[str, str], processes: Processes
) -> list[str]:
    """Look on until every case is over and every letter delivered; the cases that hang where the bound passes first."""
    until = monotonic() + given.bound
    while True:
        cases = await admin.everything("/api/v1/cases?limit=500")
        lanes = (await admin.call("GET", "/api/v1/lanes"))["items"]
        now = (await admin.call("GET", "/api/v1/clock"))["now"]
        view.show(now[:16], cases, lanes, names)
        open_ = [case for case in cases if case["state"] not in OVER]
        waiting = sum(lane["waiting"] + lane["held"] for lane in lanes)
        if len(cases) >= given.cases and not open_ and not waiting:
            return []
        if monotonic() > until:
            return [f"{case['case_number']} {case['state']} {case.get('lead_unit_id', '')}" for case in open_] or [
                f"{len(cases)} cases, {waiting} letters wait"
            ]
        if processes.dead():
            return [f"process {pid} ended early" for pid in processes.dead()]
        await asyncio.sleep(LOOK_SECONDS)


def _told(view: DayView, day: Day, ok: bool) -> None:
    verdict = day.verdict
    view.say(
        f"{'✓' if ok else '✗'} 案件 cases {len(day.cases)}  信件 letters {len(day.letters)}  丢失 lost {len(verdict.lost)}  "
        f"重复生效 duplicated {len(verdict.duplicated)}  乱序 out of order {len(verdict.out_of_order)}  "
        f"重投 redelivered {verdict.redelivered}"
    )
    for fault in (*verdict.lost, *verdict.duplicated, *verdict.out_of_order, *verdict.bad, *day.hanging)[:20]:
        view.say(f"  ✗ {fault}")


def _document(
    given: argparse.Namespace, day: Day, ok: bool, seconds: float, url: str, transports: dict[str, int]
) -> dict[str, Any]:
    return {
        "cases": len(day.cases),
        "closed": sum(1 for case in day.cases if case["state"] == "closed"),
        "by_stage": dict(Counter(case["stage"] for case in day.cases)),
        "by_state": dict(Counter(case["state"] for case in day.cases)),
        "by_unit": {row.unit_id: row.document() for row in day.rows},
        "letters": len(day.letters),
        "transports": transports,
        "redelivered": day.verdict.redelivered,
        "lost": len(day.verdict.lost),
        "duplicated": len(day.verdict.duplicated),
        "out_of_order": len(day.verdict.out_of_order),
        "faults": [*day.verdict.lost, *day.verdict.duplicated, *day.verdict.out_of_order, *day.verdict.bad][:20],
        "hanging": day.hanging[:20],
        "ok": ok,
        "seconds": round(seconds, 1),
        "seed": given.seed,
        "url": url,
    }
