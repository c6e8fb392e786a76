"""The monthly notice (月度通报) as a document of sentences and tables, made of a period's figures. Pure.

It is written in Chinese, for the city's units. Each number is a figure of the evaluation, rounded only here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from contracts.city import City, Formula, Indicator, Reckoning, Tally
from contracts.nouns import Role
from hub.evaluation.figures import Evaluation, Row, decimal
from hub.evaluation.notable import Notable, Why
from hub.evaluation.period import Period
from hub.life_cycle import STATE_WORDS

COUNTED = tuple(Indicator(f"count_{each.value}", each.value, each.value, Reckoning.COUNT, each) for each in Tally)
"""Every tally as a figure of its own, whatever indicators the city's formula makes of them."""

NOTABLE_LISTED = 12
"""Cases of a kind that are named; the others are counted."""

COLLECTORS_LISTED = 20


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: its heading and how wide it is next to the others."""

    heading: str
    width: int
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells as they are printed."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part: sentences, a table, sentences after it."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    table: Table | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A month's notice, ready to be laid out: on a page, as a PDF, as plain text."""

    title: str
    subtitle: str
    opening: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """What a notice is made of. ``known_at`` is the moment whose knowledge it tells; ``by_*`` are of ``counted``."""

    city: City
    by_unit: Evaluation
    by_collector: Evaluation
    notable: Sequence[Notable]
    known_at: datetime


def counted(formula: Formula) -> Formula:
    """The formula with every tally counted besides; scores and ranks stay the same."""
    return replace(formula, indicators=(*formula.indicators, *COUNTED))


def notice(made: Material) -> Notice:
    """The notice of a month."""
    evaluation, rules = made.by_unit, made.city.rules
    zone, period = ZoneInfo(rules.time_zone), evaluation.period
    centre = next((unit.name_zh for unit in made.city.units if Role.COMMAND_CENTER in unit.roles), rules.name_zh)
    issued = made.known_at.astimezone(zone)
    so_far = "" if evaluation.at >= period.span(zone).until else f"（未满月，截至{_minute(evaluation.at, zone)}）"
    return Notice(
        title=f"{rules.name_zh}城市管理月度通报",
        subtitle=f"{period.since.year}年{period.since.month}月{so_far}  {centre}  {_day(issued)}",
        opening=_opening(evaluation.total, period),
        sections=(*_groups(made), *_notable(made, zone), *_collectors(made)),
        notes=_notes(made, zone),
    )


def tally(row: Row, name: Tally) -> int:
    """How many a row counts."""
    return int(row.figure(f"count_{name.value}").numerator)


def rate(row: Row, above: Tally, below: Tally) -> str:
    """A share for people; a dash where there is nothing to share."""
    whole = tally(row, below)
    return f"{decimal(Fraction(tally(row, above) * 100, whole), 1)}%" if whole else "—"


def _opening(total: Row, period: Period) -> tuple[str, ...]:
    def count(name: Tally) -> int:
        return tally(total, name)

    since, until = period.since, period.until
    return (
        f"{since.year}年{since.month}月{since.day}日至{until.month}月{until.day}日，全市共上报{count(Tally.REPORTED)}件，"
        f"受理{count(Tally.ACCEPTED)}件，立案率{rate(total, Tally.ACCEPTED, Tally.REPORTED)}；"
        f"派遣{count(Tally.DISPATCHED)}件次，其中二次派遣{count(Tally.SECOND_DISPATCHED)}件次，退回"
        f"{count(Tally.RETURNED)}件次，派遣准确率{rate(total, Tally.RIGHTLY_DISPATCHED, Tally.DISPATCHED)}。",
        f"本月应处置{count(Tally.DUE)}件次，处置{count(Tally.HANDLED)}件次，处置率"
        f"{rate(total, Tally.HANDLED, Tally.DUE)}；其中按期处置{count(Tally.HANDLED_IN_TIME)}件次，按期处置率"
        f"{rate(total, Tally.HANDLED_IN_TIME, Tally.DUE)}；超期处置{count(Tally.HANDLED_LATE)}件次，超期未处置"
        f"{count(Tally.OVERDUE)}件次。核查{count(Tally.VERIFIED)}件次，返工{count(Tally.REWORKED)}件次，返工率"
        f"{rate(total, Tally.REWORKED, Tally.VERIFIED)}。",
        f"应结案{count(Tally.DUE_TO_CLOSE)}件，结案{count(Tally.CLOSED)}件，结案率"
        f"{rate(total, Tally.CLOSED, Tally.DUE_TO_CLOSE)}，按期结案率"
        f"{rate(total, Tally.CLOSED_IN_TIME, Tally.DUE_TO_CLOSE)}。",
    )


