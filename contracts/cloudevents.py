"""CloudEvents 1.0: read in structured, binary and batch form, and written, the same bytes for the same event. Pure.

The ``type`` of an event is its contract's name; ``dataschema`` ends with ``/contracts/<name>/<version>``, or is left
out where the newest version is meant. What the envelope of a case's message carries besides are extensions.
"""

from __future__ import annotations

import base64
import builtins
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import orjson
from pydantic import BaseModel

from contracts.checking import check_body, check_value
from contracts.json_text import guard_shape, load_json, parse_json, pointer, refuse_repeats, texts_in
from contracts.problem import Problem, Violation

ModelT = TypeVar("ModelT", bound=BaseModel)

TEXT_MAX = 1024
EXTENSIONS_MAX = 50


@dataclass(frozen=True, slots=True)
class Rule:
    """What an attribute's text must be, and what to say where it isn't."""

    accepts: Callable[[str], object]
    zh: str
    en: str


_NO_CONTROL = r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
_MOMENT = re.compile(r"2[01]\d\d-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def moment_of(text: str) -> datetime | None:
    """The moment that RFC 3339 text names, of the years 2000 to 2199; None where it is none."""
    try:
        return datetime.fromisoformat(text.upper()) if _MOMENT.fullmatch(text) else None
    except ValueError:
        return None


def _rule(pattern: str, zh: str, en: str) -> Rule:
    return Rule(re.compile(pattern, re.ASCII).fullmatch, zh, en)


TEXT = _rule(
    f"{_NO_CONTROL}{{1,{TEXT_MAX}}}",
    f"应为 1 到 {TEXT_MAX} 个字符的文本,不含控制字符",
    f"must be text of 1 to {TEXT_MAX} characters without control characters",
)
SHORT = _rule(
    f"{_NO_CONTROL}{{1,128}}",
    "应为 1 到 128 个字符的文本,不含控制字符",
    "must be text of 1 to 128 characters without control characters",
)
MOMENT = Rule(
    moment_of, "应为带时区的 RFC 3339 时间,例如 2026-11-23T09:12:30+08:00", "must be an RFC 3339 moment with a zone"
)
WHOLE = _rule(r"\d{1,9}", "应为最多 9 位的非负整数", "must be a whole number of at most 9 digits")

REQUIRED: Mapping[str, Rule] = {
    "specversion": _rule(r"1\.0", "应为 1.0", "must be 1.0"),
    "id": TEXT,
    "source": TEXT,
    "type": TEXT,
}
OPTIONAL: Mapping[str, Rule] = {
    "subject": TEXT,
    "time": MOMENT,
    "datacontenttype": _rule(
        r"(?i:[a-z0-9.+-]+/([a-z0-9.+-]+\+)?json)\s*(;[\x20-\x7e]*)?", "只接收 JSON", "only JSON is received"
    ),
    "dataschema": _rule(
        r"\S*/contracts/[a-z][a-z0-9_.]*/\d+\.\d+",
        "应以 /contracts/<契约>/<版本> 结尾",
        "must end with /contracts/<name>/<version>",
    ),
}
EXTENSIONS: Mapping[str, Rule] = {
    "mode": _rule("live|drill|test", "应为 live、drill 或 test", "must be live, drill or test"),
    "sendercase": SHORT,
    "basedonversion": WHOLE,
    "actor": SHORT,
    "onbehalfof": SHORT,
    "sequence": WHOLE,
    # W3C: a traceparent that can't be read is passed over, never a reason to refuse.
    "traceparent": TEXT,
    "recordedtime": MOMENT,
    "expirytime": MOMENT,
}
"""The hub's own extensions, in the order in which they are written. Others are kept as they are."""

_RULES: Mapping[str, Rule] = {**REQUIRED, **OPTIONAL, **EXTENSIONS}
_OTHER = _rule(
    f"{_NO_CONTROL}{{0,{TEXT_MAX}}}",
    f"应为文本、整数或布尔值,最多 {TEXT_MAX} 个字符,不含控制字符",
    f"must be text, a whole number or a boolean of at most {TEXT_MAX} characters without control characters",
)
_NAME = re.compile(r"[a-z0-9]{1,64}")
_DATA = frozenset({"data", "data_base64"})


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was received; extensions are text. ``raw`` is the event, or in binary form its data, as bytes."""

    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime | None = None
    dataschema: str | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    data: Any = None
    data_raw: bytes | None = None
    data_at: str = "#/data"

    @property
    def contract(self) -> str | None:
        """The contract that ``dataschema`` names, such as ``case.feedback/1.0``; None means the newest of ``type``."""
        return self.dataschema.rpartition("/contracts/")[2] if self.dataschema else None

    # In this class body `type` is the field.
    def body(self, model: builtins.type[ModelT]) -> ModelT:
        """The event's data, checked. Raises ``Problem`` with pointers into the event."""
        if self.data_raw is not None:
            return check_body(model, self.data_raw, self.data_at)
        if self.data is None:
            missing = Violation(self.data_at, "缺少 data", "data is missing", "missing")
            raise Problem("contract_broken", violations=(missing,))
        return check_value(model, self.data, self.data_at)


def parse_event(raw: bytes) -> Event:
    """An event in structured form. Raises ``Problem``."""
    return _event(load_json(raw), raw)


def parse_batch(raw: bytes, limit: int) -> list[Event | Problem]:
    """A batch: each event, or why it is none. Raises ``Problem`` where it is no batch at all."""
    items = parse_json(raw)
    if not isinstance(items, list):
        raise Problem("not_a_message", "批量应为 JSON 数组。", "A batch is a JSON array.")
    if len(items) > limit:
        raise Problem("batch_too_large", f"一批最多 {limit} 条。", f"A batch has at most {limit} events.")
    try:
        written = [orjson.dumps(item) for item in items]
    except orjson.JSONEncodeError:
        raise Problem("too_deep") from None
    refuse_repeats(raw, sum(map(texts_in, written)))
    made: list[Event | Problem] = []
    for item, text in zip(items, written, strict=True):
        try:
            guard_shape(text)
            made.append(_event(item, text))
        except Problem as problem:
            made.append(problem)
    return made


def event_from_headers(headers: Mapping[str, str], raw: bytes) -> Event:
    """An event in binary form: attributes in ``ce-`` headers, the data as the body. Raises ``Problem``."""
    told: dict[str, Any] = _from_headers(headers)
    if headers.get("content-type"):
        told["datacontenttype"] = headers["content-type"]
    return _made(_checked(told, REQUIRED), raw, data_raw=raw, data_at="#")


def event_from_attributes(told: Mapping[str, Any], raw: bytes) -> Event:
    """An event in binary form, its attributes as another transport than HTTP carries them. Raises ``Problem``."""
    return _made(_checked(told, REQUIRED), raw, data_raw=raw, data_at="#")


def attributes_of(headers: Mapping[str, str]) -> dict[str, str]:
    """What the ``ce-`` headers of a request say, decoded and checked; none is required. Raises ``Problem``."""
    return _checked(_from_headers(headers), {})


def write_event(
    *,
    id: str,
    source: str,
    type: str,
    subject: str | None,
    time: datetime,
    dataschema: str,
    extensions: Mapping[str, str | int | datetime],
    data: Mapping[str, Any],
) -> bytes:
    """An event in structured form: attributes in fixed order, moments in UTC; the same event is the same bytes ever.

    ``data`` keeps its order. A golden test holds the bytes: letters are signed, and repeated, as these.
    """
    named = {name: extensions[name] for name in EXTENSIONS if name in extensions}
    others = {name: extensions[name] for name in sorted(extensions) if name not in EXTENSIONS}
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": id,
            "source": source,
            "type": type,
            **({"subject": subject} if subject is not None else {}),
            "time": time,
            "datacontenttype": "application/json",
            "dataschema": dataschema,
            **named,
            **others,
            "data": data,
        },
        default=_moment_in_utc,
        option=orjson.OPT_PASSTHROUGH_DATETIME,
    )


