"""Checks a body against its contract: every violation, where it is, and a sentence in Chinese and English. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contracts.json_text import (
    DEPTH_MAX,
    VIOLATIONS_MAX,
    guard_shape,
    load_json,
    pointer,
)
from contracts.problem import Problem, Violation
from contracts.sentences import sentence

ModelT = TypeVar("ModelT", bound=BaseModel)


def check_body(model: type[ModelT], raw: bytes | Any, base: str = "#") -> ModelT:
    """The checked body of JSON bytes, or of a parsed value. Pointers begin at ``base``.

    Raises ``Problem``: ``not_json``, ``too_deep``, ``too_large``, or ``contract_broken`` with every violation.
    """
    if not isinstance(raw, bytes):
        return check_value(model, raw, base)
    load_json(raw, base)
    return _validated(model, raw, base)


def check_value(model: type[ModelT], value: Any, base: str = "#") -> ModelT:
    """The checked body of a parsed value; datetimes and fixed words may stand for their text. Raises ``Problem``."""
    try:
        # By way of JSON, whose rules for text, numbers and moments then hold for both ways in.
        raw = orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        found = tuple(islice(_unwritable(value, base), VIOLATIONS_MAX))
        if not found:
            raise Problem("not_json", "值无法写成 JSON。", "The value has no form in JSON.") from None
        raise Problem("contract_broken", violations=found) from None
    guard_shape(raw)
    try:
        return _validated(model, raw, base)
    except Problem as problem:
        # JSON has no NaN, it went as null: say what was really there.
        found = tuple(islice(_unwritable(value, base), VIOLATIONS_MAX))
        if not found or problem.kind != "contract_broken":
            raise
        named = {violation.pointer for violation in found}
        others = tuple(violation for violation in problem.violations if violation.pointer not in named)
        raise Problem("contract_broken", violations=(*found, *others)[:VIOLATIONS_MAX]) from None


def violations_of(fault: ValidationError, base: str = "#") -> tuple[Violation, ...]:
    """The violations that pydantic found, at most ``VIOLATIONS_MAX``, in the order of the fields."""
    return told(fault.errors(include_url=False), base)


def told(errors: Sequence[ErrorDetails], base: str = "#") -> tuple[Violation, ...]:
    """Pydantic's errors as violations, at most ``VIOLATIONS_MAX``."""
    return tuple(
        Violation(pointer(error["loc"], base), *sentence(error), error["type"]) for error in errors[:VIOLATIONS_MAX]
    )


def _validated(model: type[ModelT], raw: bytes, base: str) -> ModelT:
    try:
        return model.model_validate_json(raw)
    except ValidationError as fault:
        found = violations_of(fault, base)
        if found[0].rule == "json_invalid":
            raise Problem("not_json", found[0].zh, found[0].en) from None
        total = fault.error_count()
        if total > VIOLATIONS_MAX:
            zh = f"共 {total} 处不符,以下为前 {VIOLATIONS_MAX} 处。"
            en = f"{total} violations; these are the first {VIOLATIONS_MAX}."
        else:
            zh = en = ""
        raise Problem("contract_broken", zh, en, found) from None


def _unwritable(value: Any, base: str) -> Iterator[Violation]:
    """What of a Python value JSON has no form for."""
    unread: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while unread:
        place, inner = unread.pop()
        match inner:
            case _ if len(place) > DEPTH_MAX:
                yield Violation(pointer(place[:3], base), "嵌套过深", "nested too deeply", "too_deep")
            case str() if not _is_unicode(inner):
                yield Violation(pointer(place, base), "不是有效的 Unicode 文本", "is not valid Unicode text", "unicode")
            case bool():
                pass
            case float() if not math.isfinite(inner):
                yield Violation(pointer(place, base), "应为有限的数字", "must be a finite number", "finite_number")
            case int() if not -(2**63) <= inner < 2**64:
                yield Violation(pointer(place, base), "数字过大", "the number is too large", "int_parsing_size")
            case Mapping():
                for name, held in inner.items():
                    if isinstance(name, str) and _is_unicode(name):
                        unread.append(((*place, name), held))
                    else:
                        yield Violation(pointer(place, base), "字段名应为文本", "a field's name is text", "name")
            case list() | tuple():
                unread.extend(((*place, index), held) for index, held in enumerate(inner))
            case bytes() | bytearray() | memoryview() | set() | frozenset() | complex():
                yield Violation(pointer(place, base), "没有 JSON 形式", "has no form in JSON", "json_type")


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)
