"""Reads a CSV file of a city's folder, cell by cell; every fault is noted on the way, none stops the reading."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

from contracts.city.faults import Fault
from contracts.city.row import Certainty

R = TypeVar("R")
Word = TypeVar("Word", bound=StrEnum)

EVERY_ROW = ("source", "certainty", "valid_from", "valid_to", "note")
"""Columns that every table may have; ``source`` it must have."""

# The same shape as a ``Code`` of the contracts: ids travel in messages.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")


@dataclass(slots=True)
class Cells:
    """One row while it is read. What cannot be read is noted as a fault, and a stand-in is given back."""

    file: str
    row: int
    values: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)

    def wrong(self, column: str, zh: str, en: str) -> None:
        """Note a fault of this row."""
        self.faults.append(Fault(self.file, self.row, column, zh, en))

    def optional(self, column: str) -> str:
        """A cell that may be empty."""
        return self.values.get(column, "")

    def text(self, column: str) -> str:
        """A cell that must say something."""
        told = self.optional(column)
        if not told:
            self.wrong(column, "不能为空", "it must not be empty")
        return told

    def id(self, column: str) -> str:
        """An id, as messages carry it."""
        told = self.text(column)
        if told and not _ID.fullmatch(told):
            self.wrong(column, f"{told} 不是有效的标识", f"{told} is no valid id (letters, digits, _ . : / -)")
        return told

    def optional_id(self, column: str) -> str | None:
        """An id that may be missing."""
        return self.id(column) if self.optional(column) else None

    def number(self, column: str, least: float = -math.inf, most: float = math.inf) -> float:
        """A finite number between two bounds."""
        told = self.text(column)
        if not told:
            return 1.0
        try:
            number = float(told)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.wrong(column, f"{told} 不是数", f"{told} is no number")
            return 1.0
        if not least <= number <= most:
            self.wrong(
                column, f"{told} 应在 {least:g} 与 {most:g} 之间", f"{told} must lie between {least:g} and {most:g}"
            )
        return number

    def whole(self, column: str, least: int) -> int:
        """A whole number, not less than ``least``."""
        number = self.number(column, least)
        if number != int(number):
            self.wrong(column, f"{number:g} 应为整数", f"{number:g} must be a whole number")
        return int(number)

    def one_of(self, column: str, words: type[Word], otherwise: Word | None = None) -> Word:
        """One of the fixed words; an empty cell is ``otherwise`` where that is given."""
        told = self.optional(column)
        if not told and otherwise is not None:
            return otherwise
        possible = [word.value for word in words]
        if told in possible:
            return words(told)
        self.wrong(column, f"“{told}”应为 {'、'.join(possible)} 之一", f"{told!r} must be one of {', '.join(possible)}")
        return next(iter(words))

    def day(self, column: str) -> date | None:
        """An ISO date, or None where the cell is empty."""
        told = self.optional(column)
        if not told:
            return None
        try:
            return date.fromisoformat(told)
        except ValueError:
            self.wrong(column, f"{told} 不是日期(年-月-日)", f"{told} is no date (YYYY-MM-DD)")
            return None

    def common(self) -> dict[str, Any]:
        """The fields of every row."""
        first, last = self.day("valid_from"), self.day("valid_to")
        if first and last and last < first:
            self.wrong("valid_to", f"{last} 早于 {first}", f"{last} is before {first}")
        source = self.text("source")
        certainty = self.one_of("certainty", Certainty, Certainty.STATED)
        return {"source": source, "certainty": certainty, "valid_from": first, "valid_to": last}


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """A table as it was read: the rows that could be, each with its line.

    ``named`` holds the ids of all rows, readable or not; None where the file itself could not be read.
    """

    file: str
    rows: tuple[R, ...]
    lines: tuple[int, ...]
    named: frozenset[str] | None


def read_table(
    path: Path,
    columns: Sequence[str],
    build: Callable[[Cells], R],
    faults: list[Fault],
    *,
    may_have: Sequence[str] = (),
) -> Table[R]:
    """Read a table whose first column is its id. Faults are added to ``faults``; a row with one is left out."""
    rows, lines, named = [], [], []
    records = _records(path, columns, may_have, faults)
    for line, values in records or ():
        cells = Cells(path.name, line, values)
        named.append(values[columns[0]])
        built = build(cells)
        if cells.faults:
            faults.extend(cells.faults)
        else:
            rows.append(built)
            lines.append(line)
    return Table(path.name, tuple(rows), tuple(lines), None if records is None else frozenset(named))


def _records(
    path: Path, columns: Sequence[str], may_have: Sequence[str], faults: list[Fault]
) -> list[tuple[int, dict[str, str]]] | None:
    def whole_file(zh: str, en: str, row: int = 0, column: str = "") -> None:
        faults.append(Fault(path.name, row, column, zh, en))

    found: list[tuple[int, dict[str, str]]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [cell.strip() for cell in next(reader, [])]
            missing = [each for each in (*columns, "source") if each not in header]
            for column in missing:
                whole_file("缺少该列", "the column is missing", 1, column)
            for column in dict.fromkeys(header):
                if header.count(column) > 1:
                    whole_file("该列重复", "the column stands twice", 1, column)
                elif column not in (*columns, *may_have, *EVERY_ROW):
                    whole_file("没有这种列", "there is no such column", 1, column)
            if missing:
                return None
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(header):
                    whole_file(
                        f"有 {len(cells)} 格,应为 {len(header)} 格",
                        f"it has {len(cells)} cells instead of {len(header)}",
                        reader.line_num,
                    )
                    continue
                found.append((reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
        return found
    except FileNotFoundError:
        whole_file("缺少该文件", "the file is missing")
    except OSError as fault:
        whole_file(f"无法读取:{fault.strerror}", f"it cannot be read: {fault.strerror}")
    except UnicodeDecodeError:
        whole_file("应为 UTF-8 编码", "it must be UTF-8")
    except csv.Error as fault:
        whole_file(f"不是有效的 CSV:{fault}", f"it is not valid CSV: {fault}", len(found) + 2)
    return None
