"""Turns the records of a register file into lines, each fault named by line and column in Chinese and English. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from contracts.city import Directory, Kind
from contracts.city.faults import Fault
from contracts.coordinates import ImpossibleCoordinates, to_wgs84
from contracts.messages import CoordinateSystem
from hub.register.columns import NAMES, sheet_of
from hub.register.entries import Line, Told

SYSTEMS: Mapping[str, CoordinateSystem] = {
    "WGS84": CoordinateSystem.WGS84,
    "CGCS2000": CoordinateSystem.CGCS2000,
    "2000国家大地坐标系": CoordinateSystem.CGCS2000,
    "国家2000": CoordinateSystem.CGCS2000,
    "GCJ02": CoordinateSystem.GCJ02,
    "火星坐标": CoordinateSystem.GCJ02,
}
"""What a sheet may call a datum, once spaces and dashes are taken out."""

SOURCE_CHARACTERS = 400

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2}))")


@dataclass(frozen=True, slots=True)
class Given:
    """What holds for every line that does not say otherwise: from when, in which datum; and the directory's words."""

    directory: Directory
    effective_from: date
    system: CoordinateSystem = CoordinateSystem.WGS84


@dataclass(frozen=True, slots=True)
class Read:
    """A file as it was understood. Where there is a fault, nothing of it may be taken. ``rows`` counts its records."""

    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]
    rows: int
    not_read: tuple[str, ...] = ()

    @property
    def refused(self) -> int:
        """How many lines have a fault; the file as a whole counts as one."""
        return len({fault.row for fault in self.faults})


def read_file(raw: bytes, file: str, given: Given) -> Read:
    """Every line of a CSV file, and everything that is wrong with it."""
    sheet = sheet_of(raw, file)
    words = _Words.of(given.directory)
    lines: list[Line] = []
    faults: list[Fault] = list(sheet.faults)
    first_at: dict[str, int] = {}
    for number, cells in sheet.records:
        row = _Row(file, number, cells, given, words)
        line = row.line()
        faults.extend(row.faults)
        if line is None:
            continue
        known = first_at.setdefault(line.component_code, number)
        if known != number:
            faults.append(
                Fault(
                    file,
                    number,
                    "component_code",
                    f"与第 {known} 行的部件编码重复",
                    f"the same code as in line {known}",
                )
            )
        lines.append(line)
    if not sheet.records and not faults:
        faults.append(Fault(file, 0, "", "没有数据行", "there are no rows under the header"))
    return Read(tuple(lines), tuple(faults), len(sheet.records), sheet.not_read)


@dataclass(frozen=True, slots=True)
class _Words:
    """Ids by what a sheet may write: the id itself, or the Chinese name where only one has it."""

    units: Mapping[str, str]
    categories: Mapping[str, str]
    areas: Mapping[str, str]

    @classmethod
    def of(cls, directory: Directory) -> _Words:
        components = {code: row for code, row in directory.categories.items() if row.kind is Kind.COMPONENT}
        return cls(
            _by_name({unit_id: unit.name_zh for unit_id, unit in directory.units.items()}),
            _by_name({code: row.name_zh for code, row in components.items()}),
            {area.area_id: area.area_id for area in directory.areas},
        )


def _by_name(names: Mapping[str, str]) -> dict[str, str]:
    told = list(names.values())
    only = {name: known for known, name in names.items() if told.count(name) == 1}
    return {**only, **{known: known for known in names}}