def _moment_in_utc(value: Any) -> str:
    # The same moment read back from the store may stand in another zone.
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"an event carries JSON and moments with a zone, not {value!r}")


def _event(told: Any, raw: bytes) -> Event:
    if not isinstance(told, dict):
        raise Problem("not_a_message", "事件应为 JSON 对象。", "An event is a JSON object.")
    texts = _checked(told, REQUIRED)
    coded = told.get("data_base64")
    return _made(texts, raw, told.get("data"), None if coded is None else _from_base64(coded, told))


def _made(
    texts: dict[str, str], raw: bytes, data: Any = None, data_raw: bytes | None = None, data_at: str = "#/data"
) -> Event:
    identity, source, type_ = texts.pop("id"), texts.pop("source"), texts.pop("type")
    subject, time, schema = texts.pop("subject", None), texts.pop("time", None), texts.pop("dataschema", None)
    texts.pop("specversion")
    texts.pop("datacontenttype", None)
    # What is left are the extensions.
    return Event(
        identity, source, type_, subject, moment_of(time) if time else None, schema, texts, raw, data, data_raw, data_at
    )


def _checked(told: Mapping[str, Any], required: Mapping[str, Rule]) -> dict[str, str]:
    """The attributes as text, in CloudEvents' canonical form. Raises ``Problem`` with every fault."""
    texts: dict[str, str] = {}
    faults = [
        Violation(f"#/{name}", f"缺少 {name}", f"{name} is missing", "missing")
        for name in required
        if told.get(name) is None
    ]
    for name, value in told.items():
        rule = _RULES.get(name)
        # Nearly every attribute is text as it should be.
        if rule is not None and type(value) is str and rule.accepts(value):
            texts[name] = value
        elif value is not None and name not in _DATA:
            if rule is None and not _NAME.fullmatch(name):
                faults.append(_misnamed(name))
                continue
            rule, text = rule or _OTHER, _canonical(value)
            if text is not None and rule.accepts(text):
                texts[name] = text
            else:
                faults.append(Violation(f"#/{name}", f"{name} {rule.zh}", f"{name} {rule.en}", "attribute"))
    if len(texts) > len(_RULES) + EXTENSIONS_MAX:
        zh, en = f"扩展最多 {EXTENSIONS_MAX} 个", f"at most {EXTENSIONS_MAX} extensions"
        faults.append(Violation("#", zh, en, "extensions"))
    schema, type_ = texts.get("dataschema"), texts.get("type")
    if schema and type_ and schema.rpartition("/contracts/")[2].partition("/")[0] != type_:
        zh, en = f"dataschema 的契约应与 type {type_} 相同", f"dataschema names another contract than type {type_}"
        faults.append(Violation("#/dataschema", zh, en, "dataschema"))
    if faults:
        raise Problem("not_a_message", violations=tuple(faults[:EXTENSIONS_MAX]))
    return texts


