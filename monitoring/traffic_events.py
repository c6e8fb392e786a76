"""The part of the table of events that tells of traffic: messages in, letters out, their lanes, sources and brokers."""

from __future__ import annotations

from collections.abc import Mapping

from monitoring.event import SIZES, WAITS, Event, Histogram, Level
from monitoring.event import event as _row

DEBUG, INFO, WARNING, ERROR = Level


LETTER = "letter_id unit_id connection_id contract case_number attempt"


MESSAGE = "contract unit_id message_id case_number? seconds?"


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
