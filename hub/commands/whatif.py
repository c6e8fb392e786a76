"""whatif: what a changed matrix, calendar or formula would have come to over past cases. It writes nothing."""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson

from contracts.city import City, CityFolderUnusable, Formula, load_city
from contracts.city.formula_files import read_formula
from hub.commands.common import add_json, add_store, run, settings_of, show_json, store, table
from hub.evaluation import Period, Row
from hub.evaluation.figures import decimal
from hub.evaluation.whatif import Change, WhatIf
from hub.store import registry as registry_store
from hub.store.fault import StoreFault
from hub.whatif import asked_what_if

CASES_LISTED = 20


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser(
        "whatif",
        help="推演:换一套名录或考核办法,过去的案件会怎样 / other rules over past cases; nothing is written",
        description="按改动后的责任矩阵、时限、日历、考核办法重走某期案件:谁的案件增减、谁会超期、得分名次如何变。只读。"
        " / Past cases under a changed matrix, calendar or formula: who gets more, who is late, whose rank moves.",
    )
    made.add_argument("--month", required=True, metavar="YYYY-MM", help="月,也可 2026-Q4 / a month or a quarter")
    made.add_argument("--city", type=Path, metavar="FOLDER", help="改动后的城市数据 / the changed city's folder")
    made.add_argument("--formula", type=Path, metavar="FILE", help="改动后的考核办法 .toml / the changed formula")
    add_json(made)
    add_store(made)
    made.set_defaults(run=_whatif)


def _whatif(given: argparse.Namespace) -> int:
    if given.city is None and given.formula is None:
        print("请给出 --city 或 --formula / give --city or --formula", file=sys.stderr)
        return 2
    try:
        period = Period.named(given.month)
    except ValueError as fault:
        print(f"月份有误 / wrong month: {fault}", file=sys.stderr)
        return 2
    settings = settings_of(given)
    try:
        changed = load_city(given.city) if given.city else None
    except CityFolderUnusable as fault:
        print(fault, file=sys.stderr)
        return 1

    async def work() -> int:
        async with store(settings) as pool:
            async with pool.acquire() as conn:
                latest = await registry_store.latest_directory(conn)
                clock = await registry_store.clock(conn)
            if latest is None:
                raise StoreFault("还没有载入城市数据。", "No city is loaded yet.")
            city = City.from_document(orjson.loads(latest.document))
            other = changed or city
            try:
                formula = _formula(given.formula, other)
            except CityFolderUnusable as fault:
                print(fault, file=sys.stderr)
                return 1
            found = await asked_what_if(pool, city, latest.version, clock.now(), period, other, formula)
            names = {unit.unit_id: unit.name_zh for unit in (*other.units, *city.units)}
            if given.json:
                show_json(document(found, names))
            else:
                _table(found, names)
        return 0

    return run(work)


def _formula(path: Path | None, city: City) -> Formula | None:
    return read_formula(path, {unit.unit_id for unit in city.units}) if path else None


def document(found: WhatIf, names: dict[str, str]) -> dict[str, Any]:
    """The whole comparison for machines; every difference with its cases."""
    return {
        "from": found.before.period.since.isoformat(),
        "until": found.before.period.until.isoformat(),
        "as_of": found.before.at.isoformat(),
        "formula_before": found.before.formula.version,
        "formula_after": found.after.formula.version,
        "moves": [
            {
                "case_number": move.case_number,
                "from": move.from_unit,
                "to": move.to_unit,
                "rule": move.because.rule,
                "because": move.because.zh,
                "because_en": move.because.en,
            }
            for move in found.moves
        ],
        "units": [
            {
                "unit_id": each.unit_id,
                "name": names.get(each.unit_id),
                "before": _side(each.before),
                "after": _side(each.after),
                "gained": list(each.gained),
                "lost": list(each.lost),
                "newly_late": list(each.late),
                "late_no_more": list(each.in_time),
            }
            for each in found.changes
        ],
        "total": {"before": _side(found.before.total), "after": _side(found.after.total)},
    }


def _side(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    score = float(decimal(row.score, 4)) if row.score is not None else None
    figures = {each.indicator.indicator_id: each.shown for each in row.figures}
    return {"score": score, "rank": row.rank, "figures": figures}


HEADS = ("单位", "名称", "增", "减", "新超期", "不再超期", "得分", "名次")


def _table(found: WhatIf, names: dict[str, str]) -> None:
    period = found.before.period
    moved, units = len(found.moves), len(found.changes)
    print(f"推演 {period.since} 至 {period.until}:改派 {moved} 件,{units} 个单位有变化。未改动任何数据。")
    print(f"What if: {moved} cases moved, {units} units concerned. Nothing was written.")
    if not found.changes:
        return
    table([_row(each, names) for each in found.changes], HEADS)
    for each in found.changes:
        told = (("增", each.gained), ("减", each.lost), ("新超期", each.late), ("不再超期", each.in_time))
        for word, cases in told:
            if cases:
                more = f" …共 {len(cases)} 件(--json 列全部)" if len(cases) > CASES_LISTED else ""
                print(f"{names.get(each.unit_id, each.unit_id)} {word}: {' '.join(cases[:CASES_LISTED])}{more}")
    nobody = [move.case_number for move in found.moves if move.to_unit is None]
    if nobody:
        print(f"无明确责任单位、转入协调 {len(nobody)} 件: {' '.join(nobody[:CASES_LISTED])}")


def _row(change: Change, names: dict[str, str]) -> tuple[object, ...]:
    return (
        change.unit_id,
        names.get(change.unit_id, ""),
        len(change.gained),
        len(change.lost),
        len(change.late),
        len(change.in_time),
        f"{_score(change.before)} → {_score(change.after)}",
        f"{_rank(change.before)} → {_rank(change.after)}",
    )


def _score(row: Row | None) -> str:
    score: Fraction | None = row.score if row else None
    return "—" if score is None else decimal(score, 2)


def _rank(row: Row | None) -> str:
    return str(row.rank) if row and row.rank else "—"
