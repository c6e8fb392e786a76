"""What is wrong with a value, in Chinese and in English: a sentence for each kind of violation and each pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import StringConstraints
from pydantic_core import ErrorDetails

from contracts.json_text import NAME_MAX
from contracts.model import Code, RuleBroken, Text
from contracts.paths import PATH_PATTERN
from contracts.ways.files import FOLDER_PATTERN, HOST_KEY_PATTERN, HOST_PATTERN, SUFFIX_PATTERN
from contracts.ways.rest import FIELD_PATTERN as REST_FIELD_PATTERN
from contracts.ways.soap import FILE_PATTERN as SOAP_FILE_PATTERN
from contracts.ways.soap import NAME_PATTERN as SOAP_NAME_PATTERN


def sentence(error: ErrorDetails) -> tuple[str, str]:
    """What is wrong, in Chinese and in English."""
    kind = error["type"]
    if error["input"] is None and error["loc"] and kind != "missing":
        kind = "null"
    facts: dict[str, Any] = {name: _plain(value) for name, value in error.get("ctx", {}).items()}
    match kind:
        case "enum" | "literal_error":
            words = re.findall(r"'([^']*)'", facts["expected"])
            facts |= {"zh": "、".join(words), "en": ", ".join(words)}
        case "string_pattern_mismatch":
            pattern = facts["pattern"]
            facts["zh"], facts["en"] = PATTERNS.get(pattern, (f"应符合 {pattern}", f"must match {pattern}"))
        case "value_error" | "assertion_error":
            rule = error.get("ctx", {}).get("error")
            facts["en"] = str(rule)
            facts["zh"] = rule.zh if isinstance(rule, RuleBroken) else facts["en"]
        case "extra_forbidden":
            facts["name"] = str(error["loc"][-1])[:NAME_MAX] if error["loc"] else ""
    zh, en = SENTENCES.get(kind, ("值不符合契约:{msg}", "{msg}"))
    facts.setdefault("msg", error["msg"])
    return zh.format_map(facts), en.format_map(facts)


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_MOMENT = ("应为带时区的 RFC 3339 时间,例如 2026-11-23T09:12:30+08:00", "must be an RFC 3339 moment with a zone")

_DATE = ("应为日期,例如 2026-11-23", "must be a date, such as 2026-11-23")

_OBJECT = ("应为对象", "must be an object")

_LIST = ("应为列表", "must be a list")

_NUMBER = ("应为数字", "must be a number")

_WHOLE = ("应为整数", "must be a whole number")

_FLAG = ("应为 true 或 false", "must be true or false")

SENTENCES: Mapping[str, tuple[str, str]] = {
    "null": ("不得为 null;没有值就省略该字段", "must not be null: leave out a field that has no value"),
    "missing": ("缺少必填字段", "the field is required"),
    "extra_forbidden": ("契约中没有字段“{name}”", "the contract has no field `{name}`"),
    "string_type": ("应为文本", "must be text"),
    "string_too_short": ("至少 {min_length} 个字符", "must have {min_length} or more characters"),
    "string_too_long": ("最多 {max_length} 个字符", "must have {max_length} or fewer characters"),
    "string_pattern_mismatch": ("{zh}", "{en}"),
    "string_unicode": ("不是有效的 Unicode 文本", "is not valid Unicode text"),
    "enum": ("应为其中之一:{zh}", "must be one of: {en}"),
    "literal_error": ("应为其中之一:{zh}", "must be one of: {en}"),
    "is_instance_of": ("应为 {class} 的取值", "must be a {class}"),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": ("数字过大", "the number is too large"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": ("应为有限的数字", "must be a finite number"),
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "greater_than": ("应大于 {gt}", "must be greater than {gt}"),
    "greater_than_equal": ("不得小于 {ge}", "must not be less than {ge}"),
    "less_than": ("应小于 {lt}", "must be less than {lt}"),
    "less_than_equal": ("不得大于 {le}", "must not be greater than {le}"),
    "multiple_of": ("应为 {multiple_of} 的倍数", "must be a multiple of {multiple_of}"),
    "too_short": ("至少 {min_length} 项", "must have {min_length} or more items"),
    "too_long": ("最多 {max_length} 项", "must have {max_length} or fewer items"),
    "tuple_type": _LIST,
    "list_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "timezone_aware": ("时间须带时区,例如 +08:00", "the moment needs a zone, such as +08:00"),
    "recursion_loop": ("嵌套过深", "nested too deeply"),
    "json_invalid": ("不是有效的 JSON", "is not valid JSON"),
    "value_error": ("{zh}", "{en}"),
    "assertion_error": ("{zh}", "{en}"),
}
"""A sentence in both languages for each kind of violation that pydantic finds in these models."""


def _pattern_of(text: Any) -> str:
    return next(str(rule.pattern) for rule in get_args(text) if isinstance(rule, StringConstraints))


CODE_PATTERN, TEXT_PATTERN = _pattern_of(Code), _pattern_of(Text)

MOMENT_PATTERN = (
    r"^2[01][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""RFC 3339 with a zone, in the years that the hub takes."""

