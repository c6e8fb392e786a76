"""The columns of a register file: their names in English and Chinese, and how a sheet's bytes become its records. Pure.

A census sheet has dozens of columns more than the register needs: they are left alone, and named as not read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from contracts.city.faults import Fault

NAMES: Mapping[str, tuple[str, ...]] = {
    "component_code": ("部件编码", "部件标识码", "部件代码", "标识码"),
    "category_code": ("类别编码", "类别代码", "部件类别", "小类编码", "小类代码", "类别"),
    "owner_unit_id": ("权属单位", "产权单位", "权属单位编码", "权属单位代码"),
    "maintainer_unit_id": ("养护单位", "管养单位", "维护单位", "养护单位编码", "养护单位代码"),
    "department_unit_id": ("主管部门", "主管单位", "主管部门编码", "主管部门代码"),
    "longitude": ("经度",),
    "latitude": ("纬度",),
    "system": ("坐标系",),
    "area_id": ("区域", "所在区域"),
    "valid_from": ("生效日期", "起始日期"),
    "valid_to": ("失效日期", "终止日期"),
    "source": ("来源", "数据来源"),
}
"""Each column's own name → what a Chinese sheet may call it; the first is how the export writes it."""

REQUIRED = ("component_code", "category_code", "owner_unit_id", "longitude", "latitude")

ROWS_MAX = 200_000

_OWN = {written: name for name, chinese in NAMES.items() for written in (name, *chinese)}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's records: the line where each begins and its cells by column; and which columns were not read."""

    records: tuple[tuple[int, Mapping[str, str]], ...]
    not_read: tuple[str, ...]
    faults: tuple[Fault, ...]


class _Unreadable(Exception):
    """The file as a whole cannot be read."""


def bare_name(name: str) -> str:
    """A file's name without the folders on somebody's disk, as it is kept."""
    return PurePath(name.replace("\\", "/")).name[:200] or "register.csv"


def sheet_of(raw: bytes, file: str) -> Sheet:
    """The records of a CSV file in UTF-8, with or without its mark, or GB18030."""
    faults: list[Fault] = []
    try:
        header, rows = _header(_rows(_text(raw, file), file, faults), file)
    except _Unreadable as fault:
        return Sheet((), (), (*faults, *fault.args))
    columns = [_OWN.get(cell) for cell in header]
    faults.extend(_faults_of(header, columns, file))
    if faults:
        return Sheet((), (), tuple(faults))
    records: list[tuple[int, Mapping[str, str]]] = []
    for line, cells in rows:
        if len(cells) != len(header):
            zh, en = f"有 {len(cells)} 格,表头有 {len(header)} 格", f"{len(cells)} cells under {len(header)} columns"
            faults.append(Fault(file, line, "", zh, en))
        elif len(records) == ROWS_MAX:
            zh, en = f"一个文件最多 {ROWS_MAX} 行,请分开导入", f"a file has at most {ROWS_MAX} rows: split it"
            faults.append(Fault(file, line, "", zh, en))
            break
        else:
            named = zip(columns, cells, strict=True)
            records.append((line, {column: cell.strip() for column, cell in named if column is not None}))
    unknown = tuple(cell for cell, column in zip(header, columns, strict=True) if column is None and cell)
    return Sheet(tuple(records), unknown, tuple(faults))


def _text(raw: bytes, file: str) -> str:
    # Spreadsheets on Chinese desktops write GB18030 unless they are told otherwise. Its text is hardly ever valid
    # UTF-8, while most UTF-8 is valid GB18030: so the order matters.
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    zh, en = (
        "既不是 UTF-8 也不是 GB18030 文本,请另存为 CSV(UTF-8)",
        "neither UTF-8 nor GB18030 text: save it as CSV UTF-8",
    )
    raise _Unreadable(Fault(file, 0, "", zh, en))


def _rows(text: str, file: str, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """Each record that says anything, with the line where it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            # What follows an unclosed quote would be read askew.
            faults.append(Fault(file, line, "", f"不是有效的 CSV:{fault}", f"not valid CSV: {fault}"))
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _header(rows: Iterator[tuple[int, list[str]]], file: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    first = next(rows, None)
    if first is None:
        raise _Unreadable(Fault(file, 0, "", "文件是空的", "the file is empty"))
    return [cell.strip() for cell in first[1]], rows


def _faults_of(header: list[str], columns: list[str | None], file: str) -> Iterator[Fault]:
    for name in REQUIRED:
        if name not in columns:
            yield Fault(file, 1, name, f"缺少“{NAMES[name][0]}”列", f"the column {name} is missing")
    for index, column in enumerate(columns):
        if column is not None and column in columns[:index]:
            yield Fault(file, 1, header[index], f"“{NAMES[column][0]}”有两列", f"a second column says {column}")
