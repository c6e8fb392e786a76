"""What a unit gets back for a file: a receipt with every row's outcome, and a file of the rows to be mended. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.documents import write_document
from adapters.files.reading import Row
from adapters.files.writing import write_rows
from contracts.arrival import Answer
from contracts.mapping import Encoding, Format, Written
from contracts.problem import PROBLEMS, Problem
from contracts.ways.files import FileFormat, FileSettings

STEM_BYTES_MAX = 180
"""With the endings that are added, a name stays below the 255 bytes that file systems take."""

_ROW, _OUTCOME, _OUTCOME_ZH, _CASE, _ZH, _EN = "row 行号", "outcome", "结果", "case_number 案件号", "原因", "reason"
_COLUMNS = (_ROW, _OUTCOME, _OUTCOME_ZH, _CASE, _ZH, _EN)
_WORDS: Mapping[str, str] = {"accepted": "已收", "repeated": "重复", "refused": "拒收"}


@dataclass(frozen=True, slots=True)
class Judged:
    """A row and what became of it."""

    row: Row
    outcome: Answer | Problem

    @property
    def word(self) -> str:
        """The outcome in a word."""
        if isinstance(self.outcome, Problem):
            return "refused"
        return "repeated" if self.outcome.repeated else "accepted"


@dataclass(frozen=True, slots=True)
class Reply:
    """A file for the unit."""

    name: str
    content: bytes


def receipt(name: str, raw: bytes, judged: Sequence[Judged], settings: FileSettings, written: Written) -> Reply:
    """The receipt of a file, written in the format that the unit's own files have."""
    format, stem = reply_format(name), short_stem(name)
    if format is FileFormat.XML:
        rows = [_receipt_element(each) for each in judged]
        counts = {f"@{word}": sum(each.word == word for each in judged) for word in _WORDS}
        told = {"@file": name, "@sha256": hashlib.sha256(raw).hexdigest(), "@rows": len(rows), **counts, "row": rows}
        return Reply(f"{stem}.receipt.xml", write_document({"receipt": told}, _xml(written)))
    rows = [_receipt_row(each) for each in judged]
    made = write_rows(_COLUMNS, rows, _headed(settings), written, format, unknown_letters="replace")
    return Reply(f"{stem}.receipt.{format}", made)


def errors(name: str, judged: Sequence[Judged], settings: FileSettings, written: Written) -> Reply | None:
    """The refused rows as they came, each with its number and why; None where there are none.

    Once mended, it can be handed in as it is: what was added is not looked at.
    """
    refused = [each for each in judged if isinstance(each.outcome, Problem)]
    if not refused:
        return None
    format, stem = reply_format(name), short_stem(name)
    if format is FileFormat.XML:
        rows = [{**_receipt_element(each), "record": dict(each.row.fields)} for each in refused]
        return Reply(f"{stem}.errors.xml", write_document({"errors": {"row": rows}}, _xml(written)))
    named: dict[str, None] = {}
    for each in refused:
        named |= dict.fromkeys(each.row.fields)
    rows = [{**each.row.fields, **{at: _receipt_row(each)[at] for at in (_ROW, _ZH, _EN)}} for each in refused]
    made = write_rows([*named, _ROW, _ZH, _EN], rows, _headed(settings), written, format, unknown_letters="replace")
    return Reply(f"{stem}.errors.{format}", made)


def reply_format(name: str) -> FileFormat:
    """The format of what goes back: the file's own, and CSV for one that cannot be read."""
    ending = name.lower().rpartition(".")[2]
    return FileFormat(ending) if ending in (FileFormat.XLSX, FileFormat.XML) else FileFormat.CSV


def short_stem(name: str) -> str:
    """A file's name without its ending, cut so that endings can be added to it."""
    stem = name.rpartition(".")[0] or name
    return stem.encode()[:STEM_BYTES_MAX].decode(errors="ignore")


def why(problem: Problem) -> tuple[str, str]:
    """A refusal in Chinese and in English, with every fault."""
    row = PROBLEMS[problem.kind]
    zh, en = problem.zh or row.title_zh, problem.en or row.title_en
    if not problem.violations:
        return zh, en
    return (
        f"{zh}:" + ";".join(each.zh for each in problem.violations),
        f"{en}: " + "; ".join(each.en for each in problem.violations),
    )


def _receipt_row(each: Judged) -> dict[str, Any]:
    zh, en = why(each.outcome) if isinstance(each.outcome, Problem) else ("", "")
    case_number = each.outcome.case_number if isinstance(each.outcome, Answer) else ""
    return {
        _ROW: each.row.number,
        _OUTCOME: each.word,
        _OUTCOME_ZH: _WORDS[each.word],
        _CASE: case_number,
        _ZH: zh,
        _EN: en,
    }


def _receipt_element(each: Judged) -> dict[str, Any]:
    made: dict[str, Any] = {"@number": each.row.number, "@outcome": each.word}
    if isinstance(each.outcome, Problem):
        made["zh"], made["en"] = why(each.outcome)
    else:
        made["case_number"] = each.outcome.case_number
    return made


def _headed(settings: FileSettings) -> FileSettings:
    # A row without a heading would not say what its columns are.
    return settings.model_copy(update={"header": True, "sheet": None})


def _xml(written: Written) -> Written:
    return Written(format=Format.XML, encoding=written.encoding or Encoding.UTF_8)
