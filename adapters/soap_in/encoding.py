"""Plain values as XML by a shape: what the shape does not have is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from adapters.documents.values import text_of
from adapters.soap_in.shapes import Field, Kind, Shape
from contracts.soap.operations import NAMESPACE

# XML 1.0 has no form for these.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(name: str, values: Mapping[str, Any], shape: Shape) -> str:
    """The element of a service's namespace with these values."""
    made: list[str] = [f'<{name} xmlns="{NAMESPACE}">']
    _fields(values, shape, made)
    made.append(f"</{name}>")
    return "".join(made)


def xml_text(value: str) -> str:
    """A text as XML shows it; what XML cannot hold becomes U+FFFD."""
    return escape(_UNWRITABLE.sub("\ufffd", value), {"\r": "&#13;"})


def _fields(values: Mapping[str, Any], shape: Shape, made: list[str]) -> None:
    for field in shape.fields:
        held = values.get(field.name)
        if held is None:
            continue
        for each in held if field.many else (held,):
            if field.shape is not None:
                made.append(f"<{field.name}>")
                _fields(each, field.shape, made)
                made.append(f"</{field.name}>")
            else:
                made.append(f"<{field.name}>{_text(each, field)}</{field.name}>")


def _text(value: Any, field: Field) -> str:
    if field.kind is Kind.BYTES:
        return str(value)
    return xml_text(value.isoformat() if isinstance(value, datetime) else text_of(value))
