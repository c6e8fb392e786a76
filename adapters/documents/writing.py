"""Plain values as the bytes of a unit's document, documents inside documents first."""

from __future__ import annotations

import base64
import csv
import io
import json
from typing import Any
from urllib.parse import urlencode

import orjson

from adapters.documents.encodings import decode, encode
from adapters.documents.faults import DocumentFault
from adapters.documents.values import text_of
from adapters.documents.xml import write_xml, xml_bytes
from contracts.mapping import Encoding, Format, Wrap, Written
from contracts.paths import parse_path, walk

CONTENT_TYPES = {
    Format.JSON: "application/json",
    Format.XML: "text/xml",
    Format.FORM: "application/x-www-form-urlencoded",
    Format.DELIMITED: "text/csv",
}


def content_type(written: Written) -> str:
    """The media type of a document, with its encoding."""
    return f"{CONTENT_TYPES[written.format]}; charset={(written.encoding or Encoding.UTF_8).value}"


def write_document(value: Any, written: Written) -> bytes:
    """The bytes of a document. Raises ``DocumentFault``."""
    wrap_documents(value, written)
    return _bytes(value, written.format, written.encoding, written, written.declaration)


def wrap_documents(value: Any, written: Written) -> None:
    """Write what stands in the values as documents of their own, the innermost first. Raises ``DocumentFault``."""
    for wrap in reversed(written.wrap):
        _wrap(value, wrap, written)


def _wrap(value: Any, wrap: Wrap, written: Written) -> None:
    """Put the document at ``inside`` there as a text."""
    path = parse_path(wrap.inside)
    holder = walk(value, path[:-1])
    inner = walk(value, path)
    if not path or inner is None:
        return
    if wrap.base64:
        made = _bytes(inner, wrap.format, wrap.encoding, written, wrap.declaration)
        holder[path[-1]] = base64.b64encode(made).decode("ascii")
    else:
        text = _text(inner, wrap.format, wrap.encoding, written, wrap.declaration)
        if wrap.format is Format.XML and wrap.encoding not in (None, Encoding.UTF_8):
            # Who turns the string into the bytes that it declares must find no letter without a form there.
            text = decode(xml_bytes(text, wrap.encoding), wrap.encoding)
        holder[path[-1]] = text


def _bytes(value: Any, format: Format, encoding: Encoding | None, written: Written, declaration: bool) -> bytes:
    if format is Format.JSON and encoding in (None, Encoding.UTF_8):
        try:
            return orjson.dumps(value)
        except TypeError as fault:
            raise DocumentFault(f"无法写成 JSON:{fault}", f"It cannot be written as JSON: {fault}") from None
    text = _text(value, format, encoding, written, declaration)
    if format is Format.XML:
        return xml_bytes(text, encoding)
    try:
        return encode(text, encoding)
    except DocumentFault:
        if format is not Format.JSON:
            raise
        # JSON has a way to write every letter.
        return json.dumps(value, allow_nan=False).encode("ascii")


def _text(value: Any, format: Format, encoding: Encoding | None, written: Written, declaration: bool) -> str:
    try:
        match format:
            case Format.JSON:
                return json.dumps(value, ensure_ascii=False, allow_nan=False)
            case Format.XML:
                return write_xml(value, encoding, written, declaration=declaration)
            case Format.FORM:
                name = (encoding or Encoding.UTF_8).value
                pairs = [
                    (key, text_of(each))
                    for key, held in value.items()
                    for each in (held if isinstance(held, list) else [held])
                ]
                return urlencode(pairs, encoding=name, errors="strict")
            case Format.DELIMITED:
                return _line(value, written)
    except (ValueError, TypeError, AttributeError, RecursionError) as fault:
        said = str(fault)[:200]
        raise DocumentFault(f"无法写出:{said}", f"It cannot be written: {said}") from None


def _line(value: Any, written: Written) -> str:
    strange = [name for name in value if name not in written.columns]
    if strange:
        raise ValueError(f"there is no column {strange[0]}")
    target = io.StringIO()
    texts = ["" if value.get(name) is None else text_of(value[name]) for name in written.columns]
    csv.writer(target, delimiter=written.separator, lineterminator="\r\n").writerow(texts)
    return target.getvalue()
