"""The published contracts: JSON Schemas (2020-12) with a valid and an invalid example each, generated and committed.

A schema keeps to the subset that JSON, XML Schema and other languages all carry: ``outside_subset`` says what does not.
Its titles are in Chinese and English; a field that the model describes itself keeps that description.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from contracts.field_titles import FIELDS
from contracts.live import CONTRACTS, INBOUND, OUTBOUND
from contracts.model import ContractSchema
from contracts.problem import Violation
from contracts.profile import Profile
from contracts.samples import INVALID, VALID
from contracts.sentences import CODE_PATTERN, MOMENT_PATTERN, PATTERNS, TEXT_PATTERN
from contracts.titles import SHAPES, VALUES

SCHEMAS = Path(__file__).parent / "schemas"
SCHEMA_BASE = "https://cityhub.example/contracts/"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

MODELS: Mapping[str, type[BaseModel]] = {**CONTRACTS, "profile/1.0": Profile}
"""Every published shape by its id."""

_KEYWORDS = (
    *("$schema", "$id", "$ref", "title", "description", "type", "const", "enum", "format", "pattern"),
    *("minLength", "maxLength", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    *("minItems", "maxItems", "items", "properties", "required", "additionalProperties", "default", "$defs"),
)
"""The subset's keywords, in the order in which they are written."""
_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean"})


def schema_of(model: type[BaseModel], name: str | None = None) -> dict[str, Any]:
    """The JSON Schema of a contract model, fields in the model's order."""
    name = name or str(getattr(model, "contract", model.__name__))
    made: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": SCHEMA_BASE + name,
        **model.model_json_schema(schema_generator=ContractSchema),
    }
    _explain(made, name.partition("/")[0])
    for defined, inner in made.get("$defs", {}).items():
        _explain(inner, defined)
    ordered: dict[str, Any] = _ordered(made)
    return ordered


def outside_subset(schema: Mapping[str, Any]) -> tuple[Violation, ...]:
    """What of a schema some language could not carry: unions, null, free maps, lists without items, and the like."""
    return tuple(_outside(schema, schema, "#"))


def files() -> dict[str, str]:
    """Every generated file by its path below ``contracts/schemas``."""
    made: dict[str, str] = {}
    for name, model in MODELS.items():
        made[f"{name}/schema.json"] = _text(schema_of(model, name))
        made[f"{name}/valid.json"] = _text(VALID[name])
        made[f"{name}/invalid.json"] = _text(INVALID[name])
    return made


def write_schemas(folder: Path = SCHEMAS) -> None:
    """Write the committed files anew."""
    for path, text in files().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def stale_schemas(folder: Path = SCHEMAS) -> list[str]:
    """Which committed files differ from what the models say, are missing, or belong to no model."""
    wanted = files()
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return sorted(
        path
        for path in wanted.keys() | found.keys()
        if path not in wanted or path not in found or found[path].read_text(encoding="utf-8") != wanted[path]
    )


@cache
def published() -> Mapping[str, Path]:
    """Contract id → the folder with its schema and examples."""
    return {name: SCHEMAS / name for name in MODELS}


def page() -> str:
    """``docs/contracts.md``: each contract as a table that a partner can read."""
    lines = [
        "# 契约 / Contracts",
        "",
        "由 `contracts/` 的模型生成。 Generated from the models in `contracts/`.",
        "",
        "每个契约都有 JSON Schema 和示例:`/contracts/<契约>/<版本>`。未列出的字段会被拒绝;没有值的字段应省略,"
        "不得为 null;次版本只在末尾增加可选字段,收到不认识的字段请忽略。",
        "",
        "Each contract has a JSON Schema and examples at `/contracts/<name>/<version>`. Fields that are not listed "
        "are refused; a field without a value is left out, never null. A minor version only adds optional fields at "
        "the end: pass over fields that you don't know.",
        "",
        *(f"- **{kind}**: {' / '.join(PATTERNS[pattern])}" for pattern, kind in _KINDS.items()),
        "",
    ]
    shared: dict[str, Any] = {}
    for heading, names in (
        ("单位发来 / What partners send", [model.contract for model in INBOUND]),
        ("枢纽发出 / What the hub sends", [model.contract for model in OUTBOUND]),
        ("接入 / Connecting", ["profile/1.0"]),
    ):
        lines += [f"## {heading}", ""]
        for name in names:
            schema = schema_of(MODELS[name], name)
            shared |= schema.get("$defs", {})
            example = json.dumps(VALID[name], ensure_ascii=False, indent=2)
            lines += [f"### `{name}` {schema['title']}", "", schema["description"], "", *_table(schema), ""]
            lines += ["```json", example, "```", ""]
    lines += ["## 共用的部分 / Shared parts", ""]
    for defined, schema in sorted(shared.items()):
        lines += [f"### {defined}", "", f"**{schema['title']}** {schema.get('description', '')}", ""]
        lines += [*_table(schema), ""] if "properties" in schema else []
    return "\n".join(lines).rstrip() + "\n"


