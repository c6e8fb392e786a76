"""The table of events: what may be said, with which fields, and what counts it. Logs, metrics and the document read it.

An event is ``noun.past_verb``. Its fields are a line of words, ``?`` after those that may be missing; every event may
carry ``traceparent`` besides. Fields hold ids, fixed words and numbers: no names, no phone numbers, no texts of
messages. What counts is counted by few labels: units, contracts, kinds, never a case or a letter.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitoring.event import Event, Level
from monitoring.event import event as _row
from monitoring.traffic_events import OF_BROKERS, OF_LANES, OF_LETTERS, OF_MESSAGES, OF_SOURCES

DEBUG, INFO, WARNING, ERROR = Level

OF_THE_HUB: Mapping[str, Event] = {
    "hub.started": _row(INFO, "工作进程启动", "a worker started", "roles slot version", counts="hub_starts", by="slot"),
    "hub.not_ready": _row(ERROR, "系统未能按时就绪", "the hub was not ready in time", "seconds"),
    "hub.stopped": _row(INFO, "工作进程结束", "a worker ended", "slot"),
    "worker.died": _row(ERROR, "工作进程意外退出,将重启", "a worker died and is started again", "slot status"),
    "task.died": _row(ERROR, "任务异常结束", "a task died", "task fault", counts="tasks_died"),
    "check.failed": _row(
        ERROR, "就绪检查未通过", "a readiness check fails", "check cause", counts="checks_failed", by="check"
    ),
    "check.passed": _row(INFO, "就绪检查恢复", "a readiness check passes again", "check down_seconds"),
    "directory.unreadable": _row(
        ERROR, "新名录读不了,沿用现有的", "a new directory cannot be read: the present one goes on", "fault"
    ),
    "directory.loaded": _row(INFO, "名录已载入", "a directory was loaded", "version", counts="directories_loaded"),
}

OF_THE_STORE: Mapping[str, Event] = {
    "database.started": _row(INFO, "数据库已启动", "the database was started", "folder"),
    "database.adopted": _row(INFO, "接管运行中的数据库", "a running database was adopted", "folder"),
    "database.stopped": _row(INFO, "数据库已停止", "the database was stopped", "folder"),
    "database.lost": _row(
        ERROR, "数据库意外结束", "the database died and is started again", "folder", counts="database_losses"
    ),
    "database.not_started": _row(
        ERROR, "数据库未能重新启动", "the database could not be started again", "folder fault"
    ),
    "database.left_running": _row(
        INFO, "数据库仍有人用,保持运行", "the database has other users and runs on", "folder"
    ),
    "database.cut_off": _row(
        WARNING, "数据库超时未停,已强制停止", "the database was cut off after its time", "folder timeout_seconds"
    ),
    "store.troubled": _row(
        ERROR, "数据库不可用", "the database does not answer", "reason", counts="store_troubles", by="reason"
    ),
    "timekeeper.troubled": _row(
        WARNING, "计时受阻", "the timekeeper was disturbed", "reason", counts="timekeeper_troubles"
    ),
    "signals.troubled": _row(
        WARNING, "通知连接中断", "the notification connection was lost", "reason", counts="signal_troubles"
    ),
    "migration.applied": _row(
        INFO, "数据库迁移已执行", "a migration was applied", "number name", counts="migrations_applied"
    ),
    "partition.created": _row(
        INFO, "新建月分区", "a month's partitions were made", "month", counts="partitions_created"
    ),
    "partition.dropped": _row(
        WARNING,
        "一个月的案件已过保存期,已删除",
        "a month of cases was past its retention and went",
        "month cases entries letters last_position by",
    ),
    "backup.written": _row(
        INFO,
        "备份已写出",
        "a backup was written",
        "file epoch last_position seconds? size_bytes?",
        counts="backups_written",
    ),
    "backup.restored": _row(
        WARNING, "已从备份恢复", "a backup was restored", "file epoch kept_as? seconds?", counts="backups_restored"
    ),
}


OF_THE_FACE: Mapping[str, Event] = {
    "key.issued": _row(INFO, "签发密钥", "a key was issued", "unit_id key_id by", counts="keys_issued"),
    "key.revoked": _row(INFO, "撤销密钥", "a key was revoked", "key_id by", counts="keys_revoked"),
    "secret.kept": _row(
        INFO, "存入单位密钥", "a unit's secret was kept", "unit_id name version by", counts="secrets_kept"
    ),
    "secret.removed": _row(
        INFO, "移除单位密钥", "a unit's secret was removed", "unit_id name by", counts="secrets_removed"
    ),
    "key.refused": _row(WARNING, "密钥被拒", "a key was refused", "fault", counts="keys_refused", by="fault"),
    "request.refused": _row(
        INFO, "请求被拒", "a request was refused", "kind path", counts="requests_refused", by="kind"
    ),
    "request.failed": _row(ERROR, "请求出错", "a request failed", "path fault", counts="requests_failed", by="path"),
    "rate.exceeded": _row(
        WARNING, "请求过频", "a unit asks too often", "unit_id", counts="rates_exceeded", by="unit_id"
    ),
    "register.imported": _row(
        INFO,
        "部件台账已导入",
        "a register file was imported",
        "import_id by added changed_owner changed unchanged moves",
        counts="register_imports",
    ),
    "unit.applied": _row(INFO, "接入档案已应用", "a profile was applied", "unit_id version by", counts="units_applied"),
    "unit.approved": _row(INFO, "单位已批准上线", "a unit was approved", "unit_id state by", counts="units_approved"),
    "unit.moved": _row(INFO, "单位状态改变", "a unit's state changed", "unit_id state by", counts="units_moved"),
}

OF_OURSELVES: Mapping[str, Event] = {
    "event.unknown": _row(
        ERROR, "说了事件表以外的事", "something outside this table was said", "name wrong", counts="events_unknown"
    ),
    "line.lost": _row(ERROR, "日志行未能写出", "a log line could not be written", counts="log_lines_lost"),
    "series.merged": _row(
        WARNING,
        "标签取值过多,合并计数",
        "a metric has too many label values: new ones count as other",
        "metric",
        counts="series_merged",
    ),
    "snapshot.failed": _row(
        WARNING,
        "计数快照无法读写",
        "a snapshot of the counts cannot be written or read",
        "file fault",
        counts="snapshots_failed",
    ),
    "gauges.failed": _row(
        WARNING, "状态量无法取得", "the gauges of the moment could not be asked", "fault", counts="gauges_failed"
    ),
    "library.said": _row(WARNING, "所用的库的日志", "a library's own log line", "logger text fault?"),
}

GROUPS = (
    ("系统", "the hub", OF_THE_HUB),
    ("存储", "the store", OF_THE_STORE),
    ("消息", "messages", OF_MESSAGES),
    ("信件", "letters", OF_LETTERS),
    ("通道", "lanes", OF_LANES),
    ("来源", "sources", OF_SOURCES),
    ("消息服务器", "brokers", OF_BROKERS),
    ("门户", "the public face", OF_THE_FACE),
    ("自身", "ourselves", OF_OURSELVES),
)

EVENTS: Mapping[str, Event] = {name: row for _, _, rows in GROUPS for name, row in rows.items()}
"""Every event there is."""

COMMON = frozenset({"traceparent"})
"""What any event may carry besides its own fields."""
