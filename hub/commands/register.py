"""register import, show, list, export, moves: the component register."""

from __future__ import annotations

import argparse
import contextlib
import csv
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from contracts.messages import CoordinateSystem
from hub.api.register_views import entry_document, imported_document, move_document
from hub.commands.admin import onboarding
from hub.commands.common import add_json, add_store, operator, run, settings_of, show_json, table
from hub.register.changes import Kind
from hub.register.columns import NAMES
from hub.register.entries import Entry
from hub.register.moves import Move
from hub.registering import Imported, Registering
from hub.settings import Settings
from hub.store import register as store
from hub.store import registry as registry_store
from hub.store.pool import Pool
from hub.store.register import EntryFilter

KIND_WORDS = {
    Kind.ADDED: "新增 added",
    Kind.CHANGED_OWNER: "权属变更 owner changed",
    Kind.CHANGED: "其他变更 changed otherwise",
    Kind.UNCHANGED: "未变 unchanged",
}

PAGE = 5000

EXPORTED = tuple(name for name in NAMES if name != "system")


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("register", help="部件台账:导入、查询、导出 / the component register")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    taking = jobs.add_parser("import", help="导入 CSV,整份或全不 / import a CSV file, whole or nothing")
    taking.add_argument("file", type=Path, metavar="FILE.csv")
    taking.add_argument("--dry-run", action="store_true", help="只检查并列出差异 / only say what it would change")
    taking.add_argument("--effective", type=_day, metavar="DATE", help="生效日期,默认今天 / from when it holds")
    taking.add_argument(
        "--system",
        type=CoordinateSystem,
        choices=list(CoordinateSystem),
        default=CoordinateSystem.WGS84,
        help="坐标系,默认 WGS84 / the file's datum",
    )
    show = jobs.add_parser("show", help="一个部件的全部历史 / everything ever said of a component")
    show.add_argument("code", metavar="CODE")
    listing = jobs.add_parser("list", help="现行条目 / the entries in force")
    listing.add_argument("--limit", type=int, default=50)
    export = jobs.add_parser("export", help="导出现行条目为 CSV / write the entries in force as CSV")
    export.add_argument("-o", "--output", type=Path, help="文件,默认标准输出 / a file, else standard output")
    for job in (listing, export):
        job.add_argument("--unit", help="权属、养护或主管单位 / owner, maintainer or in charge")
        job.add_argument("--category", help="类别编码 / category code")
        job.add_argument("--day", type=_day, metavar="DATE", help="哪一天,默认今天 / on which day")
    moves = jobs.add_parser("moves", help="仍在原权属单位的案件 / cases that are with a former owner")
    given = ((taking, _import), (show, _show), (listing, _list), (export, _export), (moves, _moves))
    for job, verb in given:
        add_store(job)
        job.set_defaults(run=verb)
        if verb is not _export:
            add_json(job)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: 应为 2026-11-23 这样的日期 / must be a date") from None


@contextlib.asynccontextmanager
async def _registering(settings: Settings) -> AsyncIterator[tuple[Registering, Pool, date]]:
    """The register of the hub's database, and today in the city."""
    async with onboarding(settings) as (desk, pool):
        async with pool.acquire() as conn:
            clock = await registry_store.clock(conn)
        today = clock.now().astimezone(desk.registry().zone).date()
        yield Registering(pool, desk.registry, lambda: clock), pool, today