UNIT_COLUMNS = (
    Column("名次", 4),
    Column("单位", 13, numeric=False),
    Column("应派遣", 6),
    Column("应处置", 6),
    Column("处置", 5),
    Column("处置率", 7),
    Column("按期处置率", 8),
    Column("超期未处置", 8),
    Column("超期处置", 7),
    Column("返工", 5),
    Column("二次派遣", 7),
    Column("得分", 6),
)


def _groups(made: Material) -> list[Section]:
    """A table for each group of like units, best first. Who had nothing to do is named below it."""
    evaluation, names = made.by_unit, {unit.unit_id: unit.name_zh for unit in made.city.units}
    found = []
    for group in evaluation.formula.groups:
        rows = [row for row in evaluation.rows if row.group_id == group.group_id]
        busy = [row for row in rows if tally(row, Tally.DISPATCHED) or tally(row, Tally.DUE)]
        idle = [names.get(row.key, row.key) for row in rows if row not in busy]
        busy.sort(key=lambda row: (row.rank or len(rows) + 1, group.units.index(row.key)))
        found.append(_group(group.zh, busy, idle, names))
    grouped = {unit for group in evaluation.formula.groups for unit in group.units}
    others = [row for row in evaluation.rows if row.key not in grouped and tally(row, Tally.DISPATCHED)]
    if others:
        found.append(_group("其他单位（不参加排名）", others, [], names))
    return found


def _group(name: str, busy: Sequence[Row], idle: Sequence[str], names: Mapping[str, str]) -> Section:
    table = Table(UNIT_COLUMNS, tuple(_unit(row, names) for row in busy)) if busy else None
    after = (f"本月没有案件的单位：{'、'.join(idle)}。",) if idle else ()
    return Section(f"{name}处置情况", (), table, after)


def _unit(row: Row, names: Mapping[str, str]) -> tuple[str, ...]:
    return (
        "—" if row.rank is None else str(row.rank),
        names.get(row.key, row.key),
        str(tally(row, Tally.DISPATCHED)),
        str(tally(row, Tally.DUE)),
        str(tally(row, Tally.HANDLED)),
        rate(row, Tally.HANDLED, Tally.DUE),
        rate(row, Tally.HANDLED_IN_TIME, Tally.DUE),
        str(tally(row, Tally.OVERDUE)),
        str(tally(row, Tally.HANDLED_LATE)),
        str(tally(row, Tally.REWORKED)),
        str(tally(row, Tally.SECOND_DISPATCHED)),
        "—" if row.score is None else decimal(row.score, 2),
    )


def _notable(made: Material, zone: ZoneInfo) -> list[Section]:
    names = {unit.unit_id: unit.name_zh for unit in made.city.units}
    said: list[str] = []
    for why, heading in HEADINGS.items():
        cases = [each for each in made.notable if each.why is why]
        if not cases:
            said.append(f"{heading}：无。")
            continue
        cases.sort(key=lambda each: (-each.times, each.at, each.case_number))
        said.append(f"{heading}（{len(cases)}件）：")
        said += [f"{each.case_number} {_told(each, names, zone)}" for each in cases[:NOTABLE_LISTED]]
        if len(cases) > NOTABLE_LISTED:
            said.append(f"另有{len(cases) - NOTABLE_LISTED}件从略。")
    return [Section("重点案件", tuple(said))]


