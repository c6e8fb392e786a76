"""What a profile's own parts are called, in Chinese and in English; ``contracts.titles`` takes them in."""

from __future__ import annotations

from collections.abc import Mapping

SHAPES: Mapping[str, tuple[str, ...]] = {
    "IdRules": (
        "标识规则",
        "id rules",
        "消息标识由什么构成;同一连接的同一标识只生效一次。",
        "What a message's id is made of; the same id from the same connection takes effect once.",
    ),
    "IdRule": ("标识来源", "where the id is from"),
    "NumberFormat": (
        "数字格式",
        "number format",
        "单位怎样写数字:1,234.50 有千分位,0042 有四位。",
        "How the unit writes numbers: 1,234.50 is grouped, 0042 has four digits.",
    ),
    "DecimalPoint": ("小数点", "decimal point"),
    "Contact": ("联系人", "contact", "出了问题找谁,电话或邮箱。", "Whom to call, by telephone or mail."),
    "ContactRole": ("联系人职责", "role of a contact"),
    "ContractVersion": ("契约版本", "contract version"),
    "Retry": (
        "重试",
        "retry",
        "投递失败后怎样再试;间隔由首次逐步增至最长,时限临近时更短。",
        "How a letter that failed is tried again; pauses grow, and a deadline shortens them.",
    ),
    "Maintenance": (
        "维护窗口",
        "maintenance windows",
        "窗口内信件等待,不算失败;时间按城市所在时区。",
        "Letters wait, and nothing counts as a failure; wall time of the city.",
    ),
    "DatedWindow": ("一次性窗口", "dated window", "某日某时起至某时止。", "From one moment until another."),
    "WeeklyWindow": ("每周窗口", "weekly window", "每周固定时间;止早于起则过夜。", "Each week; it may run overnight."),
    "WeeklyHours": ("每周时段", "weekly hours", "每周固定时间;止早于起则过夜。", "Each week; they may run overnight."),
    "Weekday": ("星期", "day of the week"),
    "Opening": (
        "接收时间",
        "calendar",
        "单位系统接收普通信件的时间;紧急信件随时投递。",
        "The hours in which the unit takes ordinary letters; urgent ones go at any hour.",
    ),
}

VALUES: Mapping[str, Mapping[str, str]] = {
    "IdRule": {
        "mapped": "映射所得,没有则取内容摘要",
        "content": "内容摘要",
        "both": "映射所得加内容摘要",
        "fields": "若干字段的摘要",
    },
    "DecimalPoint": {".": "点 point", ",": "逗号 comma"},
    "ContactRole": {"duty": "值班", "technical": "技术", "business": "业务"},
    "ContractVersion": {"1.0": "1.0"},
    "Weekday": {
        **{"mon": "星期一", "tue": "星期二", "wed": "星期三", "thu": "星期四", "fri": "星期五"},
        **{"sat": "星期六", "sun": "星期日"},
    },
}

FIELDS: Mapping[str, tuple[str, str]] = {
    "ids": ("标识规则", "id rules"),
    "IdRules.rule": ("来源", "where it is from"),
    "IdRules.of": ("字段路径", "paths of the fields"),
    "IdRules.prefix": ("前缀", "prefix"),
    "IdRules.per_contract": ("各契约分别计", "apart for each contract"),
    "Rule.number": ("数字格式", "number format"),
    "NumberFormat.point": ("小数点", "decimal point"),
    "NumberFormat.grouping": ("千分位", "grouping"),
    "NumberFormat.digits": ("整数位数(补零)", "digits of a whole number, filled with zeros"),
    "contacts": ("联系人", "contacts"),
    "contract_version": ("契约版本", "contract version"),
    "retry": ("重试", "retry"),
    "maintenance": ("维护窗口", "maintenance windows"),
    "calendar": ("接收时间", "calendar"),
    "Contact.name": ("姓名或岗位", "name or desk"),
    "Contact.role": ("职责", "role"),
    "Contact.phone": ("电话", "telephone"),
    "Contact.mail": ("邮箱", "mail address"),
    "Retry.attempts_max": ("最多次数", "most attempts"),
    "Retry.first_pause_seconds": ("首次间隔(秒)", "first pause in seconds"),
    "Retry.longest_pause_seconds": ("最长间隔(秒)", "longest pause in seconds"),
    "Maintenance.dated": ("一次性窗口", "dated windows"),
    "Maintenance.weekly": ("每周窗口", "weekly windows"),
    "Opening.hours": ("时段", "hours"),
    "Opening.working_days": ("只在工作日(按城市工作日历)", "only on the city's working days"),
    "WeeklyHours.days": ("星期(不写为每天)", "days of the week, every day if none"),
    "WeeklyWindow.days": ("星期(不写为每天)", "days of the week, every day if none"),
    "DatedWindow.from": ("起", "from"),
    "WeeklyHours.from": ("起", "from"),
    "WeeklyWindow.from": ("起", "from"),
    "DatedWindow.until": ("止", "until"),
    "WeeklyHours.until": ("止", "until"),
    "WeeklyWindow.until": ("止", "until"),
    "DatedWindow.urgent": ("紧急信件照常投递", "urgent letters go all the same"),
    "WeeklyWindow.urgent": ("紧急信件照常投递", "urgent letters go all the same"),
    "DatedWindow.note": ("说明", "note"),
    "WeeklyWindow.note": ("说明", "note"),
}
