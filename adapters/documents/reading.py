"""A unit's bytes as plain values, documents inside documents included."""

from __future__ import annotations

import base64
import binascii
import csv
import io
from typing import Any
from urllib.parse import parse_qsl

from adapters.documents.encodings import decode, encode
from adapters.documents.faults import DocumentFault
from adapters.documents.xml import read_xml
from contracts.json_text import load_json
from contracts.mapping import Encoding, Format, Wrap, Written
from contracts.paths import Path, parse_path, walk
from contracts.problem import Problem

FIELDS_MAX = 1000


def read_document(raw: bytes, written: Written) -> Any:
    """The document as values. Raises ``DocumentFault``."""
    if len(raw) > written.bytes_max:
        said = written.bytes_max
        raise DocumentFault(f"文档超过 {said} 字节。", f"The document has more than {said} bytes.", "too_large")
    return unwrap(_READ[written.format](raw, written.encoding, written, ()), written)


def unwrap(value: Any, written: Written) -> Any:
    """The values with what stands in them as documents read too. Raises ``DocumentFault``."""
    for wrap in written.wrap:
        value = _unwrapped(value, wrap, written)
    return value


def _unwrapped(value: Any, wrap: Wrap, written: Written) -> Any:
    path = parse_path(wrap.inside)
    held = walk(value, path)
    if isinstance(held, dict):
        held = held.get("#text")
    if held is None or held == "":
        # The rules that read inside find nothing, and say so where they need it.
        return value
    if not isinstance(held, str):
        raise DocumentFault(f"{wrap.inside} 不是文本。", f"{wrap.inside} is not a text.")
    inner: bytes | str = held.strip()
    if wrap.base64:
        try:
            inner = base64.b64decode("".join(held.split()), validate=True)
        except (ValueError, binascii.Error):
            raise DocumentFault(f"{wrap.inside} 不是 base64。", f"{wrap.inside} is not base64.") from None
    try:
        read = _READ[wrap.format](inner, wrap.encoding, written, path)
    except DocumentFault as fault:
        raise DocumentFault(f"{wrap.inside} 之内:{fault.zh}", f"Inside {wrap.inside}: {fault.en}", fault.kind) from None
    return _replaced(value, path, read)


def _replaced(value: Any, path: Path, inner: Any) -> Any:
    if not path:
        return inner
    holder = walk(value, path[:-1])
    holder[path[-1]] = inner
    return value


def _json(raw: bytes | str, encoding: Encoding | None, written: Written, at: Path) -> Any:
    text = raw if isinstance(raw, str) else decode(raw, encoding)
    try:
        return load_json(encode(text, None))
    except Problem as problem:
        zh, en = problem.zh or "不是有效的 JSON。", problem.en or "It is not valid JSON."
        raise DocumentFault(zh, en, problem.kind if problem.kind != "not_json" else "document_invalid") from None


def _form(raw: bytes | str, encoding: Encoding | None, written: Written, at: Path) -> dict[str, Any]:
    text = raw if isinstance(raw, str) else decode(raw, encoding)
    name = "utf-8" if encoding in (None, Encoding.UTF_8) else "gb18030"
    try:
        pairs = parse_qsl(
            text.strip(), keep_blank_values=True, encoding=name, errors="strict", max_num_fields=FIELDS_MAX
        )
    except ValueError:
        raise DocumentFault("不是有效的表单。", "It is not a valid form.") from None
    made: dict[str, Any] = {}
    lists = {parse_path(each) for each in written.lists}
    for key, value in pairs:
        if key in made:
            made[key] = [*made[key], value] if isinstance(made[key], list) else [made[key], value]
        else:
            made[key] = [value] if (*at, key) in lists else value
    return made


def _delimited(raw: bytes | str, encoding: Encoding | None, written: Written, at: Path) -> dict[str, Any]:
    text = raw if isinstance(raw, str) else decode(raw, encoding)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=written.separator, strict=True) if row]
    except csv.Error as fault:
        raise DocumentFault(f"不是有效的分隔文本:{fault}。", f"It is not valid delimited text: {fault}.") from None
    if rows and rows[0] == list(written.columns):
        rows = rows[1:]
    if len(rows) != 1 or len(rows[0]) != len(written.columns):
        count = len(written.columns)
        raise DocumentFault(f"应为一行 {count} 列。", f"It is one line of {count} columns.")
    return dict(zip(written.columns, rows[0], strict=True))


_READ = {
    Format.JSON: _json,
    Format.XML: lambda raw, encoding, written, at: read_xml(raw, encoding, written, at),
    Format.FORM: _form,
    Format.DELIMITED: _delimited,
}