HEADINGS: Mapping[Why, str] = {
    Why.SUPERVISED: "督办案件",
    Why.RETURN_CHAIN: "反复退回案件",
    Why.COORDINATION_LATE: "协调超限案件",
}


def _told(case: Notable, names: Mapping[str, str], zone: ZoneInfo) -> str:
    units = "、".join(names.get(unit, unit) for unit in case.units)
    at = case.at.astimezone(zone)
    day, state = f"{at.month}月{at.day}日", STATE_WORDS[case.state].zh
    match case.why:
        case Why.SUPERVISED:
            return f"{case.category_name}：{day}起督办{units}，现状“{state}”。"
        case Why.RETURN_CHAIN:
            return f"{case.category_name}：先后退回{case.times}次（{units}），末次{day}，现状“{state}”。"
        case Why.COORDINATION_LATE:
            return f"{case.category_name}：{day}协调到限未定（{units}），现状“{state}”。"


COLLECTOR_COLUMNS = (
    Column("采集员", 22, numeric=False),
    Column("上报", 8),
    Column("立案", 8),
    Column("有效上报率", 10),
    Column("应核查", 8),
    Column("按时核查", 9),
    Column("核查及时率", 10),
)


def _collectors(made: Material) -> list[Section]:
    names = {unit.unit_id: unit.name_zh for unit in made.city.units}
    rows = sorted(made.by_collector.rows, key=lambda row: (-tally(row, Tally.REPORTED), row.key))
    total = made.by_collector.total
    if not rows:
        return [Section("采集员工作情况", ("本月没有上报和核查。",))]
    cells = [_collector(row, _person(row.key, names)) for row in rows[:COLLECTORS_LISTED]]
    rest = len(rows) - COLLECTORS_LISTED
    after = (f"另有{rest}名采集员从略，合计含全部。",) if rest > 0 else ()
    table = Table(COLLECTOR_COLUMNS, (*cells, _collector(total, "合计")))
    return [Section("采集员工作情况", (), table, after)]


def _person(key: str, names: Mapping[str, str]) -> str:
    unit, _, person = key.partition("/")
    return f"{names.get(unit, unit)} {person}".strip()


def _collector(row: Row, name: str) -> tuple[str, ...]:
    return (
        name,
        str(tally(row, Tally.REPORTED)),
        str(tally(row, Tally.ACCEPTED)),
        rate(row, Tally.ACCEPTED, Tally.REPORTED),
        str(tally(row, Tally.VERIFICATION_DUE)),
        str(tally(row, Tally.VERIFIED_IN_TIME)),
        rate(row, Tally.VERIFIED_IN_TIME, Tally.VERIFICATION_DUE),
    )


def _notes(made: Material, zone: ZoneInfo) -> tuple[str, ...]:
    formula, period = made.by_unit.formula, made.by_unit.period
    weights = "、".join(f"{_named(formula, name)} {points}" for name, points in formula.weights)
    known = made.known_at.astimezone(zone).isoformat()
    month = f"{period.since:%Y-%m}"
    return (
        f"得分按考核办法第{formula.version}版（自{_day(formula.valid_from)}起施行）计算，满分{formula.points}分：{weights}。"
        "应派遣为派给牵头单位的件次；应处置为处置时限落在本月的件次，返工各轮分别计。演练、测试案件不计。",
        f"本通报据截至 {known} 所知的案件记录。复算：./cityhub notice --month {month} --known-at {known}；"
        f"逐案核对：./cityhub evaluate --month {month} --known-at {known} --cases 指标，或接口 "
        f"/api/v1/evaluation?period={month}&known_at={known.replace('+', '%2B')}&cases=指标。故每一数字可复算。",
    )


def _named(formula: Formula, indicator_id: str) -> str:
    return next((each.zh for each in formula.indicators if each.indicator_id == indicator_id), indicator_id)


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _minute(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.month}月{local.day}日{local:%H:%M}"
