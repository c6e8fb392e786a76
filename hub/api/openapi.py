"""The OpenAPI 3.1 document: what FastAPI knows of its routes, and the hot doors that stand in front of it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from contracts.arrival import NEWEST
from contracts.catalogue import schema_of
from contracts.live import INBOUND
from contracts.messages import Body
from hub.api.deps import inlined
from hub.api.incoming import ROUTES
from hub.life_cycle import Stage, State

TAGS = [
    {"name": "messages", "description": "发送消息(CloudEvents) / send messages as CloudEvents"},
    {"name": "cases", "description": "案件:同样的消息,按资源路由 / cases: the same messages by resource"},
    {"name": "inbox", "description": "拉取信件 / pull letters"},
    {"name": "changes", "description": "变更流 / the change feed"},
    {"name": "letters", "description": "信件与投递记录 / letters and attempts"},
    {"name": "attachments", "description": "照片 / photos"},
    {"name": "evaluation", "description": "评价考核 / evaluation"},
    {"name": "units", "description": "单位 / units"},
    {"name": "register", "description": "部件台账 / the component register"},
    {"name": "contracts", "description": "契约 / contracts"},
    {"name": "administration", "description": "管理 / administration"},
    {"name": "operations", "description": "运维 / operations"},
]

SUMMARIES = {
    "acceptance": "受理 / accept a report",
    "rejection": "不予受理 / reject a report",
    "duplicate": "认定重复 / link to the case it repeats",
    "dispatch": "派遣、二次派遣 / dispatch to a unit",
    "assistance": "协助派遣 / order a unit to assist",
    "recall": "撤回派遣 / recall a dispatch",
    "acknowledgement": "签收 / acknowledge a dispatch",
    "return": "退回 / return a dispatch",
    "sub-dispatch": "二级派遣 / tell of a department's part",
    "extension": "申请延期 / ask for more time",
    "extension-decision": "延期审批 / decide on more time",
    "suspension": "申请挂账 / ask for a suspension",
    "suspension-decision": "挂账审批 / decide on a suspension",
    "resumption": "恢复处置 / end a suspension",
    "dispute": "提出争议 / dispute",
    "dispute-decision": "争议裁定 / decide a dispute",
    "coordination": "提请协调 / open a coordination",
    "coordination-result": "协调结果 / the result of a coordination",
    "feedback": "处置反馈 / feed back",
    "late-proof-decision": "补传认定 / judge a late proof",
    "verification": "核查 / verify",
    "closing": "结案 / close by hand",
    "void": "作废 / void a case",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        description="一个枢纽,共同契约,各单位各自的协议。 One hub, shared contracts, every unit in its own protocol.",
        routes=app.routes,
        tags=TAGS,
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for model in INBOUND:
        schemas[_name(model)] = inlined(schema_of(model))
    schemas.update(_shared())
    made["paths"]["/api/v1/messages"] = {"post": _messages()}
    made["paths"].setdefault("/api/v1/cases", {})["post"] = _route(
        "case.report", "上报 / report a problem", created=True
    )
    for last, kind in ROUTES.items():
        made["paths"][f"/api/v1/cases/{{number}}/{last}"] = {"post": _route(kind, SUMMARIES[last], numbered=True)}
    _complete(made)
    return made


def _name(model: type[Body]) -> str:
    return model.__name__


def _shared() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "Answer": {
            "type": "object",
            "required": ["case_number", "version", "state", "stage", "position", "message_id"],
            "properties": {
                "case_number": text,
                "version": {"type": "integer"},
                "state": {"type": "string", "enum": [state.value for state in State]},
                "stage": {"type": "string", "enum": [stage.value for stage in Stage]},
                "position": {"type": "string", "description": "游标 / cursor <epoch>-<position>"},
                "message_id": text,
            },
        },
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "required": ["type", "title", "status", "detail", "retryable"],
            "properties": {
                "type": {"type": "string", "format": "uri"},
                "title": text,
                "status": {"type": "integer"},
                "detail": text,
                "retryable": {"type": "boolean"},
                "trace_id": text,
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "pointer": text,
                            "detail": text,
                            "detail_zh": text,
                            "detail_en": text,
                            "rule": text,
                        },
                    },
                },
            },
        },
        "CloudEvent": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "data"],
            "properties": {
                "specversion": {"type": "string", "enum": ["1.0"]},
                "id": {"type": "string", "minLength": 1},
                "source": {"type": "string", "minLength": 1},
                "type": {"type": "string", "enum": sorted(NEWEST)},
                "subject": {"type": "string", "description": "案件号 / case number"},
                "time": {"type": "string", "format": "date-time"},
                "datacontenttype": {"type": "string", "enum": ["application/json"]},
                "dataschema": text,
                "mode": {"type": "string", "enum": ["live", "drill", "test"]},
                "sendercase": {"type": "string", "description": "本系统案件号 / the sender's own case id"},
                "data": {"type": "object"},
            },
        },
    }


def _problem_responses(*statuses: int) -> dict[str, Any]:
    return {
        str(status): {
            "description": "problem",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def _answer_response(status: int) -> dict[str, Any]:
    return {
        str(status): {
            "description": "已受理并提交 / decided and committed",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
        }
    }


_REFUSALS = (400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503)


def _messages() -> dict[str, Any]:
    event = {"$ref": "#/components/schemas/CloudEvent"}
    return {
        "tags": ["messages"],
        "operationId": "send_messages",
        "summary": "发送消息 / send one message or a batch",
        "description": "CloudEvents 1.0: structured, batch, or binary (ce-* headers with application/json).",
        "security": [{"bearer": []}, {"api_key": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/cloudevents+json": {"schema": event},
                "application/cloudevents-batch+json": {"schema": {"type": "array", "items": event, "maxItems": 500}},
            },
        },
        "responses": {
            "200": {"description": "an answer, or for a batch one result each", "content": {"application/json": {}}},
            **_answer_response(201),
            **_problem_responses(*_REFUSALS),
        },
    }


def _route(kind: str, summary: str, *, numbered: bool = False, created: bool = False) -> dict[str, Any]:
    model = NEWEST[kind]
    parameters: list[dict[str, Any]] = [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
            "description": "同一键只生效一次 / the same key takes effect once",
        },
        {
            "name": "ce-sendercase",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "maxLength": 128},
            "description": "本系统案件号 / the sender's own case id",
        },
    ]
    if numbered:
        parameters.insert(0, {"name": "number", "in": "path", "required": True, "schema": {"type": "string"}})
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "pattern": '^"v[0-9]{1,9}"$'},
            }
        )
    return {
        "tags": ["cases"],
        "operationId": kind.replace(".", "_"),
        "summary": summary,
        "security": [{"bearer": []}, {"api_key": []}],
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{_name(model)}"}}},
        },
        "responses": {**_answer_response(201 if created else 200), **_problem_responses(*_REFUSALS)},
    }


def _complete(made: dict[str, Any]) -> None:
    """Every route may answer with a problem; FastAPI's own 422 shape is not ours."""
    for path, methods in made["paths"].items():
        for operation in methods.values():
            responses = operation.setdefault("responses", {})
            responses.pop("422", None)
            open_route = not path.startswith("/api/")
            wanted = (404, 422, 503) if open_route else _REFUSALS
            for status, problem in _problem_responses(*wanted).items():
                responses.setdefault(status, problem)
    for name in ("HTTPValidationError", "ValidationError"):
        made["components"]["schemas"].pop(name, None)
