"""evaluate: a period's figures as a table, JSON, CSV or a workbook."""

from __future__ import annotations

import argparse
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from contracts.city import City
from contracts.cursor import read_cursor
from hub.api.clock_views import evaluation_document
from hub.commands.common import add_store, run, settings_of, show_json, store, table
from hub.evaluation import By, Evaluation, Period
from hub.evaluator import Question, evaluated
from hub.sheets import as_csv, as_xlsx, cases_of, names_of, sheet
from hub.store import registry as registry_store
from hub.store.fault import StoreFault


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser(
        "evaluate",
        help="评价考核:某期各项指标 / the figures of a period",
        description="各指标的含义见 docs/evaluation.md / what each figure means is in docs/evaluation.md",
    )
    period = made.add_mutually_exclusive_group()
    period.add_argument(
        "--month", dest="named", metavar="YYYY-MM", help="月,默认本月;也可 2026-Q4、2026 / also a quarter or a year"
    )
    period.add_argument("--from", dest="since", type=date.fromisoformat, metavar="DAY", help="起日 / first day")
    made.add_argument("--until", type=date.fromisoformat, metavar="DAY", help="止日(含) / last day, included")
    made.add_argument("--by", type=By, choices=list(By), default=By.UNIT, help="按何汇总 / by what")
    made.add_argument(
        "--known-at",
        metavar="MOMENT",
        help="按当时所知:时刻(带时区)或变更流游标 / as known at a moment with its zone, or at a feed cursor",
    )
    made.add_argument(
        "--cases",
        metavar="INDICATOR",
        help="展开某指标(如 on_time_rate)到案件 / open an indicator down to its cases",
    )
    made.add_argument("--format", choices=("table", "json", "csv", "xlsx"), default="table")
    made.add_argument("--out", type=Path, metavar="FILE", help="写入文件 / write to a file")
    add_store(made)
    made.set_defaults(run=_evaluate)


def _evaluate(given: argparse.Namespace) -> int:
    if (given.since is None) != (given.until is None):
        print("--from 与 --until 须同时给出 / --from and --until go together", file=sys.stderr)
        return 2
    if given.format == "xlsx" and given.out is None:
        print("xlsx 须用 --out 指明文件 / a workbook needs --out FILE", file=sys.stderr)
        return 2
    try:
        known = _known(given.known_at)
        period = Period(given.since, given.until) if given.since else Period.named(given.named) if given.named else None
    except ValueError as fault:
        print(f"参数有误 / wrong argument: {fault}", file=sys.stderr)
        return 2
    settings = settings_of(given)

    async def work() -> int:
        async with store(settings) as pool:
            async with pool.acquire() as conn:
                latest = await registry_store.latest_directory(conn)
                clock = await registry_store.clock(conn)
            if latest is None:
                raise StoreFault("还没有载入城市数据。", "No city is loaded yet.")
            city, now = City.from_document(orjson.loads(latest.document)), clock.now()
            today = now.astimezone(ZoneInfo(city.rules.time_zone)).date()
            asked = Question(period or Period.month(today.year, today.month), given.by, known)
            found = await evaluated(pool, city, latest.version, now, asked)
            indicators = [each.indicator_id for each in found.formula.indicators]
            if given.cases is not None and given.cases not in indicators:
                print(f"没有指标 / no such indicator: {given.cases} ({', '.join(indicators)})", file=sys.stderr)
                return 2
            _show(found, city, given)
        return 0

    return run(work)


def _known(text: str | None) -> int | datetime | None:
    """A moment or a position. Raises ``ValueError``."""
    if text is None:
        return None
    cursor = read_cursor(text)
    if cursor is not None:
        return cursor[1]
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} 没有时区 / has no time zone")
    return moment


def _show(evaluation: Evaluation, city: City, given: argparse.Namespace) -> None:
    names = names_of(city, evaluation.by)
    opened = None if given.cases is None else cases_of(evaluation, names, given.cases)
    match given.format:
        case "json" if given.out is None:
            show_json(evaluation_document(evaluation, names, given.cases))
        case "json":
            given.out.write_bytes(orjson.dumps(evaluation_document(evaluation, names, given.cases)))
        case "csv" if given.out is None:
            sys.stdout.buffer.write(as_csv(opened or sheet(evaluation, names)))
        case "csv":
            given.out.write_bytes(as_csv(opened or sheet(evaluation, names)))
        case "xlsx":
            given.out.write_bytes(as_xlsx(sheet(evaluation, names), opened))
        case _ if opened is not None:
            print(opened.title)
            table([[str(cell) for cell in row] for row in opened.rows], opened.zh)
        case _:
            _table(evaluation, names)


SHOWN = ("dispatched", "due", "on_time_rate", "handling_rate", "overdue", "first_time_pass_rate", "handling_time_mean")
OF_COLLECTORS = ("reported", "acceptance_rate", "verification_on_time_rate")
"""What fits on a screen; the other forms have every figure."""


def _table(evaluation: Evaluation, names: dict[str, str]) -> None:
    shown = OF_COLLECTORS if evaluation.by is By.COLLECTOR else SHOWN
    made = sheet(evaluation, names, shown=True)
    print(made.title)
    fixed = len(made.zh) - len(evaluation.formula.indicators)
    columns = [
        *range(fixed),
        *(fixed + n for n, each in enumerate(evaluation.formula.indicators) if each.indicator_id in shown),
    ]
    rows = [[row[n] for n in columns] for row in made.rows]
    table(rows, [made.zh[n] for n in columns])
