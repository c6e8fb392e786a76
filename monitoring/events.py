"""The table of events: what may be said, with which fields, and what counts it. Logs, metrics and the page read it.

An event is ``noun.past_verb``. Its fields are a line of words, ``?`` after those that may be missing; every event may
carry ``traceparent`` besides. Fields hold ids, fixed words and numbers: no names, no phone numbers, no texts of
messages. What counts is counted by few labels: units, contracts, kinds, never a case or a letter.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitoring.event import SIZES, WAITS, Event, Histogram, Level
from monitoring.event import event as _row

DEBUG, INFO, WARNING, ERROR = Level
LETTER = "letter_id unit_id connection_id contract case_number attempt"
MESSAGE = "contract unit_id message_id case_number? seconds?"

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
    "month.dropped": _row(
        WARNING,
        "过保存期的月份已删除",
        "a month past its retention was dropped",
        "month cases entries letters last_position by",
        counts="months_dropped",
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

OF_MESSAGES: Mapping[str, Event] = {
    "message.accepted": _row(
        INFO,
        "消息已受理并提交",
        "a message was decided and committed",
        MESSAGE,
        counts="messages_accepted",
        by="contract unit_id",
        spreads=(Histogram("message_acceptance_seconds", "seconds", ("contract",)),),
    ),
    "message.repeated": _row(
        INFO,
        "重复消息,已给出首次答复",
        "a repeat got the first answer again",
        MESSAGE,
        counts="messages_repeated",
        by="contract unit_id",
    ),
    "message.refused": _row(
        INFO,
        "消息被拒绝",
        "a message was refused",
        "contract unit_id message_id kind case_number?",
        counts="messages_refused",
        by="contract unit_id kind",
    ),
    "message.shelved": _row(
        WARNING,
        "原文已存入拒收架",
        "a refused message was kept raw",
        "unit_id kind",
        counts="messages_shelved",
        by="unit_id kind",
    ),
    "message.replayed": _row(
        INFO,
        "拒收的原文按改好的档案重放",
        "a refused message was read again and took effect",
        "unit_id refused_id case_number by",
        counts="messages_replayed",
        by="unit_id",
    ),
    "message.failed": _row(
        ERROR,
        "处理消息时出错",
        "deciding a message failed",
        "contract unit_id fault message_id?",
        counts="messages_failed",
        by="contract",
    ),
    "batch.committed": _row(
        DEBUG,
        "一批消息已提交",
        "a batch was committed",
        "messages seconds",
        counts="batches_committed",
        spreads=(Histogram("batch_commit_seconds", "seconds"), Histogram("batch_messages", "messages", (), SIZES)),
    ),
    "batch.retried": _row(
        WARNING, "批次重试", "a batch is done again", "reason messages", counts="batches_retried", by="reason"
    ),
    "batch.overtaken": _row(
        INFO,
        "裁决所依据的已经改变,重新裁决",
        "what a batch was decided on has changed: it is decided again",
        "reason messages",
        counts="batches_overtaken",
        by="reason",
    ),
    "batch.halved": _row(
        WARNING,
        "批次拆半以找出问题消息",
        "a batch is halved to find the message that spoils it",
        "reason messages",
        counts="batches_halved",
        by="reason",
    ),
    "attachment.stored": _row(
        INFO, "照片已存", "a photo was kept", "unit_id size_bytes", counts="attachments_stored", by="unit_id"
    ),
}

OF_LETTERS: Mapping[str, Event] = {
    "letter.delivered": _row(
        INFO,
        "信件已送达",
        "a letter was delivered",
        f"{LETTER} receipt seconds wait_seconds",
        counts="letters_delivered",
        by="unit_id contract receipt",
        spreads=(
            Histogram("letter_delivery_seconds", "seconds", ("unit_id",)),
            Histogram("letter_wait_seconds", "wait_seconds", ("unit_id",), WAITS),
        ),
    ),
    "letter.held": _row(
        WARNING,
        "信件暂存待重试",
        "a letter waits for its next try",
        f"{LETTER} reason due_seconds",
        counts="letters_held",
        by="unit_id contract",
    ),
    "letter.buried": _row(
        ERROR,
        "信件成为死信,需人工处理",
        "a letter is dead and needs a person",
        "letter_id unit_id reason connection_id? contract? case_number? attempt?",
        counts="letters_buried",
        by="unit_id contract",
    ),
    "letter.replayed": _row(
        INFO,
        "死信已重投",
        "a dead letter was put back",
        "letter_id by",
        counts="letters_replayed",
    ),
    "letter.cancelled": _row(
        INFO,
        "信件已撤销",
        "a letter was cancelled",
        "letter_id by",
        counts="letters_cancelled",
    ),
    "inbox.leased": _row(
        INFO,
        "单位取件",
        "letters were handed out to a unit",
        "connection_id unit_id letters",
        counts="inbox_letters_leased",
        by="unit_id",
        amount="letters",
    ),
    "inbox.acknowledged": _row(
        INFO,
        "单位确认收件",
        "a unit acknowledged letters",
        "connection_id unit_id letters",
        counts="inbox_letters_acknowledged",
        by="unit_id",
        amount="letters",
    ),
    "outcomes.retried": _row(
        WARNING, "投递结果重写", "outcomes are written again", "reason lanes", counts="outcomes_retried", by="reason"
    ),
}

OF_LANES: Mapping[str, Event] = {
    "lane.acquired": _row(INFO, "取得通道", "a lane was acquired", "connection_id fencing", counts="lanes_acquired"),
    "lane.lost": _row(WARNING, "失去通道", "a lane was lost", "connection_id", counts="lanes_lost"),
    "lane.paused": _row(
        ERROR,
        "通道暂停,需人工处理",
        "a lane is paused and needs a person",
        "connection_id unit_id reason",
        counts="lanes_paused",
        by="unit_id",
    ),
    "lane.resting": _row(
        INFO,
        "单位按档案暂不收件(维护窗口、接收时间之外)",
        "a lane rests: by its profile the unit takes no letters now",
        "connection_id unit_id until reason",
        counts="lanes_rested",
        by="unit_id",
    ),
    "lane.woke": _row(INFO, "单位恢复收件", "a lane's rest is over", "connection_id unit_id", counts="lanes_woken"),
    "lane.resumed": _row(INFO, "通道恢复", "a lane goes on", "connection_id by?", counts="lanes_resumed"),
    "lane.troubled": _row(WARNING, "通道受阻", "a lane was disturbed", "connection_id reason", counts="lane_troubles"),
    "lanes.troubled": _row(
        WARNING, "通道管理受阻", "the keeper of lanes was disturbed", "reason", counts="lanes_keeper_troubles"
    ),
    "adapter.failed": _row(ERROR, "适配器出错", "an adapter failed", "connection_id fault", counts="adapters_failed"),
    "breaker.opened": _row(
        WARNING,
        "对方连续失败,暂停投递",
        "a breaker opened: the unit is left alone",
        "connection_id unit_id reason",
        counts="breakers_opened",
        by="unit_id",
    ),
    "breaker.closed": _row(
        INFO,
        "对方恢复",
        "a breaker closed: the unit answers",
        "connection_id unit_id",
        counts="breakers_closed",
        by="unit_id",
    ),
}

OF_BROKERS: Mapping[str, Event] = {
    "queue.provided_again": _row(
        WARNING,
        "队列不见了,已重建",
        "a queue was gone and was made again",
        "connection_id unit_id queue",
        counts="queues_provided_again",
        by="unit_id",
    ),
    "message.died": _row(
        WARNING,
        "队列放弃了一条消息,已留存",
        "a queue gave a message up; it is kept on the shelf",
        "connection_id unit_id message_id queue reason",
        counts="messages_died",
        by="unit_id reason",
    ),
    "broker.changed": _row(
        INFO,
        "消息服务器上的设置已更新",
        "something was made, changed or removed on the broker",
        "connection_id what",
        counts="broker_changes",
    ),
    "broker.troubled": _row(
        WARNING,
        "消息服务器的设置无法核对",
        "what is on the broker could not be seen to",
        "reason connection_id?",
        counts="broker_troubles",
    ),
}

OF_SOURCES: Mapping[str, Event] = {
    "source.acquired": _row(
        INFO, "取得来源", "a source was acquired", "connection_id fencing", counts="sources_acquired"
    ),
    "source.lost": _row(WARNING, "失去来源", "a source was lost", "connection_id", counts="sources_lost"),
    "source.troubled": _row(
        WARNING,
        "来源受阻,稍后再取",
        "nothing can be collected from a source now",
        "connection_id unit_id reason",
        counts="source_troubles",
        by="unit_id",
    ),
    "sources.troubled": _row(
        WARNING, "来源管理受阻", "the keeper of sources was disturbed", "reason", counts="sources_keeper_troubles"
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
    "answer.unmapped": _row(
        WARNING,
        "应答有字段写不出",
        "fields of an answer could not be written as the profile says",
        "connection_id reason",
        counts="answers_unmapped",
        by="connection_id",
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
