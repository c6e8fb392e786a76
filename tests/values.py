"""Frozen values are of two kinds, those that are kept (msgspec) and all others (dataclasses): a test changes either."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def replace(value: T, **fields: Any) -> T:
    """The value with other fields."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **fields)
    return dataclasses.replace(value, **fields)  # type: ignore[type-var]
