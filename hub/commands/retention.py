"""retention list, drop: months of case data that are past their time."""

from __future__ import annotations

import argparse
import sys
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from contracts.city import City
from contracts.problem import Problem
from hub.case_numbers import dashed
from hub.commands.common import add_json, add_store, operator, run, settings_of, show_json, store, table, tell
from hub.retention import KEEP_MONTHS, KEEP_MONTHS_MIN, Retention, Verdict
from hub.store import registry as registry_store
from hub.store import retention as retention_store
from hub.store.fault import StoreFault
from hub.store.pool import Pool


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("retention", help="保存期:各月数据、删除过期月份 / months of case data: list, drop")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    listing = jobs.add_parser("list", help="各月有什么、可否删除;已删除的 / each month, and those that were dropped")
    drop = jobs.add_parser("drop", help="删除过期月份,不可恢复 / drop months; there is no way back")
    drop.add_argument("months", nargs="+", type=month, metavar="YYYY-MM", help="月份 / months")
    drop.add_argument("--reason", required=True)
    drop.add_argument("--dry-run", action="store_true", help="只说明会怎样 / only say what would happen")
    for job, verb in ((listing, _list), (drop, _drop)):
        job.add_argument(
            "--keep-months",
            type=keep_months,
            default=KEEP_MONTHS,
            metavar="N",
            help=f"保存多少个月,默认 {KEEP_MONTHS},至少 {KEEP_MONTHS_MIN} / how many months are kept",
        )
        add_store(job)
        add_json(job)
        job.set_defaults(run=verb)


def month(text: str) -> int:
    """A month as YYYYMM."""
    year, dash, number = text.partition("-")
    if not (
        dash and len(text) == 7 and (year + number).isascii() and (year + number).isdigit() and 1 <= int(number) <= 12
    ):
        raise argparse.ArgumentTypeError(f"{text}: 应为 YYYY-MM 形式的月份 / a month is written YYYY-MM")
    return int(year + number)


def keep_months(text: str) -> int:
    """How many months are kept; never fewer than the figures of this month look back to."""
    if not (text.isascii() and text.isdigit() and KEEP_MONTHS_MIN <= int(text) <= 1200):
        zh, en = f"应为不小于 {KEEP_MONTHS_MIN} 的整数", f"a whole number, {KEEP_MONTHS_MIN} at the least"
        raise argparse.ArgumentTypeError(
            f"{text}: {zh}:本月的考核要回看一年 / {en}: this month's figures look back a year"
        )
    return int(text)


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with store(settings) as pool:
            kept = await (await _retention(pool, given)).verdicts()
            dropped = await retention_store.dropped(pool)
        if given.json:
            gone = [{"month": dashed(each.month), "dropped_at": each.dropped_at, "by": each.by} for each in dropped]
            show_json({"kept": [_document(each) for each in kept], "dropped": gone})
            return 0
        went = [
            [
                dashed(each.month),
                each.cases,
                "",
                each.letters,
                "",
                f"{each.dropped_at:%Y-%m-%d} 已删除 dropped, {each.by}",
            ]
            for each in dropped
        ]
        rows = [
            [
                *(dashed(each.month), each.content.cases, each.content.open),
                *(each.content.letters, each.content.undelivered),
                "; ".join(f"{reason.zh} {reason.en}" for reason in each.reasons) or "可删除 may go",
            ]
            for each in kept
        ]
        heads = "月份 month", "案件 cases", "未结束 open", "信件 letters", "未送达 undelivered", "可否删除 may it go"
        table([*went, *rows], heads)
        return 0

    return run(work)


def _drop(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        done: list[Verdict] = []
        failed: list[tuple[int, Problem]] = []
        async with store(settings) as pool:
            retention = await _retention(pool, given)
            for each in sorted(set(given.months)):
                try:
                    done.append(await retention.drop(each, operator(), given.reason, dry_run=given.dry_run))
                except Problem as problem:
                    failed.append((each, problem))
        if given.json:
            kept = [{"month": dashed(each), **problem.document("zh-CN")} for each, problem in failed]
            show_json({"dropped": [_document(each) for each in done], "kept": kept, "dry_run": given.dry_run})
        else:
            _say(done, failed, dry_run=given.dry_run)
        return 1 if failed else 0

    return run(work)


def _say(done: list[Verdict], failed: list[tuple[int, Problem]], *, dry_run: bool) -> None:
    zh, en = ("将删除", "would be dropped") if dry_run else ("已删除", "dropped")
    for each in done:
        held = each.content
        print(
            f"{dashed(each.month)}: {zh} {held.cases} 件案件、{held.letters} 封信件 / "
            f"{en}: {held.cases} cases, {held.letters} letters"
        )
    for which, problem in failed:
        print(f"{dashed(which)}:", file=sys.stderr)
        tell(problem)


async def _retention(pool: Pool, given: argparse.Namespace) -> Retention:
    async with pool.acquire() as conn:
        latest, clock = await registry_store.latest_directory(conn), await registry_store.clock(conn)
    if latest is None:
        raise StoreFault("还没有载入城市数据。", "No city is loaded yet.")
    zone = ZoneInfo(City.from_document(orjson.loads(latest.document)).rules.time_zone)
    return Retention(pool, zone, clock.now(), given.keep_months)


def _document(verdict: Verdict) -> dict[str, Any]:
    held = verdict.content
    return {
        "month": dashed(verdict.month),
        "cases": held.cases,
        "open": held.open,
        "entries": held.entries,
        "letters": held.letters,
        "undelivered": held.undelivered,
        "reasons": [{"zh": each.zh, "en": each.en, "rule": each.rule} for each in verdict.reasons],
    }
