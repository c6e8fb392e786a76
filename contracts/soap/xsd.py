"""XML Schema of the contracts' shapes: closed sequences, fixed words as enumerations, lists as repeated elements. Pure.

What a JSON Schema of the subset says becomes a facet wherever XML Schema has one that every stack takes. A text's rule
"holds a visible character, no control character" has none: XML itself has no control characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pydantic import BaseModel, create_model

from contracts.catalogue import schema_of
from contracts.messages import CaseNumber
from contracts.model import Code, Line, Model, Text
from contracts.soap.shapes import LeaseId, LetterId, MessageId, Short

_PLAIN_PATTERN = re.compile(r"\^([ -~]*)\$")
_BOUND_OF_ALL = Model.model_config["str_max_length"]
_INT_MAX = 2**31 - 1


def shapes_of(models: Iterable[type[BaseModel]]) -> dict[str, dict[str, Any]]:
    """Type name → JSON Schema of every shape that the models use, the models themselves among them."""
    found: dict[str, dict[str, Any]] = {}
    for model in models:
        schema = schema_of(model)
        for name, shape in {**schema.pop("$defs", {}), model.__name__: schema}.items():
            kept = {key: value for key, value in shape.items() if key not in ("$schema", "$id")}
            if found.setdefault(name, kept)["type"] != kept["type"]:
                raise ValueError(f"two shapes are called {name}")
    return found


def apart(shapes: Mapping[str, dict[str, Any]], elements: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The shapes, those named like an element called otherwise: JAXB would make one class of ``feedback`` and
    ``Feedback``."""
    taken = {name[0].upper() + name[1:] for name in elements}
    names = {name: f"{name}Data" if name in taken else name for name in shapes}
    text = json.dumps(dict(shapes), ensure_ascii=False)
    for name, other in names.items():
        text = text.replace(f'"#/$defs/{name}"', f'"#/$defs/{other}"')
    renamed: dict[str, dict[str, Any]] = json.loads(text)
    return {names[name]: shape for name, shape in renamed.items()}


def _facets_of(kind: Any) -> tuple[str, ...]:
    return tuple(_facets(schema_of(create_model("Alone", __base__=Model, field=(kind, ...)))["properties"]["field"]))


@cache
def _texts() -> Mapping[tuple[str, ...], str]:
    """The kinds of text that have a name, by their facets."""
    kinds = {
        **{"Code": Code, "Line": Line, "Text": Text, "Short": Short, "CaseNumber": CaseNumber},
        **{"MessageId": MessageId, "LeaseId": LeaseId, "LetterId": LetterId},
    }
    return {_facets_of(kind): name for name, kind in kinds.items()}


def texts() -> Iterator[str]:
    """The named kinds of text."""
    for facets, name in sorted(_texts().items(), key=lambda each: each[1]):
        yield f'<xs:simpleType name="{name}"><xs:restriction base="xs:string">'
        yield from facets
        yield "</xs:restriction></xs:simpleType>"


def types(shapes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The named types of the schema."""
    for name, shape in sorted(shapes.items()):
        if "enum" in shape:
            yield f'<xs:simpleType name="{name}">'
            yield from _documented(shape)
            yield '<xs:restriction base="xs:string">'
            yield from (f"<xs:enumeration value={quoteattr(word)}/>" for word in shape["enum"])
            yield "</xs:restriction></xs:simpleType>"
        else:
            yield f'<xs:complexType name="{name}">'
            yield from _documented(shape)
            yield from sequence(shape)
            yield "</xs:complexType>"


def sequence(shape: Mapping[str, Any]) -> Iterator[str]:
    """The fields of an object, in order."""
    yield "<xs:sequence>"
    for name, field in shape["properties"].items():
        yield from _element(name, field, name in shape.get("required", ()))
    yield "</xs:sequence>"


def _element(name: str, field: Mapping[str, Any], required: bool) -> Iterator[str]:
    low, high = int(required), ""
    value = field
    if field.get("type") == "array":
        value = field["items"]
        low = max(field.get("minItems", 0), 0) if required else 0
        high = f' maxOccurs="{field["maxItems"]}"' if "maxItems" in field else ' maxOccurs="unbounded"'
    occurs = f' minOccurs="{low}"{high}' if (low, high) != (1, "") else ""
    facets = () if "$ref" in value else tuple(_facets(value))
    named = _texts().get(facets)
    inside = [*_documented(field), *(() if named else _restricted(value, facets))]
    said = f' type="tns:{named}"' if named else "" if facets else f' type="{_type(value)}"'
    if inside:
        yield f'<xs:element name="{name}"{said}{occurs}>'
        yield from inside
        yield "</xs:element>"
    else:
        yield f'<xs:element name="{name}"{said}{occurs}/>'


def _restricted(value: Mapping[str, Any], facets: tuple[str, ...]) -> Iterator[str]:
    if facets:
        yield f'<xs:simpleType><xs:restriction base="{_type(value)}">'
        yield from facets
        yield "</xs:restriction></xs:simpleType>"


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        return "tns:" + str(value["$ref"]).rpartition("/")[2]
    if value.get("format") == "date-time":
        return "xs:dateTime"
    if value.get("contentEncoding") == "base64":
        return "xs:base64Binary"
    if value["type"] == "integer":
        return "xs:int" if value.get("maximum", 0) <= _INT_MAX else "xs:long"
    return {"string": "xs:string", "number": "xs:double", "boolean": "xs:boolean"}[value["type"]]


def _facets(value: Mapping[str, Any]) -> Iterator[str]:
    if value.get("format") == "date-time" or "contentEncoding" in value:
        return
    for key, facet in (
        ("minLength", "minLength"),
        ("maxLength", "maxLength"),
        ("minimum", "minInclusive"),
        ("exclusiveMinimum", "minExclusive"),
        ("maximum", "maxInclusive"),
    ):
        if key in value and value[key] != _BOUND_OF_ALL:
            yield (
                f'<xs:{facet} value="{value[key]:g}"/>'
                if value["type"] != "integer"
                else (f'<xs:{facet} value="{value[key]}"/>')
            )
    plain = _PLAIN_PATTERN.fullmatch(value.get("pattern", ""))
    if plain and "\\" not in plain[1]:
        yield f"<xs:pattern value={quoteattr(plain[1])}/>"


def _documented(field: Mapping[str, Any]) -> Iterator[str]:
    told = [str(field[key]) for key in ("title", "description") if field.get(key)]
    if "default" in field and field["default"] != []:
        told.append(f"默认 default: {json.dumps(field['default'], ensure_ascii=False)}")
    if told:
        yield f"<xs:annotation><xs:documentation>{escape('. '.join(told))}</xs:documentation></xs:annotation>"
