"""Which secrets a profile names (密钥名称): their values lie sealed in the hub's safe, put there by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contracts.ways.http import NAMES_A_SECRET
from contracts.yaml_text import Place


@dataclass(frozen=True, slots=True)
class SecretNamed:
    """A secret that a document names, and where."""

    place: Place
    name: str


def secrets_of(model: BaseModel, place: Place = ()) -> Iterator[SecretNamed]:
    """Every secret that a document names, in its order."""
    for field, told in type(model).model_fields.items():
        yield from _inside(getattr(model, field), (*place, told.alias or field), _is_secret(told))


def _inside(value: Any, place: Place, secret: bool) -> Iterator[SecretNamed]:
    if isinstance(value, BaseModel):
        yield from secrets_of(value, place)
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _inside(each, (*place, index), secret)
    elif secret and isinstance(value, str):
        yield SecretNamed(place, value)


def _is_secret(told: FieldInfo) -> bool:
    return NAMES_A_SECRET in told.metadata or _marked(told.annotation)


def _marked(annotation: Any) -> bool:
    marks = getattr(annotation, "__metadata__", ())
    return NAMES_A_SECRET in marks or any(_marked(each) for each in get_args(annotation))
