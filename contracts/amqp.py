"""CloudEvents over AMQP 0-9-1. Pure.

RabbitMQ's protocol has no binding of its own: the names of the AMQP 1.0 binding are used as message headers
(``cloudEvents:id`` …). The hub writes events in structured form, whose bytes never change, with the same attributes as
headers besides; it reads structured and binary form, and the 1.0 binding's other spelling, ``cloudEvents_id``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from contracts.cloudevents import Event, event_from_attributes, parse_event
from contracts.problem import Problem

STRUCTURED = "application/cloudevents+json"
PREFIXES = ("cloudEvents:", "cloudEvents_")
TRACE = "traceparent"

_NOT_ATTRIBUTES = ("data", "data_base64", "datacontenttype")


def attributes_of(event: bytes) -> dict[str, str | int | bool]:
    """The attributes of an event in structured form that the hub itself wrote."""
    told: dict[str, Any] = orjson.loads(event)
    for name in _NOT_ATTRIBUTES:
        told.pop(name, None)
    return told


def headers_of(attributes: Mapping[str, str | int | bool]) -> dict[str, str | int | bool]:
    """The message headers that carry an event's attributes."""
    return {PREFIXES[0] + name: value for name, value in attributes.items()}


def event_of(content_type: str, headers: Mapping[Any, Any], message_id: str | None, body: bytes) -> Event:
    """The event that a message carries. ``message_id`` names it where its headers do not. Raises ``Problem``."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == STRUCTURED:
        return parse_event(body)
    told = {
        name[len(PREFIXES[0]) :]: _plain(value)
        for name, value in headers.items()
        if isinstance(name, str) and name.startswith(PREFIXES)
    }
    if not told:
        raise Problem(
            "media_type_unsupported",
            f"不支持 content_type {media_type[:100] or '(未给出)'}:应为 {STRUCTURED},或带 cloudEvents: 消息头的 JSON。",
            f"content_type {media_type[:100] or '(none)'} is not supported: send {STRUCTURED}, or JSON with"
            " cloudEvents: headers.",
        )
    for name in _NOT_ATTRIBUTES:
        told.pop(name, None)
    if message_id:
        told.setdefault("id", message_id)
    if isinstance(headers.get(TRACE), str):
        told.setdefault(TRACE, headers[TRACE])
    if content_type:
        told["datacontenttype"] = content_type
    return event_from_attributes(told, body)


def _plain(value: Any) -> Any:
    # AMQP has moments of its own; a CloudEvent's are text.
    return value.isoformat() if isinstance(value, datetime) else value