def _explain(schema: dict[str, Any], owner: str) -> None:
    """Give a shape and its fields their titles in both languages, where there are words for them."""
    if owner in SHAPES:
        zh, en, *more = SHAPES[owner]
        schema["title"] = f"{zh} / {en}"
        schema.pop("description", None)
        if more:
            schema["description"] = " / ".join(more)
    if "enum" in schema and owner in VALUES:
        schema["description"] = ";".join(f"{value} {VALUES[owner][value]}" for value in schema["enum"])
    for name, field in schema.get("properties", {}).items():
        words = FIELDS.get(f"{owner}.{name}") or FIELDS.get(name)
        if words:
            field.setdefault("title", " / ".join(words))
        if field.get("format") == "date-time":
            # `format` alone is only a remark to most validators.
            field.setdefault("pattern", MOMENT_PATTERN)


def _ordered(node: Any) -> Any:
    if isinstance(node, list):
        return [_ordered(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: node[name] for name in (*_KEYWORDS, *sorted(node.keys() - set(_KEYWORDS))) if name in node}
    for name, value in made.items():
        # The names below these are fields and shapes, not keywords: they keep their order.
        if name in ("properties", "$defs"):
            made[name] = {inner: _ordered(schema) for inner, schema in value.items()}
        elif name == "items":
            made[name] = _ordered(value)
    return made


def _outside(schema: Any, root: Mapping[str, Any], at: str) -> Iterator[Violation]:
    if not isinstance(schema, Mapping):
        yield Violation(at, "应为对象形式的模式", "must be a schema object", "schema")
        return
    for name in schema.keys() - set(_KEYWORDS):
        yield Violation(f"{at}/{name}", f"子集中没有关键字 {name}", f"the subset has no keyword {name}", "keyword")
    for name, inner in schema.get("$defs", {}).items():
        yield from _outside(inner, root, f"{at}/$defs/{name}")
    if "default" in schema and schema["default"] is None:
        yield Violation(f"{at}/default", "没有值不等于 null", "absent never means null", "null")
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        if f"#/$defs/{name}" != schema["$ref"] or name not in root.get("$defs", {}):
            yield Violation(f"{at}/$ref", "只能引用 $defs 中的形状", "only shapes in $defs are referred to", "ref")
        return
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        yield Violation(f"{at}/type", "类型只能有一个,不得为 null", "there is one type, and it is not null", "type")
    if any(not isinstance(value, str) for value in schema.get("enum", ())):
        yield Violation(f"{at}/enum", "固定取值应为文本", "fixed words are text", "enum")
    if kind == "object":
        if schema.get("additionalProperties") is not False or not schema.get("properties"):
            yield Violation(at, "对象须逐一列出字段", "an object names all its fields: no free maps", "map")
        for name, inner in schema.get("properties", {}).items():
            yield from _outside(inner, root, f"{at}/properties/{name}")
    if kind == "array":
        if "items" not in schema:
            yield Violation(at, "列表须说明其项", "a list says what its items are", "items")
        else:
            yield from _outside(schema["items"], root, f"{at}/items")


def _table(schema: Mapping[str, Any]) -> list[str]:
    rows = [
        "| 字段 field | 含义 meaning | 类型 type | 必填 required | 限制 limits |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, field in schema["properties"].items():
        meaning = ";".join(part for part in (field.get("title", ""), field.get("description", "")) if part)
        needed = "✓" if name in schema.get("required", ()) else ""
        rows.append(f"| `{name}` | {meaning} | {_type(field)} | {needed} | {_limits(field)} |")
    return rows


def _type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if field["type"] == "array":
        return f"列表 list: {_type(field['items'])}"
    return _KINDS.get(field.get("pattern", ""), str(field["type"]))


def _limits(field: Mapping[str, Any]) -> str:
    told = []
    for name, unit in (("Length", " 字符 characters"), ("Items", " 项 items"), ("imum", "")):
        low, high = field.get(f"min{name}"), field.get(f"max{name}")
        if low is not None and high is not None:
            told.append(f"{low}–{high}{unit}")
        elif low is not None or high is not None:
            told.append(f"≥ {low}{unit}" if high is None else f"≤ {high}{unit}")
    if "exclusiveMinimum" in field:
        told.append(f"> {field['exclusiveMinimum']}")
    if "enum" in field or "const" in field:
        told.append(", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")])))
    if field.get("pattern") in PATTERNS.keys() - _KINDS:
        told.append(" / ".join(PATTERNS[field["pattern"]]))
    if "default" in field:
        told.append(f"默认 default `{json.dumps(field['default'], ensure_ascii=False)}`")
    if "items" in field and _limits(field["items"]):
        told.append(f"每项 each: {_limits(field['items'])}")
    return ";".join(told)


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


# What the table of fields calls the three patterns that stand nearly everywhere.
_KINDS: Mapping[str, str] = {CODE_PATTERN: "代码 code", TEXT_PATTERN: "文本 text", MOMENT_PATTERN: "时间 moment"}
