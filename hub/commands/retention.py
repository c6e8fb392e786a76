"""retention list, drop: months of cases past their retention."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

from hub.commands.admin import onboarding
from hub.commands.common import add_json, add_store, operator, run, settings_of, show_json, table
from hub.retention import KEEP_MONTHS, KEEP_MONTHS_MIN, Month, Retention
from hub.settings import Settings
from hub.store import registry as registry_store
from hub.store import retention as store
from hub.store.retention import DroppedMonth


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("retention", help="保存期:按月查看、删除旧案件 / months of old cases, and dropping them")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    listing = jobs.add_parser("list", help="各月及能否删除 / each month, and whether it may go")
    drop = jobs.add_parser("drop", help="删除一个月的案件数据 / drop a month of case data")
    drop.add_argument("month", type=_month, metavar="YYYY-MM", help="案件登记的月份 / the month of registration")
    drop.add_argument("--dry-run", action="store_true", help="只说明会删什么 / only say what would go")
    drop.add_argument("--reason", default="", help="为何,留档 / why; it is kept")
    for job, verb in ((listing, _list), (drop, _drop)):
        job.add_argument(
            "--keep-months",
            type=_months,
            default=KEEP_MONTHS,
            metavar="N",
            help=f"最后变化后保存的月数,默认 {KEEP_MONTHS},至少 {KEEP_MONTHS_MIN} / months kept after a last change",
        )
        add_store(job)
        add_json(job)
        job.set_defaults(run=verb)


def _month(text: str) -> int:
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text}: 应为 YYYY-MM / write YYYY-MM")
    return int(found[1] + found[2])


def _months(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not KEEP_MONTHS_MIN <= int(text) <= 1200:
        raise argparse.ArgumentTypeError(
            f"{text}: 至少 {KEEP_MONTHS_MIN} 个月,上月的考核还要用 / "
            f"at least {KEEP_MONTHS_MIN}: last month's evaluation looks so far back"
        )
    return int(text)


@contextlib.asynccontextmanager
async def _retention(settings: Settings, keep_months: int) -> AsyncIterator[Retention]:
    async with onboarding(settings) as (desk, pool):
        async with pool.acquire() as conn:
            clock = await registry_store.clock(conn)
        yield Retention(pool, desk.registry, lambda: clock, keep_months)


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with _retention(settings, given.keep_months) as retention:
            kept = await retention.months()
            async with retention.pool.acquire() as conn:
                gone = await store.dropped(conn)
        if given.json:
            show_json({"kept": [_said(each) for each in kept], "dropped": [_said_gone(each) for each in gone]})
            return 0
        rows = [
            [
                _name(each.month),
                str(each.content.cases),
                str(each.content.open),
                _size(each.size_bytes),
                "可删 may go" if not each.held_back else "; ".join(f"{why.zh} {why.en}" for why in each.held_back),
            ]
            for each in kept
        ]
        rows += [
            [_name(each.month), str(each.cases), "—", "—", f"已删 gone {each.dropped_at.astimezone():%Y-%m-%d}"]
            for each in gone
        ]
        table(rows, ("月份 month", "案件 cases", "未结 open", "大小 size", "能否删 may it go"))
        return 0

    return run(work)


def _drop(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with _retention(settings, given.keep_months) as retention:
            if given.dry_run:
                found = await retention.look(given.month)
            else:
                found = await retention.drop(given.month, operator(), given.reason)
        if given.json:
            show_json({**_said(found), "dropped": not given.dry_run})
        else:
            _tell(found, dry=given.dry_run)
        return 1 if found.held_back else 0

    return run(work)


def _tell(found: Month, *, dry: bool) -> None:
    seen = found.content
    if found.held_back:
        done = "还不能删除 / cannot be dropped yet"
    else:
        done = "将删除 / would drop" if dry else "已删除 / dropped"
    print(
        f"{_name(found.month)} {done}: {seen.cases} 件案件 cases, {seen.entries} 条日志 entries, "
        f"{seen.letters} 封信件 letters, {_size(found.size_bytes)}"
    )
    for why in found.held_back:
        print(f"  {why.zh} / {why.en}")
    if seen.unfetched:
        print(f"  其中 {seen.unfetched} 封信件单位从未来取 / {seen.unfetched} letters that no unit ever came for")


def _said(found: Month) -> dict[str, Any]:
    seen = found.content
    return {
        "month": _name(found.month),
        "cases": seen.cases,
        "open": seen.open,
        "entries": seen.entries,
        "letters": seen.letters,
        "waiting": seen.waiting,
        "unfetched": seen.unfetched,
        "size_bytes": found.size_bytes,
        "last_changed_at": seen.last_changed_at,
        "held_back": [{"rule": why.rule, "zh": why.zh, "en": why.en} for why in found.held_back],
    }


def _said_gone(gone: DroppedMonth) -> dict[str, Any]:
    return {
        "month": _name(gone.month),
        "dropped_at": gone.dropped_at,
        "dropped_by": gone.dropped_by,
        "reason": gone.reason,
        "cases": gone.cases,
        "entries": gone.entries,
        "letters": gone.letters,
    }


def _name(month: int) -> str:
    return f"{month // 100}-{month % 100:02}"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1024 / 1024:.1f} MiB"
