"""A file as records: CSV and Excel with one a row, XML with one an element. Pure.

Everything is bounded before it is built; a row that does not fit is a fault of its own and spoils no other.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from adapters.documents import DocumentFault, read_document
from adapters.documents.encodings import decode
from adapters.documents.places import reached
from adapters.documents.values import text_of
from contracts.mapping import Encoding, Format, Written
from contracts.ways.files import FileFormat, FileSettings

ROWS_MAX = 20_000
COLUMNS_MAX = 200
UNPACKED_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """A record of a file: its number in it (a heading counts), and its fields, or why it has none."""

    number: int
    fields: Mapping[str, Any]
    fault: DocumentFault | None = None


def format_of(name: str) -> FileFormat:
    """What a file is written in, by its ending. Raises ``DocumentFault`` for one that is not read."""
    ending = name.lower().rpartition(".")[2]
    if ending in ("csv", "txt"):
        return FileFormat.CSV
    try:
        return FileFormat(ending)
    except ValueError:
        raise DocumentFault(
            f"不读 .{ending[:16]} 文件;请用 .csv、.txt、.xlsx 或 .xml。",
            f"A .{ending[:16]} file is not read: use .csv, .txt, .xlsx or .xml.",
        ) from None


def read_rows(raw: bytes, format: FileFormat, settings: FileSettings, written: Written) -> list[Row]:
    """The records of a file, in its order. Raises ``DocumentFault`` where the file as a whole cannot be read."""
    if len(raw) > written.bytes_max:
        said = written.bytes_max
        raise DocumentFault(f"文件超过 {said} 字节。", f"The file has more than {said} bytes.", "too_large")
    match format:
        case FileFormat.CSV:
            return _records(_csv_lines(raw, written), written.columns)
        case FileFormat.XLSX:
            return _records(_sheet_lines(raw, settings.sheet), written.columns)
        case FileFormat.XML:
            return _elements(raw, settings, written)


def _csv_lines(raw: bytes, written: Written) -> list[tuple[int, list[str]]]:
    try:
        text = decode(raw, written.encoding)
    except DocumentFault:
        if written.encoding is not None:
            raise
        # Nothing was said of the encoding, and Excel in China writes GBK.
        text = decode(raw, Encoding.GB18030)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=written.separator, strict=True)
    lines: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((before + 1, cells))
            before = reader.line_num
            _bound(len(lines), len(cells))
    except csv.Error as fault:
        raise DocumentFault(
            f"第 {reader.line_num} 行起不是有效的 CSV:{fault}。",
            f"Not valid CSV from line {reader.line_num} on: {fault}.",
        ) from None
    return lines


def _sheet_lines(raw: bytes, sheet: str | None) -> list[tuple[int, list[str]]]:
    _refuse_bombs(raw)
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        found = book[sheet] if sheet is not None else book.worksheets[0]
        lines: list[tuple[int, list[str]]] = []
        for number, cells in enumerate(found.iter_rows(values_only=True), 1):
            texts = [_cell_text(cell) for cell in cells[: COLUMNS_MAX + 1]]
            while texts and not texts[-1].strip():
                texts.pop()
            if texts:
                lines.append((number, texts))
            _bound(len(lines), len(texts))
            if number > 10 * ROWS_MAX:
                break
        return lines
    except KeyError:
        raise DocumentFault(f"没有工作表 {sheet}。", f"There is no sheet {sheet}.") from None
    except (InvalidFileException, zipfile.BadZipFile, ValueError, TypeError, IndexError, SyntaxError, OSError) as fault:
        said = type(fault).__name__
        raise DocumentFault(f"不是有效的 Excel 文件({said})。", f"It is no valid Excel file ({said}).") from None


def _refuse_bombs(raw: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            if sum(part.file_size for part in parts.infolist()) > UNPACKED_MAX:
                raise DocumentFault("Excel 文件解压后过大。", "The Excel file is too large unpacked.", "too_large")
            for part in parts.infolist():
                with parts.open(part) as opened:
                    if b"<!DOCTYPE" in opened.read(4096).upper():
                        raise DocumentFault("不接受带 DOCTYPE 的文件。", "A file with a DOCTYPE is not taken.")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError) as fault:
        said = type(fault).__name__
        raise DocumentFault(f"不是有效的 Excel 文件({said})。", f"It is no valid Excel file ({said}).") from None


def _cell_text(cell: Any) -> str:
    """A cell as a mapping reads it: whole numbers without a point, moments as ``2026-11-23 09:13:00``."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return text_of(int(cell))
    try:
        return text_of(cell)
    except ValueError:
        return str(cell)


def _bound(rows: int, columns: int) -> None:
    if rows > ROWS_MAX + 1 or columns > COLUMNS_MAX:
        raise DocumentFault(
            f"文件至多 {ROWS_MAX} 行、{COLUMNS_MAX} 列。",
            f"A file has at most {ROWS_MAX} rows and {COLUMNS_MAX} columns.",
            "too_large",
        )


def _records(lines: list[tuple[int, list[str]]], columns: Sequence[str]) -> list[Row]:
    """Rows by their headings; where the first line is no heading, by the profile's order."""
    if not lines:
        return []
    first = [cell.strip() for cell in lines[0][1]]
    if not columns or set(columns) <= set(first):
        names, lines = first, lines[1:]
        if len(set(names)) != len(names):
            raise DocumentFault("表头中有重复的列名。", "A name stands twice in the heading.")
    else:
        names = list(columns)
    return [_record(number, names, cells, headed=names is first) for number, cells in lines]


def _record(number: int, names: Sequence[str], cells: list[str], *, headed: bool) -> Row:
    # Excel leaves out empty cells at the end of a row; without a heading a row must be as long as it should be.
    if len(cells) > len(names) or (not headed and len(cells) < len(names)):
        fault = DocumentFault(
            f"应有 {len(names)} 列,实有 {len(cells)} 列。", f"It has {len(cells)} columns, not {len(names)}."
        )
        return Row(number, dict(zip(names, cells, strict=False)), fault)
    return Row(number, dict(zip(names, [*cells, *[""] * (len(names) - len(cells))], strict=True)))


def _elements(raw: bytes, settings: FileSettings, written: Written) -> list[Row]:
    if written.format is not Format.XML:
        written = Written(format=Format.XML, bytes_max=written.bytes_max)
    held = reached(read_document(raw, written), settings.records or ".")
    found = held if isinstance(held, list) else [] if held in (None, "") else [held]
    return [
        Row(number, each)
        if isinstance(each, dict)
        else Row(number, {}, DocumentFault("不是一条记录。", "It is no record."))
        for number, each in enumerate(found, 1)
    ]
