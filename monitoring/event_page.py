"""The table of events as a page."""

from __future__ import annotations

from monitoring.event import Event
from monitoring.events import GROUPS


def document() -> str:
    """The table as a page, ``docs/events.md``."""
    lines = [
        "# 事件与指标 / Events and metrics",
        "",
        "由 `monitoring/events.py` 的事件表生成;日志与指标说的是同一件事。",
        "Generated from the table in `monitoring/events.py`: logs and metrics tell the same events.",
        "",
        "每行日志是一个 JSON 对象:`at`(机器时间,RFC 3339)、`level`、`event`、表中的字段,以及 `trace_id`、`span_id`;",
        "出错时另有 `fault_id`、`frames`。方括号中的字段可缺。",
        "A log line is one JSON object: `at` (machine time), `level`, `event`, the fields below (those in brackets may",
        "be missing), `trace_id` and `span_id`; `fault_id` and `frames` where there was a fault.",
        "A metric's name begins with `cityhub_`, its labels stand in braces.",
    ]
    for zh, en, rows in GROUPS:
        lines += ["", f"## {zh} / {en}", "", "| 事件 event | 级别 level | 含义 meaning | 字段 fields | 指标 metrics |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        for name, row in rows.items():
            fields = [f"`{field}`" for field in row.required] + [f"[`{field}`]" for field in row.optional]
            metrics = [f"`{metric}`" for metric in _metrics(row)]
            cells = (f"`{name}`", row.level, f"{row.zh} {row.en}", ", ".join(fields), "<br>".join(metrics))
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _metrics(row: Event) -> list[str]:
    counter = [f"{row.counts}_total{{{', '.join(row.labels)}}}" if row.labels else f"{row.counts}_total"]
    spread = [f"{each.name}{{{', '.join(each.labels)}}}" if each.labels else each.name for each in row.spreads]
    return (counter if row.counts else []) + spread
