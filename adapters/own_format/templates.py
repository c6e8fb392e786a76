"""Answer templates: ``${case_number}`` and the like, each value written as the document's format asks. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from contracts.mapping import Encoding, Format
from contracts.ways.inbound import PLACEHOLDER

_QUOTES = {'"': "&quot;", "'": "&apos;", "\r": "&#13;"}
# XML 1.0 has no form for these.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS = re.compile(r"[\r\n\t,;|]+")


def filled(template: str, values: Mapping[str, str], at: Callable[[str], str], format: Format, as_: Encoding) -> str:
    """The template with its values; ``at`` gives what the unit's own document has at a path."""
    write = _WRITE[format]

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return write(at(name) if name.startswith("/") else values.get(name, ""), as_)

    return PLACEHOLDER.sub(value, template)


def _xml(text: str, as_: Encoding) -> str:
    return escape(_UNWRITABLE.sub("\ufffd", text), _QUOTES)


def _json(text: str, as_: Encoding) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _form(text: str, as_: Encoding) -> str:
    return quote_plus(text, encoding=as_.value, errors="replace")


def _delimited(text: str, as_: Encoding) -> str:
    return _BREAKS.sub(" ", text)


_WRITE: Mapping[Format, Callable[[str, Encoding], str]] = {
    Format.XML: _xml,
    Format.JSON: _json,
    Format.FORM: _form,
    Format.DELIMITED: _delimited,
}