def _canonical(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) and -(2**31) <= value < 2**31 else None


def _misnamed(name: str) -> Violation:
    zh, en = "扩展名只能用小写字母和数字", "an extension is named by lower-case letters and digits"
    return Violation(pointer((name,)), f"{zh}:{name[:64]}", f"{en}: {name[:64]}", "name")


def _from_base64(coded: Any, told: Mapping[str, Any]) -> bytes:
    if told.get("data") is not None:
        zh, en = "data 与 data_base64 只能有一个", "an event has data or data_base64, not both"
    else:
        try:
            return base64.b64decode(coded, validate=True)
        except (ValueError, TypeError):
            zh, en = "data_base64 不是 Base64", "data_base64 is not Base64"
    raise Problem("not_a_message", violations=(Violation("#/data_base64", zh, en, "data_base64"),))


def _from_headers(headers: Mapping[str, str]) -> dict[str, str]:
    told: dict[str, str] = {}
    faults: list[Violation] = []
    for header, value in headers.items():
        name = header.lower().removeprefix("ce-")
        if len(name) == len(header) or name in _DATA:
            continue
        text = _decoded(value)
        if text is None:
            zh, en = "百分号编码的内容应为 UTF-8", "what is percent-encoded must be UTF-8"
            faults.append(Violation(pointer((name,)), f"ce-{name[:64]} {zh}", f"ce-{name[:64]}: {en}", "encoding"))
        else:
            told[name] = text
    if faults:
        raise Problem("not_a_message", violations=tuple(faults))
    return told


def _decoded(value: str) -> str | None:
    """A header's value as the HTTP binding reads it: quoted strings undone, then one round of percent-decoding."""
    value = value.strip()
    if "%" not in value and value.isascii() and not value.startswith('"'):
        return value
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        # HTTP servers give headers as Latin-1; some senders write UTF-8 as it is.
        return unquote_to_bytes(value.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        return None
