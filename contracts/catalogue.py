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

from contracts.checking import CODE_PATTERN, MOMENT_PATTERN, PATTERNS, TEXT_PATTERN
from contracts.messages import CONTRACTS, INBOUND, OUTBOUND
from contracts.model import ContractSchema
from contracts.problem import Violation
from contracts.profile import Profile
from contracts.samples import INVALID, VALID

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

SHAPES: Mapping[str, tuple[str, ...]] = {
    "case.report": (
        "采集上报",
        "report",
        "有人看见的问题。位置可以在任何地方,由枢纽确定所属区域。",
        "A problem that somebody saw. The place may lie anywhere; the hub finds the area.",
    ),
    "case.acceptance": (
        "受理立案",
        "acceptance",
        "指挥中心受理上报,可以改正类别。",
        "The command centre accepts a report as a case, perhaps under another category.",
    ),
    "case.rejection": (
        "不予受理",
        "rejection",
        "指挥中心不受理上报,并说明理由。",
        "The command centre does not accept a report, and says why.",
    ),
    "case.dispatch_request": (
        "人工派遣",
        "dispatch request",
        "指挥中心指定处置单位;再次派遣、二次派遣也用它。",
        "The command centre names the unit that must handle the case, at first or again.",
    ),
    "case.acknowledgement": (
        "签收",
        "acknowledgement",
        "单位确认收到派遣并将处置。",
        "The unit confirms that it has the dispatch and will handle it.",
    ),
    "case.return": (
        "退回",
        "return",
        "单位退回派遣并说明理由,可以指出责任单位。",
        "The unit sends the dispatch back with a reason, perhaps naming who is responsible.",
    ),
    "case.feedback": (
        "处置反馈",
        "feedback",
        "单位做了什么。final 为 false 是阶段反馈,案件仍在该单位。",
        "What the unit did. With final false it is a part: the case stays with the unit.",
    ),
    "case.verification": (
        "核查反馈",
        "verification",
        "采集员在现场的核查结论。",
        "The collector's finding on the spot.",
    ),
    "case.closing": (
        "人工结案",
        "closing",
        "指挥中心人工结案,并说明理由。",
        "The command centre closes a case by hand, and says why.",
    ),
    "case.dispatch": (
        "派遣",
        "dispatch",
        "要求一个单位处置案件的派遣单,含开始处置所需的全部内容。",
        "The order to one unit to handle a case, with everything it needs to start.",
    ),
    "case.verification_request": (
        "核查任务",
        "verification request",
        "枢纽请采集员到现场核查。",
        "The hub asks a collector to look at the spot.",
    ),
    "case.status": (
        "状态通知",
        "status notice",
        "告知单位:它可见的案件有了进展。",
        "Tells a unit that a case it may see has moved on.",
    ),
    "profile": (
        "接入档案",
        "profile",
        "枢纽对一个单位各连接所知的一切,一份文档。",
        "Everything the hub knows of one unit's connections, as one document.",
    ),
    "Place": (
        "位置",
        "place",
        "经纬度,单位为度,坐标系见 system。",
        "Longitude and latitude in degrees, in the datum that system names.",
    ),
    "Reporter": (
        "报告人",
        "reporter",
        "个人信息,与日志分开保存,可单独删除。",
        "Personal data, kept apart from the log and erasable alone.",
    ),
    "Attribute": (
        "属性",
        "attribute",
        "规则可能用到的事实,例如 zone、subtype、maintained_as、aspect。",
        "A fact that a rule may ask for, such as zone, subtype, maintained_as or aspect.",
    ),
    "Deadline": (
        "时限",
        "deadline",
        "何时到期、怎样计算、依据哪一档。",
        "Due when, reckoned how, from which tier.",
    ),
    "RestSettings": ("REST 推送", "REST push", "推送到哪里、怎样签名。", "Where to push, and how it is signed."),
    "ConnectionProfile": ("连接", "connection", "到达该单位的一种方式。", "One way to reach the unit."),
    "CoordinateSystem": ("坐标系", "datum"),
    "ReportSource": ("来源", "source"),
    "ReturnReason": ("退回原因", "why it is returned"),
    "FeedbackResult": ("处置结果", "what handling came to"),
    "Finding": ("核查结论", "finding"),
    "Signing": ("签名方式", "signing"),
}
"""What each contract and shared shape is called, and means: Chinese, English, a sentence in each."""

