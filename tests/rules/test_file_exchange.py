"""Claims on the pure parts of exchange by file: what is read of any bytes, what is written, when a file is whole."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.documents import DocumentFault
from adapters.files.folder import Entry, is_taken
from adapters.files.reading import Row, format_of, read_rows
from adapters.files.ready import Readiness
from adapters.files.receipts import Judged, errors, receipt, short_stem
from adapters.files.writing import write_rows
from contracts.arrival import Answer
from contracts.mapping import Written
from contracts.problem import Problem, Violation
from contracts.ways.files import FileFormat, FileSettings

COLUMNS = ("案件号", "说明")
CELL = st.text(st.characters(codec="gb18030", exclude_categories=("Cs", "Cc")), max_size=20)


def said(**more: Any) -> FileSettings:
    return FileSettings.model_validate({"folder": "post", **more}, strict=False)


def written(**more: Any) -> Written:
    return Written.model_validate({"format": "delimited", "columns": list(COLUMNS), **more}, strict=False)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(FileFormat))
def test_of_whatever_bytes_there_are_rows_or_one_clear_fault(raw: bytes, format: FileFormat) -> None:
    try:
        rows = read_rows(raw, format, said(records="a.b"), written())
    except DocumentFault as fault:
        assert fault.zh and fault.en
    else:
        assert all(isinstance(row.fields, dict) for row in rows)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from([FileFormat.CSV, FileFormat.XLSX]))
@settings(deadline=None)
def test_what_is_written_is_read_again_as_it_was(cells: list[tuple[str, str]], format: FileFormat) -> None:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in cells]
    raw = write_rows(COLUMNS, rows, said(format=format), written(encoding="gb18030"))
    again = read_rows(raw, format, said(), written(encoding="gb18030"))
    assert [row.fields for row in again] == [row for row in rows if any(cell.strip() for cell in row.values())]


def test_a_heading_in_another_order_with_more_columns_is_understood() -> None:
    raw = "备注,说明,案件号\nx,修好,1\n".encode()
    assert [row.fields for row in read_rows(raw, FileFormat.CSV, said(), written())] == [
        {"备注": "x", "说明": "修好", "案件号": "1"}
    ]


def test_a_row_has_the_number_of_its_line_also_after_lines_within_a_cell() -> None:
    raw = '案件号,说明\n1,"两\n行"\n\n2,b\n'.encode()
    assert [row.number for row in read_rows(raw, FileFormat.CSV, said(), written())] == [2, 5]


def test_cells_of_excel_become_the_texts_that_a_person_sees() -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(COLUMNS)
    book.worksheets[0].append([42.0, 1.5])
    target = io.BytesIO()
    book.save(target)
    (row,) = read_rows(target.getvalue(), FileFormat.XLSX, said(), written())
    assert row.fields == {"案件号": "42", "说明": "1.5"}


def test_a_sheet_that_is_not_there_is_named() -> None:
    target = io.BytesIO()
    openpyxl.Workbook().save(target)
    with pytest.raises(DocumentFault, match="反馈"):
        read_rows(target.getvalue(), FileFormat.XLSX, said(sheet="反馈"), written())


def test_an_excel_file_that_unpacks_without_end_is_not_unpacked() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b" " * (80 * 1024 * 1024))
    with pytest.raises(DocumentFault, match="too large"):
        read_rows(target.getvalue(), FileFormat.XLSX, said(), written())


def test_an_excel_file_with_entities_is_not_read() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as parts:
        parts.writestr("xl/workbook.xml", b'<?xml version="1.0"?><!doctype x [<!ENTITY a "b">]><x>&a;</x>')
    with pytest.raises(DocumentFault, match="DOCTYPE"):
        read_rows(target.getvalue(), FileFormat.XLSX, said(), written())


@pytest.mark.parametrize("name", ["a.xls", "a.pdf", "a", "a.csv.zip"])
def test_what_is_no_table_is_named_as_such(name: str) -> None:
    with pytest.raises(DocumentFault, match="is not read"):
        format_of(name)


@pytest.mark.parametrize("name", [".a.csv", "~$a.xlsx", "a.csv.tmp", "a.csv.PART", "a.filepart"])
def test_what_is_still_being_written_is_not_taken(name: str) -> None:
    assert not is_taken(name)


def test_a_file_is_whole_once_it_stayed_the_same_and_every_change_begins_anew() -> None:
    ready = Readiness(said(ready="stable", settle_seconds=2))
    one, grown = Entry("a.csv", 10, 100.0), Entry("a.csv", 20, 101.0)
    assert ready.whole([one], 0.0) == []
    assert ready.whole([one], 1.9) == []
    assert ready.whole([grown], 2.0) == []
    assert ready.next_seconds(3.0) == 1.0
    assert ready.whole([grown], 4.0) == [grown]


def test_files_are_read_in_the_order_in_which_they_were_written() -> None:
    ready = Readiness(said(ready="renamed"))
    late, early = Entry("a.csv", 1, 200.0), Entry("b.csv", 1, 100.0)
    assert ready.whole([late, early], 0.0) == [early, late]


def test_a_marker_is_no_file_of_its_own() -> None:
    ready = Readiness(said(ready="marker"))
    files = [Entry("a.csv", 1, 1.0), Entry("a.csv.done", 0, 1.0), Entry("b.csv", 1, 1.0)]
    assert [entry.name for entry in ready.whole(files, 0.0)] == ["a.csv"]


def test_a_marker_that_an_earlier_file_left_behind_does_not_make_the_next_one_whole() -> None:
    ready = Readiness(said(ready="marker", settle_seconds=2))
    left, new = Entry("a.csv.done", 0, 1.0), Entry("a.csv.done", 0, 9.0)
    half, whole = Entry("a.csv", 10, 8.0), Entry("a.csv", 20, 9.0)
    assert ready.whole([left], 0.0) == []
    assert ready.whole([half, left], 1.0) == []
    assert ready.whole([half, left], 2.0) == []
    assert ready.whole([whole, new], 2.5) == [whole]
    # A unit that writes its marker first is read all the same, once its file rests.
    assert ready.whole([left], 3.0) == []
    assert ready.whole([half, left], 4.0) == []
    assert ready.whole([half, left], 6.0) == [half]


def test_a_refusal_is_told_with_every_fault_in_both_languages() -> None:
    problem = Problem("mapping_failed", violations=(Violation("#", "第 3 行:甲", "line 3: a"),))
    wrong = errors("a.csv", [Judged(Row(2, {"说明": "x"}), problem)], said(), written())
    assert wrong is not None and wrong.name == "a.errors.csv"
    text = wrong.content.decode()
    assert "第 3 行:甲" in text and "line 3: a" in text and text.startswith("说明,")


def test_a_file_without_faults_brings_back_none() -> None:
    answer = Answer(1, "330800-20261123-000042", 1, "dispatched", 1)
    judged = [Judged(Row(2, {}), answer)]
    assert errors("a.csv", judged, said(), written()) is None
    assert "330800-20261123-000042" in receipt("a.csv", b"", judged, said(), written()).content.decode()


@given(st.text(min_size=1, max_size=255))
def test_a_receipts_name_fits_whatever_the_files_name_was(name: str) -> None:
    assert len(f".{short_stem(name)}.receipt.xlsx.tmp".encode()) <= 255


def test_a_reason_that_the_units_encoding_lacks_still_comes_back() -> None:
    wrong = errors("a.csv", [Judged(Row(2, {"说明": "😀"}), Problem("not_found"))], said(), written(encoding="gbk"))
    assert wrong is not None and "未找到" in wrong.content.decode("gbk")