PATTERNS: Mapping[str, tuple[str, str]] = {
    MOMENT_PATTERN: _MOMENT,
    CODE_PATTERN: (
        "应以字母或数字开头,只含字母、数字和 _ . : / -",
        "must begin with a letter or digit and hold only those and _ . : / -",
    ),
    TEXT_PATTERN: (
        "须含可见字符,不得含控制字符",
        "must hold a visible character and no control character",
    ),
    r"^[0-9+() -]+$": ("只含数字、空格和 + ( ) -", "must hold only digits, spaces and + ( ) -"),
    r"^[0-9]{6}-[0-9]{8}-[0-9]{6,8}$": (
        "应为案件号,例如 330800-20261123-000042",
        "must be a case number, such as 330800-20261123-000042",
    ),
    r"^[a-z][a-z0-9_-]{0,31}$": (
        "应以小写字母开头,只含小写字母、数字和 _ -,最多 32 个字符",
        "must begin with a lower-case letter and hold at most 32 of a-z, 0-9, _ and -",
    ),
    r"^[a-z][a-z0-9_-]{0,63}$": (
        "应以小写字母开头,只含小写字母、数字和 _ -,最多 64 个字符",
        "must begin with a lower-case letter and hold at most 64 of a-z, 0-9, _ and -",
    ),
    r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$": ("应为时刻,例如 08:30", "must be a time of the day, such as 08:30"),
    r"^[^@\s]+@[^@\s]+$": ("应为邮箱地址", "must be a mail address"),
    r"^[,. '_]$": ("应为一个千分位符号", "must be one sign that groups digits"),
    r"^[!-~]+$": ("只含可见的 ASCII 字符", "must hold only visible ASCII characters"),
    r"^[A-Za-z][A-Za-z0-9-]{0,63}$": ("应为请求头名称", "must be the name of a header"),
    FOLDER_PATTERN: (
        "应为文件夹名,各级以字母、数字、汉字或 _ 开头,不得有 .. 和空格,以 / 分隔",
        "must be folders divided by /, each beginning with a letter, a digit or _, without .. and blanks",
    ),
    HOST_PATTERN: ("应为主机名或 IP 地址", "must be the name of a host or an IP address"),
    HOST_KEY_PATTERN: (
        "应为一行 OpenSSH 公钥,例如 ssh-ed25519 AAAA…",
        "must be a public key as OpenSSH writes it, such as ssh-ed25519 AAAA…",
    ),
    SUFFIX_PATTERN: ("应为后缀,例如 .done", "must be an ending, such as .done"),
    PATH_PATTERN: ("应为路径,例如 Case.Photos[0]", "must be a path, such as Case.Photos[0]"),
    REST_FIELD_PATTERN: (
        "表单字段名只含字母、数字和 _ . [ ] -",
        "the name of a form's field has letters, digits, _ . [ ] -",
    ),
    SOAP_NAME_PATTERN: ("应为 XML 名称,不带前缀", "must be an XML name without a prefix"),
    SOAP_FILE_PATTERN: ("应为档案旁的文件名", "must be the name of a file beside the profile"),
    r"^https?://[^\s]+$": ("应为 http 或 https 地址", "must be an http or https address"),
    r"^[A-Za-z0-9.:_-]{1,253}$": ("应为主机名或 IP 地址", "must be the name or the address of a host"),
    r"^[!-~]([ -~]{0,198}[!-~])?$": (
        "应为 1 到 200 个可见 ASCII 字符,首尾不得为空格",
        "must be 1 to 200 printable ASCII characters without a space at either end",
    ),
    r"^[A-Za-z0-9_.-]+$": ("只含字母、数字和 _ . -", "must hold only letters, digits and _ . -"),
    r"^[a-z0-9._]+$": ("只含小写字母、数字和 . _", "must hold only lower-case letters, digits and . _"),
    r"^[0-9a-fA-F-]{36}$": ("应为 UUID", "must be a UUID"),
}
"""What each pattern of the contracts and of the interface's parameters asks for."""
