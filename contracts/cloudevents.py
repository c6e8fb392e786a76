"""CloudEvents 1.0: read from structured, binary and batch form, and written, always the same bytes for the same event. Pure."""

from __future__ import annotations

import base64
import builtins
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson
from pydantic import BaseModel

from contracts.checking import check_body, check_value, load_json
from contracts.problem import Problem, Violation

ModelT = TypeVar("ModelT", bound=BaseModel)

REQUIRED = ("specversion", "id", "source", "type")
KNOWN = frozenset({*REQUIRED, "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"})
_NAME = re.compile(r"[a-z0-9]{1,20}")
_TEXT_MAX = 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was received. ``raw`` is itself as bytes; extensions are text."""

    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime | None = None
    dataschema: str | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    _data: Any = None
    _data_raw: bytes | None = None

    def body(self, model: builtins.type[ModelT]) -> ModelT:
        """The event's data, checked. Raises ``Problem`` with pointers into the event."""
        if self._data_raw is not None:
            return check_body(model, self._data_raw)
        return check_value(model, self._data, "#/data")


def parse_event(raw: bytes) -> Event:
    """An event in structured form. Raises ``Problem``."""
    return _event(load_json(raw), raw)


def parse_batch(raw: bytes, limit: int) -> list[Event | Problem]:
    """A batch: each event, or why it is none. Raises ``Problem`` where it is no batch at all."""
    items = load_json(raw)
    if not isinstance(items, list):
        raise Problem("not_a_message", "批量应为 JSON 数组。", "A batch is a JSON array.")
    if len(items) > limit:
        raise Problem("batch_too_large", f"一批最多 {limit} 条。", f"A batch has at most {limit} events.")
    made: list[Event | Problem] = []
    for item in items:
        try:
            made.append(_event(item, orjson.dumps(item)))
        except Problem as problem:
            made.append(problem)
    return made


def event_from_headers(headers: Mapping[str, str], raw: bytes) -> Event:
    """An event in binary form: attributes in ``ce-`` headers, the data as the body. Raises ``Problem``."""
    told = {name[3:]: _decoded(value) for name, value in headers.items() if name.startswith("ce-")}
    event = _event({**told, "data": None}, raw)
    return Event(
        event.id,
        event.source,
        event.type,
        event.subject,
        event.time,
        event.dataschema,
        event.extensions,
        raw,
        None,
        raw,
    )


def _decoded(value: str) -> str:
    # The HTTP binding percent-encodes what is not printable ASCII; some senders write UTF-8 as it is.
    try:
        return unquote(value.encode("latin-1").decode("utf-8"), errors="strict")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return value


def _event(told: Any, raw: bytes) -> Event:
    if not isinstance(told, dict):
        raise Problem("not_a_message", "事件应为 JSON 对象。", "An event is a JSON object.")
    faults: list[Violation] = []

    def text(name: str) -> str | None:
        value = told.get(name)
        if value is None:
            if name in REQUIRED:
                faults.append(Violation(f"#/{name}", f"缺少 {name}", f"{name} is missing", "missing"))
            return None
        if not isinstance(value, str) or not value or len(value) > _TEXT_MAX or "\0" in value:
            faults.append(Violation(f"#/{name}", f"{name} 应为非空文本", f"{name} must be text", "string_type"))
            return None
        return value

    version, identity, source, type_ = (text(name) for name in REQUIRED)
    if version is not None and version != "1.0":
        faults.append(Violation("#/specversion", "specversion 应为 1.0", "specversion must be 1.0", "specversion"))
    subject, schema, media = text("subject"), text("dataschema"), text("datacontenttype")
    if media is not None and media.partition(";")[0].strip().lower() not in ("application/json", "text/json"):
        faults.append(
            Violation("#/datacontenttype", "只接收 application/json", "only application/json is received", "media")
        )
    time = _moment(text("time"), faults)
    extensions = _extensions(told, faults)
    data = told.get("data")
    if "data_base64" in told:
        data = _from_base64(told["data_base64"], faults)
    if faults:
        raise Problem("not_a_message", violations=tuple(faults))
    return Event(identity or "", source or "", type_ or "", subject, time, schema, extensions, raw, data)


def _moment(text: str | None, faults: list[Violation]) -> datetime | None:
    if text is None:
        return None
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        made = None
    if made is None or made.tzinfo is None or not 2000 <= made.year < 2200:
        faults.append(
            Violation("#/time", "time 应为带时区的 RFC 3339 时间", "time is an RFC 3339 moment with a zone", "datetime")
        )
        return None
    return made


def _extensions(told: Mapping[str, Any], faults: list[Violation]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in told.items():
        if name in KNOWN or value is None:
            continue
        if not _NAME.fullmatch(name):
            faults.append(
                Violation(
                    f"#/{name[:40]}",
                    "扩展名应为不超过 20 个小写字母或数字",
                    "an extension is named by up to 20 of a-z, 0-9",
                    "name",
                )
            )
        elif isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, str | int) and len(str(value)) <= _TEXT_MAX:
            found[name] = str(value)
        else:
            faults.append(
                Violation(
                    f"#/{name}",
                    f"扩展 {name} 应为文本、整数或布尔",
                    f"extension {name} is text, a whole number or a boolean",
                    "type",
                )
            )
    return found


def _from_base64(value: Any, faults: list[Violation]) -> Any:
    try:
        return load_json(base64.b64decode(value, validate=True))
    except (binascii.Error, TypeError, ValueError, Problem):
        faults.append(Violation("#/data_base64", "不是 Base64 编码的 JSON", "it is not JSON in Base64", "base64"))
        return None


def write_event(
    *,
    id: str,
    source: str,
    type: str,
    subject: str,
    time: datetime,
    dataschema: str,
    extensions: Mapping[str, str | int | datetime],
    data: Mapping[str, Any],
) -> bytes:
    """An event in structured form: fixed order of attributes, moments in UTC; the same input gives the same bytes."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": id,
            "source": source,
            "type": type,
            "subject": subject,
            "time": time,
            "datacontenttype": "application/json",
            "dataschema": dataschema,
            **extensions,
            "data": data,
        },
        option=orjson.OPT_UTC_Z,
    )