VALUES: Mapping[str, Mapping[str, str]] = {
    "CoordinateSystem": {
        "WGS84": "GPS",
        "CGCS2000": "国家大地坐标系 national",
        "GCJ02": "国内互联网地图 Chinese web maps",
    },
    "ReportSource": {
        "collector": "采集员 collector",
        "supervision": "政府监督 supervision",
        "citizen": "市民 citizen",
        "unit": "单位 unit",
    },
    "ReturnReason": {
        "not_responsible": "非本单位职责 not our duty",
        "wrong_place": "位置有误 the place is wrong",
        "not_found": "现场未发现 nothing found there",
        "other": "其他 other",
    },
    "FeedbackResult": {
        "done": "已处置 done",
        "removed_danger": "已排除危险 danger removed",
        "nothing_to_do": "无需处置 nothing to do",
    },
    "Finding": {"passed": "合格 passed", "failed": "不合格 failed"},
    "Signing": {"hmac-sha256": "HMAC-SHA256", "ed25519": "Ed25519", "both": "两者,换钥期间 both, during a change"},
}
"""What each fixed word means."""

FIELDS: Mapping[str, tuple[str, str]] = {
    "category_code": ("类别代码", "category code"),
    "category_name": ("类别名称", "category name"),
    "description": ("情况描述", "description"),
    "case.feedback.description": ("处置情况", "what was done"),
    "case.verification.description": ("核查情况", "what was found"),
    "place": ("位置", "place"),
    "source": ("来源", "source"),
    "observed_at": ("发现时间", "seen at"),
    "component_code": ("部件编码", "component code"),
    "photos": ("照片(附件编号)", "photos (attachment ids)"),
    "photos_before": ("处置前照片", "photos before"),
    "photos_after": ("处置后照片", "photos after"),
    "attributes": ("属性", "attributes"),
    "reporter": ("报告人", "reporter"),
    "name": ("名称", "name"),
    "Reporter.name": ("姓名", "name"),
    "value": ("值", "value"),
    "phone": ("电话", "telephone"),
    "longitude": ("经度", "longitude"),
    "latitude": ("纬度", "latitude"),
    "system": ("坐标系", "datum"),
    "address": ("地址", "address"),
    "reason": ("理由", "reason"),
    "unit_id": ("处置单位", "unit that handles"),
    "due_at": ("到期时间", "due at"),
    "case_number": ("案件号", "case number"),
    "dispatch_number": ("派遣序号", "number of the dispatch"),
    "round": ("轮次", "round"),
    "deadline": ("时限", "deadline"),
    "because": ("派遣依据", "why this unit"),
    "area_id": ("区域", "area"),
    "grid_cell": ("单元网格", "grid cell"),
    "finding": ("核查结论", "finding"),
    "case.dispatch.finding": ("上次核查情况", "what the last verification found"),
    "handler": ("处置人员", "who handles it"),
    "note": ("备注", "note"),
    "reason_code": ("退回原因", "why it is returned"),
    "responsible_unit_id": ("责任单位", "who is responsible"),
    "final": ("是否最终反馈", "final or a part"),
    "result": ("处置结果", "result"),
    "done_at": ("完成时间", "done at"),
    "handled_by": ("处置单位", "handled by"),
    "feedback": ("处置反馈", "feedback"),
    "closing_condition": ("结案标准", "closing standard"),
    "collector": ("采集员", "collector"),
    "version": ("案件版本", "version of the case"),
    "fact": ("事实", "fact"),
    "state": ("状态", "state"),
    "stage": ("阶段", "stage"),
    "changed_at": ("变更时间", "changed at"),
    "lead_unit_id": ("主办单位", "lead unit"),
    "acknowledge_by": ("签收期限", "acknowledge by"),
    "tier": ("时限档次", "tier"),
    "reckoned": ("计算方式", "how it is reckoned"),
    "provisional": ("是否暂定", "provisional"),
    "profile": ("档案格式版本", "version of this format"),
    "unit": ("单位", "unit"),
    "contact": ("联系方式", "contact"),
    "connections": ("连接", "connections"),
    "transport": ("传输方式", "transport"),
    "receives": ("接收的契约", "contracts that it receives"),
    "rest": ("REST 推送", "REST push"),
    "concurrency": ("并发上限", "letters at once"),
    "per_second": ("每秒上限", "letters a second"),
    "timeout_seconds": ("超时(秒)", "time limit in seconds"),
    "endpoint": ("推送地址", "address to push to"),
    "signing": ("签名方式", "signing"),
}
"""What each field is called, in Chinese and English; a name that means something else in one shape stands with it."""