@dataclass(slots=True)
class _Row:
    """One record on its way to a line; it notes what is wrong and goes on, so that all is told at once."""

    file: str
    number: int
    cells: Mapping[str, str]
    given: Given
    words: _Words
    faults: list[Fault] = field(default_factory=list)

    def line(self) -> Line | None:
        """The line, or None with its faults."""
        code = self._code()
        category = self._named(
            "category_code", self.words.categories, "名录中没有这种部件类别", "no such component category"
        )
        owner = self._unit("owner_unit_id")
        maintainer = self._unit("maintainer_unit_id", required=False)
        department = self._unit("department_unit_id", required=False)
        longitude, latitude = self._place()
        area = self._named("area_id", self.words.areas, "名录中没有该区域", "no such area", required=False)
        first = self._day("valid_from") or self.given.effective_from
        last = self._day("valid_to")
        if last is not None and last < first:
            self._wrong("valid_to", f"{last} 早于生效日期 {first}", f"{last} is before {first}")
        source = self.cells.get("source", "")
        if len(source) > SOURCE_CHARACTERS:
            self._wrong("source", f"最多 {SOURCE_CHARACTERS} 字", f"at most {SOURCE_CHARACTERS} characters")
        if self.faults:
            return None
        lies_in = area or self.given.directory.area_at(longitude, latitude)
        told = Told(category, owner, maintainer or None, department or None, longitude, latitude, lies_in)
        return Line(self.number, code, told, first, last, source or self.file)

    def _wrong(self, column: str, zh: str, en: str) -> None:
        self.faults.append(Fault(self.file, self.number, column, zh, en))

    def _text(self, column: str) -> str:
        told = self.cells.get(column, "")
        if not told:
            self._wrong(column, f"“{NAMES[column][0]}”不能为空", f"{column} must not be empty")
        return told

    def _code(self) -> str:
        code = self._text("component_code")
        if _ROUNDED.fullmatch(code):
            self._wrong(
                "component_code",
                f"{code} 是被表格软件改写的数字,请把该列设为文本后重新导出",
                f"{code} is a number that a spreadsheet rounded: make the column text and export again",
            )
        elif code and not _CODE.fullmatch(code):
            self._wrong(
                "component_code",
                f"“{code[:80]}”不是部件编码(字母、数字和 _ . : / -,最多 64 位)",
                f"{code[:80]!r} is no component code (letters, digits and _ . : / -, at most 64)",
            )
        return code

    def _named(self, column: str, known: Mapping[str, str], zh: str, en: str, *, required: bool = True) -> str:
        told = self._text(column) if required else self.cells.get(column, "")
        found = known.get(told, "")
        if told and not found:
            self._wrong(column, f"{zh}:{told[:80]}", f"{en}: {told[:80]}")
        return found

    def _unit(self, column: str, *, required: bool = True) -> str:
        return self._named(column, self.words.units, "名录中没有该单位", "no such unit", required=required)

    def _place(self) -> tuple[float, float]:
        system = self._system()
        longitude, latitude = self._degrees("longitude"), self._degrees("latitude")
        if longitude is None or latitude is None or system is None:
            return 0.0, 0.0
        try:
            point = to_wgs84(longitude, latitude, system)
        except ImpossibleCoordinates as fault:
            self._wrong("longitude", fault.zh, fault.en)
            return 0.0, 0.0
        return round(point.longitude, 7), round(point.latitude, 7)

    def _system(self) -> CoordinateSystem | None:
        told = self.cells.get("system", "")
        if not told:
            return self.given.system
        found = SYSTEMS.get(re.sub(r"[\s_-]", "", told).upper())
        if found is None:
            known, written = [system.value for system in CoordinateSystem], told[:40]
            zh, en = f"坐标系“{written}”应为 {'、'.join(known)} 之一", f"{written!r}: must be one of {', '.join(known)}"
            self._wrong("system", zh, en)
        return found

    def _degrees(self, column: str) -> float | None:
        told = self._text(column)
        if not told:
            return None
        try:
            return float(told)
        except ValueError:
            self._wrong(column, f"“{told[:40]}”不是十进制度数", f"{told[:40]!r} is no number of degrees")
            return None

    def _day(self, column: str) -> date | None:
        told = self.cells.get(column, "")
        if not told:
            return None
        parts = _DAY.fullmatch(told)
        try:
            if parts is not None:
                year, month, day = (int(part) for part in parts.groups() if part is not None)
                return date(year, month, day)
        except ValueError:
            pass
        self._wrong(column, f"“{told[:40]}”不是日期(如 2026-11-23)", f"{told[:40]!r} is no date (such as 2026-11-23)")
        return None
