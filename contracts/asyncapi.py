"""The AsyncAPI 3 document of the RabbitMQ side, made from the contract models: for everybody, or for one unit's own
channels. It speaks as the hub: what the hub sends, a unit reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.amqp import PREFIXES, STRUCTURED
from contracts.catalogue import schema_of
from contracts.cloudevents import EXTENSIONS
from contracts.live import CONTRACTS, INBOUND, OUTBOUND
from contracts.messages import Body
from contracts.samples import VALID
from contracts.titles import SHAPES
from contracts.ways.rabbitmq import names_of

VERSION = "3.0.0"
BINDING = "0.3.0"
ANY = "{connection}"
CASE = "330800-20261123-000042"
MOMENT = "2026-11-23T09:13:00+08:00"
_PARAMETER = {
    "connection": {
        "description": "连接:<单位>.<连接名> / the connection: <unit>.<name of the connection>",
        "examples": ["telecom.main"],
    }
}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where units reach the hub's broker."""

    host: str
    port: int
    vhost: str
    tls: bool


def document(version: str, connections: Sequence[str] = (ANY,), broker: BrokerAddress | None = None) -> dict[str, Any]:
    """The document. ``connections`` are those it tells of; one named ``{connection}`` stands for any."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for connection in connections:
        _add(connection, "" if connection == ANY else f"{connection}.", channels, operations, broker)
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "CityHub 城市管理枢纽 · RabbitMQ",
            "version": version,
            "description": (
                "CloudEvents 1.0 over AMQP 0-9-1。单位从自己的队列读信件,向自己的交换机写消息。"
                "属性写在消息头 cloudEvents:* 中,message_id 即事件 id(重复投递时不变,请据此去重),"
                "correlation_id 为案件号。\n\n"
                "A unit reads letters from its own queue and writes messages to its own exchange. Attributes are "
                "message headers cloudEvents:*; message_id is the event's id, the same at each redelivery: drop what "
                "you have had; correlation_id is the case number."
            ),
        },
        "defaultContentType": STRUCTURED,
        **({"servers": {"broker": _server(broker)}} if broker is not None else {}),
        "channels": channels,
        "operations": operations,
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _server(broker: BrokerAddress) -> dict[str, Any]:
    return {
        "host": f"{broker.host}:{broker.port}",
        "protocol": "amqps" if broker.tls else "amqp",
        "protocolVersion": "0-9-1",
        "pathname": f"/{broker.vhost}",
        "description": f"RabbitMQ, vhost {broker.vhost}",
    }


def _add(
    connection: str,
    prefix: str,
    channels: dict[str, Any],
    operations: dict[str, Any],
    broker: BrokerAddress | None,
) -> None:
    names = names_of(connection)
    vhost = {"vhost": broker.vhost} if broker is not None else {}
    queue = {"name": names.queue_out, "durable": True, "exclusive": False, "autoDelete": False, **vhost}
    exchange = {"name": names.exchange_in, "type": "fanout", "durable": True, "autoDelete": False, **vhost}
    parameters = {"parameters": _PARAMETER} if connection == ANY else {}
    out, into, answers = f"{prefix}letters", f"{prefix}messages", f"{prefix}answers"
    channels[out] = {
        "address": names.queue_out,
        "title": "信件 / letters",
        "messages": _refs(OUTBOUND),
        **parameters,
        "bindings": {"amqp": {"is": "queue", "queue": queue, "bindingVersion": BINDING}},
    }
    channels[into] = {
        "address": names.exchange_in,
        "title": "消息 / messages",
        "messages": _refs(INBOUND),
        **parameters,
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": BINDING}},
    }
    channels[answers] = {
        "address": None,
        "title": "应答 / answers",
        "description": "写到 reply_to 所指的、单位自己的队列 / written to reply_to, the unit's own queue",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in ("answer", "problem")},
    }
    sending = {"deliveryMode": 2, "mandatory": True, "timestamp": True, "ack": True, "bindingVersion": BINDING}
    operations[f"{prefix}sendLetters"] = {
        "action": "send",
        "channel": {"$ref": _pointer(out)},
        "summary": "枢纽向单位投递信件;单位确认(ack)即取走 / the hub sends letters; a unit takes one by its ack",
        "bindings": {"amqp": sending},
    }
    operations[f"{prefix}receiveMessages"] = {
        "action": "receive",
        "channel": {"$ref": _pointer(into)},
        "summary": "单位说的话;请用发布确认 / what a unit says; use publisher confirms",
        "bindings": {"amqp": {"ack": True, "bindingVersion": BINDING}},
        "reply": {
            "address": {"location": "$message.header#/reply_to"},
            "channel": {"$ref": _pointer(answers)},
        },
    }


def _pointer(channel: str) -> str:
    return f"#/channels/{channel}"


def _refs(models: Iterable[type[Body]]) -> dict[str, Any]:
    return {_key(each.contract): {"$ref": f"#/components/messages/{_key(each.contract)}"} for each in models}


def _key(contract: str) -> str:
    # Component names hold no slash.
    return contract.replace("/", "-")


def _messages() -> dict[str, Any]:
    made = {_key(name): _message(name) for name in CONTRACTS}
    correlated = {"correlationId": {"location": "$message.header#/correlation_id"}}
    made["answer"] = {
        "name": "cityhub.answer",
        "title": "已接受 / accepted",
        "contentType": "application/json",
        **correlated,
        "payload": {"$ref": "#/components/schemas/Answer"},
    }
    made["problem"] = {
        "name": "cityhub.problem",
        "title": "被拒收 / refused",
        "contentType": "application/problem+json",
        **correlated,
        "payload": {"$ref": "#/components/schemas/Problem"},
    }
    return made


def _message(contract: str) -> dict[str, Any]:
    kind = contract.partition("/")[0]
    zh, en = SHAPES[kind][:2]
    return {
        "name": contract,
        "title": f"{zh} / {en}",
        "contentType": STRUCTURED,
        "correlationId": {"location": "$message.header#/correlation_id"},
        "headers": {"$ref": "#/components/schemas/EventHeaders"},
        "payload": {
            "allOf": [{"$ref": "#/components/schemas/Event"}],
            "type": "object",
            "properties": {"type": {"const": kind}, "data": {"$ref": f"#/components/schemas/{_key(contract)}"}},
        },
        "bindings": {"amqp": {"messageType": contract, "bindingVersion": BINDING}},
        "examples": [{"name": "valid", "payload": _example(contract)}],
    }


def _example(contract: str) -> dict[str, Any]:
    kind = contract.partition("/")[0]
    return {
        "specversion": "1.0",
        "id": "m-000042",
        "source": "/telecom/system",
        "type": kind,
        **({} if kind == "case.report" else {"subject": CASE}),
        "time": MOMENT,
        "data": VALID[contract],
    }


def _schemas() -> dict[str, Any]:
    made: dict[str, Any] = {"Event": _event(), "EventHeaders": _headers(), "Answer": _ANSWER, "Problem": _PROBLEM}
    for name, model in CONTRACTS.items():
        schema = schema_of(model, name)
        # A shape that several contracts share is one model, and so one schema.
        made |= {inner: _moved(shape) for inner, shape in schema.pop("$defs", {}).items()}
        made[_key(name)] = _moved({key: value for key, value in schema.items() if key not in ("$schema", "$id")})
    return made


def _moved(node: Any) -> Any:
    """A schema whose references lead to the document's components."""
    if isinstance(node, Mapping):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(value)
            for key, value in node.items()
        }
    return [_moved(each) for each in node] if isinstance(node, list) else node


