"""An evaluation as a table (考核表): plain cells, CSV for Excel, a workbook. Chinese headings first."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import xlsxwriter

from contracts.city import City, Reckoning
from hub.evaluation import By, Evaluation, Figure, Row
from hub.evaluation.figures import decimal

KEY_WORDS = {
    By.UNIT: ("单位", "unit"),
    By.AREA: ("区域", "area"),
    By.CATEGORY: ("类别", "category"),
    By.COLLECTOR: ("采集员", "collector"),
    By.DEPARTMENT: ("二级平台部门", "department"),
}

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Headings in both languages, rows, and the form of each column: plain, share or hours."""

    title: str
    zh: tuple[str, ...]
    en: tuple[str, ...]
    forms: tuple[Reckoning | None, ...]
    rows: tuple[tuple[Cell, ...], ...]


def sheet(evaluation: Evaluation, names: Mapping[str, str], *, shown: bool = False) -> Sheet:
    """The table of an evaluation; ``shown`` makes text for people of every figure, else cells stay numbers."""
    indicators = evaluation.formula.indicators
    groups = {group.group_id: group.zh for group in evaluation.formula.groups}
    names = called(evaluation, names)
    key_zh, key_en = KEY_WORDS[evaluation.by]
    by_unit = evaluation.by is By.UNIT
    points = evaluation.formula.points
    zh = (key_zh, "名称", *(("组别", "名次") if by_unit else ()), f"得分(满分 {points})")
    en = (key_en, "name", *(("group", "rank") if by_unit else ()), f"score of {points}")
    rows = []
    for row in (*_in_order(evaluation), evaluation.total):
        name = "合计" if row is evaluation.total else names.get(row.key, "")
        standing = (groups.get(row.group_id or "", ""), row.rank) if by_unit else ()
        score = None if row.score is None else float(decimal(row.score, 2))
        rows.append((row.key, name, *standing, score, *(_cell(each, shown=shown) for each in row.figures)))
    period = evaluation.period
    return Sheet(
        title=f"{period.since} 至 {period.until} 考核(办法第 {evaluation.formula.version} 版)",
        zh=(*zh, *(_heading(each.zh, each.reckoning, "小时") for each in indicators)),
        en=(*en, *(_heading(each.en, each.reckoning, "hours") for each in indicators)),
        forms=(*(None for _ in zh), *(each.reckoning for each in indicators)),
        rows=tuple(rows),
    )


def names_of(city: City, by: By) -> dict[str, str]:
    """What people call the keys of a dimension."""
    match by:
        case By.UNIT | By.COLLECTOR | By.DEPARTMENT:
            return {unit.unit_id: unit.name_zh for unit in city.units}
        case By.AREA:
            return {area.area_id: area.name_zh for area in city.areas} | {"-": "各区域以外"}
        case By.CATEGORY:
            return {category.code: category.name_zh for category in city.categories}


def called(evaluation: Evaluation, names: Mapping[str, str]) -> dict[str, str]:
    """The names with those of an evaluation's persons and departments, each after its unit's."""
    found = dict(names)
    for row in evaluation.rows:
        unit_id, _, own = row.key.partition("/")
        if own:
            found[row.key] = f"{names.get(unit_id, unit_id)} {evaluation.names.get(row.key, own)}"
    return found


def cases_of(evaluation: Evaluation, names: Mapping[str, str], indicator_id: str) -> Sheet:
    """One indicator opened down to its cases: a line for each, and whether it stands in the numerator.

    Raises ``KeyError`` where there is no such indicator.
    """
    key_zh, key_en = KEY_WORDS[evaluation.by]
    figure = evaluation.total.figure(indicator_id)
    names = called(evaluation, names)
    rows: list[tuple[Cell, ...]] = []
    for row in _in_order(evaluation):
        told = row.figure(indicator_id)
        counted = set(told.cases)
        for number in sorted({*told.cases, *told.of_cases}):
            rows.append((row.key, names.get(row.key, ""), number, "是 yes" if number in counted else "否 no"))
    period = evaluation.period
    return Sheet(
        title=f"{period.since} 至 {period.until} {figure.indicator.zh}:案件",
        zh=(key_zh, "名称", "案件号", "计入"),
        en=(key_en, "name", "case number", "counted"),
        forms=(None,) * 4,
        rows=tuple(rows),
    )


def as_csv(made: Sheet) -> bytes:
    """UTF-8 with the mark by which Excel knows it; the second line has the English headings."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(made.zh)
    writer.writerow(made.en)
    writer.writerows([[_safe(cell) for cell in row] for row in made.rows])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def as_xlsx(made: Sheet, opened: Sheet | None = None) -> bytes:
    """A workbook; shares and hours are numbers with a format, so that they can be reckoned with.

    ``opened`` are an indicator's cases, on a sheet of their own.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold, grey = book.add_format({"bold": True}), book.add_format({"font_color": "#666666"})
    formats = {
        Reckoning.RATE: book.add_format({"num_format": "0.0%"}),
        Reckoning.MEAN: book.add_format({"num_format": "0.0"}),
        Reckoning.PERCENTILE: book.add_format({"num_format": "0.0"}),
    }
    for name, each in (("考核", made), ("案件", opened)):
        if each is None:
            continue
        page = book.add_worksheet(name)
        page.write_string(0, 0, each.title, bold)
        page.write_row(1, 0, each.zh, bold)
        page.write_row(2, 0, each.en, grey)
        for number, row in enumerate(each.rows, 3):
            for column, cell in enumerate(row):
                form = each.forms[column]
                page.write(number, column, cell, formats.get(form) if form else None)
        page.freeze_panes(3, 2)
        page.set_column(0, 2, 20)
    book.close()
    return out.getvalue()


def _in_order(evaluation: Evaluation) -> Sequence[Row]:
    """Group by group in the formula's order, best first; what has no group comes last."""
    groups = [group.group_id for group in evaluation.formula.groups]

    def place(row: Row) -> tuple[int, int, str]:
        group = groups.index(row.group_id) if row.group_id in groups else len(groups)
        return group, row.rank or len(evaluation.rows) + 1, row.key

    return sorted(evaluation.rows, key=place)


def _heading(text: str, reckoning: Reckoning, hours: str) -> str:
    return f"{text} ({hours})" if reckoning in (Reckoning.MEAN, Reckoning.PERCENTILE) else text


def _cell(figure: Figure, *, shown: bool) -> Cell:
    if shown:
        return figure.shown
    if figure.value is None:
        return None
    match figure.indicator.reckoning:
        case Reckoning.COUNT:
            return int(figure.value)
        case Reckoning.RATE:
            return float(decimal(figure.value, 6))
        case Reckoning.MEAN | Reckoning.PERCENTILE:
            return float(decimal(figure.value / 3600, 4))


def _safe(cell: Cell) -> Cell:
    # A spreadsheet takes a text that begins so for a formula; names come from senders.
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell != "-" else cell
