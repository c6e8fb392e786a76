"""Checks a body against its contract: every violation, where it is, and a sentence in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contracts.problem import Problem, Violation

ModelT = TypeVar("ModelT", bound=BaseModel)

DEPTH_MAX = 32
VIOLATIONS_MAX = 100

Sentence = Callable[[Mapping[str, Any]], tuple[str, str]]


def check_body(model: type[ModelT], raw: bytes) -> ModelT:
    """The checked body of JSON bytes. Raises ``Problem``: not_json, too_deep or contract_broken."""
    guard_depth(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as fault:
        if any(error["type"] == "json_invalid" for error in fault.errors(include_url=False)):
            raise not_json(raw) from None
        raise Problem("contract_broken", violations=violations_of(fault)) from None


def check_value(model: type[ModelT], value: Any, base: str = "#") -> ModelT:
    """The checked body of a parsed JSON value; pointers begin at ``base``. Raises ``Problem``."""
    try:
        # JSON's own strictness (text for moments and fixed words), so both ways in accept the same.
        return model.model_validate_json(orjson.dumps(value))
    except ValidationError as fault:
        raise Problem("contract_broken", violations=violations_of(fault, base)) from None


def load_json(raw: bytes) -> Any:
    """A JSON value of bounded depth. Raises ``Problem``."""
    guard_depth(raw)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise not_json(raw) from None


def not_json(raw: bytes) -> Problem:
    """What is wrong with bytes that are not JSON, and where."""
    if raw.startswith(b"\xef\xbb\xbf"):
        return Problem(
            "not_json", "开头有字节顺序标记(BOM),请去掉。", "It begins with a byte order mark; leave it out."
        )
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        return Problem(
            "not_json",
            f"不是 UTF-8 编码(第 {fault.start + 1} 字节起);GBK 文本请先转换。",
            f"It is not UTF-8 (from byte {fault.start + 1}); convert GBK text first.",
        )
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        return Problem(
            "not_json",
            f"第 {fault.lineno} 行第 {fault.colno} 列不是有效的 JSON。",
            f"It is not valid JSON at line {fault.lineno}, column {fault.colno}.",
        )
    return Problem("not_json")


def guard_depth(raw: bytes, limit: int = DEPTH_MAX) -> None:
    """Refuse deep nesting before a parser meets it. Counts brackets outside of texts only where there are many."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return
    depth = 0
    within = escaped = False
    for byte in raw:
        if within:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                within = False
        elif byte == 0x22:
            within = True
        elif byte in (0x5B, 0x7B):
            depth += 1
            if depth > limit:
                raise Problem("too_deep", f"嵌套不得超过 {limit} 层。", f"At most {limit} levels of nesting.")
        elif byte in (0x5D, 0x7D):
            depth -= 1


def violations_of(fault: ValidationError, base: str = "#") -> tuple[Violation, ...]:
    """Every violation (bounded), in the order of the fields."""
    return tuple(_violation(error, base) for error in fault.errors(include_url=False)[:VIOLATIONS_MAX])


def _violation(error: ErrorDetails, base: str) -> Violation:
    zh, en = SENTENCES.get(error["type"], _other)({**error.get("ctx", {}), "msg": error["msg"]})
    return Violation(base + "".join(f"/{_escaped(part)}" for part in error["loc"]), zh, en, error["type"])


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _said(zh: str, en: str) -> Sentence:
    return lambda ctx: (zh.format_map(_Told(ctx)), en.format_map(_Told(ctx)))


class _Told(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return ""


def _other(ctx: Mapping[str, Any]) -> tuple[str, str]:
    return f"值不符合契约:{ctx['msg']}", str(ctx["msg"])


SENTENCES: Mapping[str, Sentence] = {
    "missing": _said("缺少必填字段", "the field is required"),
    "extra_forbidden": _said("契约中没有此字段", "the contract has no such field"),
    "string_type": _said("应为文本", "must be text"),
    "string_too_short": _said("至少 {min_length} 个字符", "at least {min_length} characters"),
    "string_too_long": _said("最多 {max_length} 个字符", "at most {max_length} characters"),
    "string_pattern_mismatch": _said("格式不符:{pattern}", "does not match {pattern}"),
    "string_unicode": _said("不是有效的 Unicode 文本", "is not valid Unicode text"),
    "enum": _said("应为其中之一:{expected}", "must be one of {expected}"),
    "literal_error": _said("应为 {expected}", "must be {expected}"),
    "int_type": _said("应为整数", "must be a whole number"),
    "int_parsing": _said("应为整数", "must be a whole number"),
    "int_from_float": _said("应为整数", "must be a whole number"),
    "int_parsing_size": _said("数字过大", "the number is too large"),
    "float_type": _said("应为数字", "must be a number"),
    "float_parsing": _said("应为数字", "must be a number"),
    "finite_number": _said("应为有限的数字", "must be a finite number"),
    "bool_type": _said("应为 true 或 false", "must be true or false"),
    "bool_parsing": _said("应为 true 或 false", "must be true or false"),
    "greater_than": _said("应大于 {gt}", "must be greater than {gt}"),
    "greater_than_equal": _said("不得小于 {ge}", "must be at least {ge}"),
    "less_than": _said("应小于 {lt}", "must be less than {lt}"),
    "less_than_equal": _said("不得大于 {le}", "must be at most {le}"),
    "tuple_type": _said("应为列表", "must be a list"),
    "list_type": _said("应为列表", "must be a list"),
    "too_long": _said("最多 {max_length} 项", "at most {max_length} items"),
    "too_short": _said("至少 {min_length} 项", "at least {min_length} items"),
    "model_type": _said("应为对象", "must be an object"),
    "model_attributes_type": _said("应为对象", "must be an object"),
    "dict_type": _said("应为对象", "must be an object"),
    "datetime_type": _said("应为带时区的 RFC 3339 时间", "must be an RFC 3339 moment with a zone"),
    "datetime_parsing": _said("应为带时区的 RFC 3339 时间", "must be an RFC 3339 moment with a zone"),
    "datetime_from_date_parsing": _said("应为带时区的 RFC 3339 时间", "must be an RFC 3339 moment with a zone"),
    "datetime_object_invalid": _said("应为带时区的 RFC 3339 时间", "must be an RFC 3339 moment with a zone"),
    "timezone_aware": _said("时间须带时区,例如 +08:00", "the moment needs a zone, such as +08:00"),
    "value_error": lambda ctx: (f"值不合规则:{ctx['msg']}", str(ctx["msg"])),
    "recursion_loop": _said("嵌套过深", "nested too deeply"),
}
"""A sentence for each kind of violation that pydantic finds in these contracts."""
