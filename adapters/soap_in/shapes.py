"""The shapes of operations, compiled once for reading and writing: which element is which field, of which kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from pydantic import BaseModel

from contracts.model import ContractSchema
from contracts.soap.operations import NAMESPACE


class Kind(Enum):
    """What an element's text is."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    BYTES = "bytes"
    SHAPE = "shape"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its element's tag, whether it is a list, its shape where it is an object."""

    name: str
    kind: Kind
    many: bool
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of an object, in order, and by tag."""

    fields: tuple[Field, ...]
    by_tag: Mapping[str, Field]


@cache
def shape_of(model: type[BaseModel]) -> Shape:
    """The shape of a model."""
    schema = model.model_json_schema(schema_generator=ContractSchema)
    return _shape(schema, schema.get("$defs", {}))


def _shape(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Shape:
    fields = tuple(_field(name, each, definitions) for name, each in schema["properties"].items())
    return Shape(fields, {f"{{{NAMESPACE}}}{field.name}": field for field in fields})


def _field(name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Field:
    many = schema.get("type") == "array"
    value = schema["items"] if many else schema
    if "$ref" in value:
        value = definitions[value["$ref"].rpartition("/")[2]]
    if value["type"] == "object":
        return Field(name, Kind.SHAPE, many, _shape(value, definitions))
    if value.get("contentEncoding") == "base64":
        return Field(name, Kind.BYTES, many)
    kinds = {"string": Kind.TEXT, "integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.BOOLEAN}
    return Field(name, kinds[value["type"]], many)