_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}


def _event() -> dict[str, Any]:
    return {
        "title": "CloudEvent",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"type": "string", "const": "1.0"},
            "id": _TEXT,
            "source": _TEXT,
            "type": _TEXT,
            "subject": {**_TEXT, "description": "案件号 / the case number"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"type": "string"},
            "dataschema": {"type": "string"},
            **{name: {"type": ["string", "integer"]} for name in EXTENSIONS},
            "data": {"type": "object"},
        },
    }


def _headers() -> dict[str, Any]:
    attributes = ("specversion", "id", "source", "type", "subject", "time", "dataschema", *EXTENSIONS)
    return {
        "title": "AMQP headers",
        "type": "object",
        "description": "事件属性,与正文相同 / the event's attributes, as in the body",
        "properties": {
            **{PREFIXES[0] + name: {"type": ["string", "integer"]} for name in attributes},
            "correlation_id": {"type": "string", "description": "消息属性 / a message property"},
            "reply_to": {"type": "string", "description": "消息属性 / a message property"},
        },
    }


_ANSWER: Mapping[str, Any] = {
    "title": "已接受 / accepted",
    "type": "object",
    "required": ["message_id", "case_number", "version", "state"],
    "properties": {
        "message_id": _TEXT,
        "case_number": _TEXT,
        "version": {"type": "integer"},
        "state": _TEXT,
        "position": _TEXT,
        "repeated": {"type": "boolean"},
    },
}
_PROBLEM: Mapping[str, Any] = {
    "title": "RFC 9457",
    "type": "object",
    "required": ["type", "title", "status", "message_id"],
    "properties": {
        "message_id": {"type": "string"},
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "detail_en": {"type": "string"},
        "retryable": {"type": "boolean"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    name: {"type": "string"} for name in ("pointer", "detail", "detail_zh", "detail_en", "rule")
                },
            },
        },
    },
}