def _import(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    try:
        raw = given.file.read_bytes()
    except OSError as fault:
        print(f"读不到文件 / cannot read the file: {fault}", file=sys.stderr)
        return 2

    async def work() -> int:
        async with _registering(settings) as (registering, _, _):
            done = await registering.take(
                raw,
                given.file.name,
                operator(),
                effective_from=given.effective,
                system=given.system,
                only_try=given.dry_run,
            )
            if given.json:
                show_json(imported_document(done))
            else:
                _tell(done)
        return 0

    return run(work)


def _tell(done: Imported) -> None:
    said = "试算,未写入 / tried, nothing written" if done.import_id is None else f"导入 import {done.import_id}"
    print(f"{done.file_name}: {said},{done.rows} 行 rows,{done.effective_from} 起生效 in force")
    print("  " + ",".join(f"{word} {done.counts[kind]}" for kind, word in KIND_WORDS.items()))
    if done.not_read:
        print(f"  未读取的列 / columns not read: {'、'.join(done.not_read)}")
    if done.moves:
        print(f"{len(done.moves)} 件在办案件须改派 / open cases must move:")
        _moves_table(done.moves)


def _moves_table(moves: Sequence[Move]) -> None:
    table(
        [
            [
                move.case_number,
                move.component_code,
                move.from_unit_id,
                move.to_unit_id,
                move.since,
                "权属后变 changed since" if move.rightly_sent else "派遣时已非其权属 was another's already",
            ]
            for move in moves
        ],
        ("案件 case", "部件 component", "原单位 from", "现权属 to", "自 since", "原派遣 as sent"),
    )


def _show(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with _registering(settings) as (_, pool, _):
            async with pool.acquire() as conn:
                found = await store.history(conn, given.code)
            if given.json:
                show_json([entry_document(each) for each in found])
            elif found:
                _entries_table(found)
            if not found:
                print(f"台账中没有 {given.code} / the register has no {given.code}", file=sys.stderr)
        return 0 if found else 1

    return run(work)


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with _registering(settings) as (_, pool, today):
            wanted = EntryFilter(None, given.unit, given.category)
            async with pool.acquire() as conn:
                found = await store.page(conn, given.day or today, wanted, "", max(1, given.limit))
            if given.json:
                show_json([entry_document(each) for each in found])
            else:
                _entries_table(found)
        return 0

    return run(work)


def _entries_table(found: Sequence[Entry]) -> None:
    table(
        [
            [
                each.component_code,
                each.told.category_code,
                each.told.owner_unit_id,
                each.told.maintainer_unit_id,
                each.told.department_unit_id,
                f"{each.valid_from} → {each.valid_to or ''}",
                f"#{each.import_id} {each.file_name}:{each.line}",
                f"{each.known_from:%Y-%m-%d %H:%M}"
                + (f" → {each.known_until:%Y-%m-%d %H:%M}(已更正 superseded)" if each.known_until else ""),
            ]
            for each in found
        ],
        ("部件 component", "类别", "权属 owner", "养护", "主管", "有效 valid", "来源 from", "获知 known"),
    )


def _export(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with _registering(settings) as (_, pool, today):
            wanted = EntryFilter(None, given.unit, given.category)
            if given.output is None:
                await _write(sys.stdout, pool, wanted, given.day or today)
                return 0
            # With the mark, spreadsheets on Chinese desktops read it as UTF-8.
            with given.output.open("w", encoding="utf-8-sig", newline="") as file:
                count = await _write(file, pool, wanted, given.day or today)
            print(f"{given.output}: {count} 行 rows", file=sys.stderr)
        return 0

    return run(work)


async def _write(file: Any, pool: Pool, wanted: EntryFilter, day: date) -> int:
    writer = csv.writer(file)
    writer.writerow([NAMES[name][0] for name in EXPORTED])
    count, after = 0, ""
    while True:
        async with pool.acquire() as conn:
            found = await store.page(conn, day, wanted, after, PAGE)
        writer.writerows([_exported(entry) for entry in found])
        count += len(found)
        if len(found) < PAGE:
            return count
        after = found[-1].component_code


def _exported(entry: Entry) -> list[object]:
    document = entry_document(entry) | {"longitude": entry.told.longitude, "latitude": entry.told.latitude}
    return [document.get(name) for name in EXPORTED]


def _moves(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with _registering(settings) as (registering, _, _):
            moves = await registering.strayed()
            if given.json:
                show_json([move_document(move) for move in moves])
            else:
                _moves_table(moves)
        return 0

    return run(work)
