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
}

VALUES: Mapping[str, Mapping[str, str]] = {
    "IdRule": {
        "mapped": "映射所得,没有则取内容摘要",
        "content": "内容摘要",
        "both": "映射所得加内容摘要",
        "fields": "若干字段的摘要",
    },
}

FIELDS: Mapping[str, tuple[str, str]] = {
    "ids": ("标识规则", "id rules"),
    "IdRules.rule": ("来源", "where it is from"),
    "IdRules.of": ("字段路径", "paths of the fields"),
    "IdRules.prefix": ("前缀", "prefix"),
    "IdRules.per_contract": ("各契约分别计", "apart for each contract"),
}
