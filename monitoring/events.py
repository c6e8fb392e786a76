"""The table of events: what may be said, with which fields, and which metric counts it. The document is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event. ``labels`` become a counter's labels; ``seconds`` names a field that a histogram observes."""

    level: str
    zh: str
    en: str
    fields: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    seconds: tuple[str, ...] = ()
    amount: str | None = None


_LETTER = ("letter_id", "unit_id", "connection_id", "contract", "case_number", "attempt", "traceparent")

EVENTS: Mapping[str, EventRow] = {
    "hub.started": EventRow("info", "工作进程启动", "a worker started", ("roles", "slot", "version")),
    "hub.stopped": EventRow("info", "工作进程结束", "a worker ended", ("slot",)),
    "hub.not_ready": EventRow("error", "枢纽未能就绪", "the hub did not become ready", ("seconds",)),
    "worker.died": EventRow("error", "工作进程意外结束", "a worker died and is started again", ("slot", "status")),
    "database.started": EventRow("info", "数据库已启动", "the database was started", ("folder",)),
    "database.adopted": EventRow("info", "接管了在运行的数据库", "a running database was adopted", ("folder",)),
    "database.stopped": EventRow("info", "数据库已停止", "the database was stopped", ("folder",)),
    "database.left_running": EventRow(
        "info", "数据库留给其他使用者", "the database is left to its other users", ("folder",)
    ),
    "database.cut_off": EventRow(
        "warning", "数据库被强行结束", "the database was cut off", ("folder", "timeout_seconds")
    ),
    "migration.applied": EventRow("info", "已应用迁移", "a migration was applied", ("number", "name")),
    "backup.written": EventRow("info", "备份已写入", "a backup was written", ("file", "epoch", "last_position")),
    "backup.restored": EventRow("info", "备份已恢复", "a backup was restored", ("file", "epoch", "kept_as")),
    "directory.loaded": EventRow("info", "名录已载入", "a directory was loaded", ("version",)),
    "message.accepted": EventRow(
        "info",
        "消息已提交",
        "a message was decided and committed",
        ("contract", "unit_id", "message_id", "case_number", "seconds", "traceparent"),
        ("contract", "unit_id"),
        ("seconds",),
    ),
    "message.repeated": EventRow(
        "info",
        "重复消息,已给出首次答复",
        "a repeat got the first answer again",
        ("contract", "unit_id", "message_id", "case_number", "seconds", "traceparent"),
        ("contract", "unit_id"),
    ),
    "message.refused": EventRow(
        "info",
        "消息被拒绝",
        "a message was refused",
        ("contract", "unit_id", "message_id", "kind", "traceparent"),
        ("contract", "unit_id", "kind"),
    ),
    "message.shelved": EventRow(
        "warning", "原文已存入拒收架", "a refused message was kept raw", ("unit_id", "kind"), ("unit_id", "kind")
    ),
    "message.failed": EventRow(
        "error", "处理消息时出错", "deciding a message failed", ("contract", "unit_id", "fault"), ("contract",)
    ),
    "batch.committed": EventRow(
        "debug", "一批消息已提交", "a batch was committed", ("messages", "seconds"), (), ("seconds",), "messages"
    ),
    "batch.retried": EventRow("warning", "批次重试", "a batch is done again", ("reason", "messages"), ("reason",)),
    "batch.halved": EventRow(
        "warning", "批次拆半以找出问题消息", "a batch is halved", ("reason", "messages"), ("reason",)
    ),
    "letter.delivered": EventRow(
        "info",
        "信件已送达",
        "a letter was delivered",
        (*_LETTER, "receipt", "seconds", "wait_seconds"),
        ("unit_id", "contract", "receipt"),
        ("seconds", "wait_seconds"),
    ),
    "letter.held": EventRow(
        "warning",
        "信件暂存待重试",
        "a letter waits for its next try",
        (*_LETTER, "reason", "due_seconds"),
        ("unit_id",),
    ),
    "letter.buried": EventRow("error", "死信", "a letter is dead", (*_LETTER, "reason"), ("unit_id",)),
    "lane.acquired": EventRow("info", "取得通道", "a lane was acquired", ("connection_id", "fencing")),
    "lane.lost": EventRow("warning", "失去通道", "a lane was lost", ("connection_id",)),
    "lane.paused": EventRow(
        "error",
        "通道暂停,需人工处理",
        "a lane is paused and needs a person",
        ("connection_id", "unit_id", "reason"),
        ("unit_id",),
    ),
    "lane.resumed": EventRow("info", "通道恢复", "a lane goes on", ("connection_id",)),
    "lane.troubled": EventRow("warning", "通道受阻", "a lane was disturbed", ("connection_id", "reason")),
    "lanes.troubled": EventRow("warning", "通道管理受阻", "the lanes were disturbed", ("reason",)),
    "breaker.opened": EventRow(
        "warning", "对方连续失败,暂停投递", "a breaker opened", ("connection_id", "unit_id", "reason"), ("unit_id",)
    ),
    "breaker.closed": EventRow("info", "对方恢复", "a breaker closed", ("connection_id", "unit_id"), ("unit_id",)),
    "outcomes.retried": EventRow(
        "warning", "投递结果重写", "outcomes are written again", ("reason", "lanes"), ("reason",)
    ),
    "adapter.failed": EventRow("error", "适配器出错", "an adapter failed", ("connection_id", "fault")),
    "inbox.leased": EventRow(
        "info",
        "单位取件",
        "letters were handed out",
        ("connection_id", "unit_id", "letters"),
        ("unit_id",),
        (),
        "letters",
    ),
    "inbox.acknowledged": EventRow(
        "info",
        "单位确认收件",
        "letters were acknowledged",
        ("connection_id", "unit_id", "letters"),
        ("unit_id",),
        (),
        "letters",
    ),
    "key.issued": EventRow("info", "签发密钥", "a key was issued", ("unit_id", "key_id", "by")),
    "key.revoked": EventRow("info", "撤销密钥", "a key was revoked", ("key_id", "by")),
    "key.refused": EventRow("warning", "密钥被拒", "a key was refused", ("fault",), ("fault",)),
    "rate.exceeded": EventRow("warning", "请求过频", "a unit asks too often", ("unit_id",), ("unit_id",)),
    "request.refused": EventRow("info", "请求被拒", "a request was refused", ("kind", "path"), ("kind",)),
    "request.failed": EventRow("error", "请求出错", "a request failed", ("path", "fault", "traceparent"), ("path",)),
    "attachment.stored": EventRow("info", "照片已存", "a photo was kept", ("unit_id", "size_bytes"), ("unit_id",)),
    "unit.applied": EventRow("info", "接入档案已应用", "a profile was applied", ("unit_id", "version", "by")),
    "unit.approved": EventRow("info", "单位已批准上线", "a unit was approved", ("unit_id", "state", "by")),
    "unit.moved": EventRow("info", "单位状态改变", "a unit's state changed", ("unit_id", "state", "by")),
    "partition.created": EventRow("info", "新建月分区", "a month's partitions were made", ("month",)),
    "signals.troubled": EventRow("warning", "通知连接中断", "the notification connection was lost", ("reason",)),
    "store.troubled": EventRow("error", "数据库不可用", "the database is unavailable", ("reason",), ("reason",)),
    "task.died": EventRow("error", "任务异常结束", "a task died", ("task", "fault")),
}
"""Every event: ``noun.past_verb``."""


def document() -> str:
    """The table as a page, for ``docs/events.md``."""
    lines = [
        "# 事件 / Events",
        "",
        "由事件表生成;日志与指标都数这些事件。 Generated from the table that logs and metrics are counted from.",
        "",
        "| event | level | 中文 | English | fields | counter labels |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in EVENTS.items():
        fields = ", ".join(f"`{field}`" for field in row.fields)
        labels = ", ".join(f"`{label}`" for label in row.labels)
        lines.append(f"| `{name}` | {row.level} | {row.zh} | {row.en} | {fields} | {labels} |")
    return "\n".join(lines) + "\n"
