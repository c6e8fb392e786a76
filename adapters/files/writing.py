"""Records as the bytes of a file: CSV and Excel with one a row, XML with one an element. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import xlsxwriter

from adapters.documents import DocumentFault, write_document
from adapters.documents.encodings import encode
from adapters.documents.values import text_of
from contracts.mapping import Encoding, Written
from contracts.paths import parse_path
from contracts.ways.files import FileFormat, FileSettings

_BOM = b"\xef\xbb\xbf"


def write_rows(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    settings: FileSettings,
    written: Written,
    format: FileFormat | None = None,
    *,
    unknown_letters: str = "strict",
) -> bytes:
    """A file of records. Raises ``DocumentFault`` for what the encoding or the format cannot hold."""
    match format or settings.format:
        case FileFormat.CSV:
            return _csv(columns, rows, settings, written, unknown_letters)
        case FileFormat.XLSX:
            return _workbook(columns, rows, settings)
        case FileFormat.XML:
            # Documents inside documents are written in place.
            return write_document(_around(deepcopy(rows), settings), written)


def _csv(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    settings: FileSettings,
    written: Written,
    unknown_letters: str,
) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=written.separator, lineterminator="\r\n")
    if settings.header:
        writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if row.get(name) is None else _plain(name, row[name]) for name in columns])
    raw = encode(target.getvalue(), written.encoding, unknown_letters)
    return (_BOM if settings.byte_order_mark and written.encoding in (None, Encoding.UTF_8) else b"") + raw


def _workbook(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], settings: FileSettings) -> bytes:
    target = io.BytesIO()
    # Texts stay texts: what a citizen wrote is neither a formula nor a link.
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet(settings.sheet[:31] if settings.sheet else None)
        for at, name in enumerate(columns):
            sheet.write_string(0, at, name)
        for number, row in enumerate(rows, 1):
            for at, name in enumerate(columns):
                if row.get(name) is not None:
                    sheet.write_string(number, at, _plain(name, row[name]))
    return target.getvalue()


def _around(rows: Sequence[Mapping[str, Any]], settings: FileSettings) -> Any:
    """The records where the profile says that a document has them; one alone may be the whole document."""
    if settings.records is None:
        return rows[0]
    made: Any = list(rows)
    for part in reversed(parse_path(settings.records)):
        made = [made] if isinstance(part, int) else {part: made}
    return made


def _plain(name: str, value: Any) -> str:
    try:
        return text_of(value)
    except ValueError:
        raise DocumentFault(f"列 {name} 应为单个值。", f"The column {name} takes one value.") from None
