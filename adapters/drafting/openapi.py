"""An OpenAPI 3 or Swagger 2 document as described operations: where each is called, and what its body holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from adapters.drafting.fields import Described, DraftFault, Shape, UnitField, can_be_told
from adapters.drafting.values import codes_said
from contracts.mapping import Format, Written
from contracts.paths import path_text
from contracts.ways.http import AuthenticationKind

DEPTH_MAX = 8
PARTS_DEPTH_MAX = 4
PARTS_MAX = 10
FIELDS_MAX = 500
_JSON = ("application/json", "*/*", "text/json")
_FORM = ("application/x-www-form-urlencoded",)
_XML = ("application/xml", "text/xml")


@dataclass(frozen=True, slots=True)
class Called:
    """One operation: how it is called, and its request as a document."""

    method: str
    path: str
    endpoint: str
    request: Described


@dataclass(frozen=True, slots=True)
class Interface:
    """The whole document: what can be called, what is only read, and how the caller shows who it is."""

    calls: tuple[Called, ...]
    reads: tuple[str, ...]
    authentication: Mapping[str, str] | None


def read_interface(document: Any, base: str) -> Interface:
    """What a document describes; ``base`` is its own address, if it has one. Raises ``DraftFault``."""
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise DraftFault("不是 OpenAPI 或 Swagger 文档。", "It is no OpenAPI or Swagger document.")
    if not (str(document.get("openapi", "")).startswith("3") or str(document.get("swagger", "")) == "2.0"):
        raise DraftFault("只支持 OpenAPI 3 和 Swagger 2.0。", "OpenAPI 3 and Swagger 2.0 are taken.")
    root = _server(document, base)
    calls, reads = [], []
    for path, item in document["paths"].items():
        for method, operation in _resolved(item, document).items():
            if not isinstance(operation, dict):
                continue
            name = str(operation.get("operationId") or f"{method} {path}")
            if method == "get":
                reads.append(f"GET {path} {operation.get('summary', '')}".strip())
            elif method in ("post", "put", "patch"):
                found = _request(operation, document)
                if found is not None:
                    schema, form = found
                    tags = " ".join(str(each) for each in _list(operation.get("tags")))
                    about = f"{name} {path} {operation.get('summary', '')} {tags}"
                    fields = tuple(_fields(schema, (), document, _Budget()))
                    described = Described(name, about, fields, Written(format=form))
                    calls.append(Called(method.upper(), path, root.rstrip("/") + path, described))
    return Interface(tuple(calls), tuple(reads), _authentication(document))


def _server(document: Mapping[str, Any], base: str) -> str:
    servers = document.get("servers")
    if isinstance(servers, list) and servers and isinstance(servers[0], dict):
        return urljoin(base, str(servers[0].get("url", "")))
    if "host" in document:
        schemes = _list(document.get("schemes")) or ["https"]
        scheme = "https" if "https" in schemes else str(schemes[0])
        return f"{scheme}://{document['host']}{str(document.get('basePath') or '').rstrip('/')}"
    return urljoin(base, str(document.get("basePath") or "/"))


def _request(operation: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[Any, Format] | None:
    body = _resolved(operation.get("requestBody") or {}, document)
    content = _object(body.get("content"))
    for kinds, form in ((_JSON, Format.JSON), (_FORM, Format.FORM), (_XML, Format.XML)):
        for media, held in content.items():
            if str(media).partition(";")[0].strip() in kinds and isinstance(held, dict):
                return held.get("schema") or {}, form
    parameters = [_resolved(each, document) for each in _list(operation.get("parameters"))]
    for each in parameters:
        if each.get("in") == "body":
            return each.get("schema") or {}, Format.JSON
    fields = {str(each.get("name")): each for each in parameters if each.get("in") == "formData"}
    if fields:
        required = [name for name, each in fields.items() if each.get("required")]
        return {"type": "object", "properties": fields, "required": required}, Format.FORM
    return None


@dataclass(slots=True)
class _Budget:
    """How many fields more are looked at: a schema may be made of itself, many times over."""

    left: int = FIELDS_MAX


def _fields(schema: Any, path: tuple[str, ...], document: Mapping[str, Any], budget: _Budget) -> Iterator[UnitField]:
    held = _merged(schema, document)
    if len(path) > DEPTH_MAX:
        return
    required = _list(held.get("required"))
    for name, inner in _object(held.get("properties")).items():
        if budget.left <= 0:
            return
        budget.left -= 1
        told = _merged(inner, document)
        here = (*path, str(name))
        if not can_be_told(here):
            continue
        kind = told.get("type")
        if kind == "array":
            yield _leaf(here, told, name in required, _inside(told.get("items"), document))
        elif _object(told.get("properties")):
            yield from _fields(told, here, document, budget)
        else:
            yield _leaf(here, told, name in required, None)


def _leaf(path: tuple[str, ...], told: Mapping[str, Any], required: bool, element: str | None) -> UnitField:
    label = " ".join(str(part) for part in (told.get("title"), told.get("description")) if part)[:200]
    named = _list(told.get("x-enum-varnames") or told.get("x-enumNames"))
    listed = [str(each) for each in _list(told.get("enum"))]
    said = dict(codes_said(label))
    codes = tuple(
        (code, said.get(code) or (str(named[index]) if index < len(named) else "")) for index, code in enumerate(listed)
    ) or codes_said(label)
    example = told.get(
        "example", (told.get("examples") or [None])[0] if isinstance(told.get("examples"), list) else None
    )
    samples = (str(example),) if isinstance(example, str | int | float) and not isinstance(example, bool) else ()
    return UnitField(path_text(path), path[-1], label, _shape(told), samples, codes, required, element)


def _shape(told: Mapping[str, Any]) -> Shape:
    kind = told.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), None)
    if kind == "string":
        return Shape.MOMENT if told.get("format") in ("date-time", "date") else Shape.TEXT
    return {"integer": Shape.INTEGER, "number": Shape.NUMBER, "boolean": Shape.BOOLEAN}.get(str(kind), Shape.TEXT)


def _inside(items: Any, document: Mapping[str, Any]) -> str:
    names = list(_object(_merged(items or {}, document).get("properties")))
    told = [name for name in names if str(name).lower() in ("id", "no", "code", "url", "fileid", "attachmentid")]
    return str(told[0] if told else names[0]) if names else "."


def _merged(schema: Any, document: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    held = _resolved(schema, document)
    if depth > PARTS_DEPTH_MAX:
        # A schema may be made of itself.
        return {}
    parts = held.get("allOf")
    if isinstance(parts, list):
        made: dict[str, Any] = {name: value for name, value in held.items() if name != "allOf"}
        for part in parts[:PARTS_MAX]:
            inner = _merged(part, document, depth + 1)
            made["properties"] = {**_object(made.get("properties")), **_object(inner.get("properties"))}
            made["required"] = [*_list(made.get("required")), *_list(inner.get("required"))]
        return made
    for name in ("oneOf", "anyOf"):
        choices = held.get(name)
        if isinstance(choices, list) and choices and "properties" not in held and "type" not in held:
            real = [each for each in choices if not (isinstance(each, dict) and each.get("type") == "null")]
            return _merged(real[0], document, depth + 1) if real else held
    return held


def _resolved(value: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    for _ in range(DEPTH_MAX):
        if not isinstance(value, dict):
            return {}
        reference = value.get("$ref")
        if not isinstance(reference, str):
            return value
        if not reference.startswith("#/"):
            raise DraftFault(
                f"引用了另一份文档 {reference[:100]},请先合并为一份。",
                f"It refers to another document, {reference[:100]}: bundle them into one first.",
            )
        value = document
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            value = value.get(key) if isinstance(value, dict) else None
    return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _authentication(document: Mapping[str, Any]) -> dict[str, str] | None:
    """How the caller shows who it is, as far as a profile says it; the first scheme that it knows."""
    components = _object(document.get("components"))
    schemes = _object(components.get("securitySchemes") or document.get("securityDefinitions"))
    for scheme in schemes.values():
        told = _resolved(scheme, document)
        kind, said = told.get("type"), str(told.get("scheme", "")).lower()
        if kind == "apiKey" and told.get("in") == "header":
            return {"kind": AuthenticationKind.API_KEY.value, "secret": "api-key", "header": str(told.get("name"))}
        if kind == "basic" or (kind == "http" and said == "basic"):
            return {"kind": AuthenticationKind.BASIC.value, "secret": "password", "user": "cityhub"}
        if kind == "http" and said == "bearer":
            return {"kind": AuthenticationKind.BEARER.value, "secret": "token"}
        if kind == "oauth2":
            flows = _object(told.get("flows"))
            endpoint = _object(flows.get("clientCredentials")).get("tokenUrl") or told.get("tokenUrl")
            if endpoint:
                made = {"kind": AuthenticationKind.OAUTH2.value, "secret": "client-secret", "client_id": "cityhub"}
                return {**made, "token_endpoint": str(endpoint)}
    return None
