"""Problems: every refusal of the hub, as RFC 9457 says, with a sentence in Chinese and in English.

``PROBLEMS`` is the one table: a problem's kind, its HTTP status, its titles, whether sending the same again may help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PROBLEM_BASE = "https://cityhub.example/problems/"
"""Where the kinds are named; the running hub serves the same pages under ``/problems/``."""

SENTENCE_MAX = 4000


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One row of the table of problems."""

    status: int
    title_zh: str
    title_en: str
    retryable: bool = False


PROBLEMS: Mapping[str, ProblemKind] = {
    "contract_broken": ProblemKind(422, "消息不符合契约", "The message breaks its contract"),
    "not_json": ProblemKind(400, "消息不是有效的 JSON", "The message is not valid JSON"),
    "not_a_message": ProblemKind(400, "消息缺少必要的信封属性", "The message lacks what its envelope must carry"),
    "contract_unknown": ProblemKind(422, "没有这种契约", "There is no such contract"),
    "media_type_unsupported": ProblemKind(415, "不支持的内容类型", "The content type is not supported"),
    "too_large": ProblemKind(413, "消息过大", "The message is too large"),
    "too_deep": ProblemKind(422, "消息嵌套过深", "The message is nested too deeply"),
    "too_slow": ProblemKind(408, "请求体传得太慢", "The body comes too slowly", retryable=True),
    "batch_too_large": ProblemKind(413, "批量消息过多", "The batch has too many messages"),
    "too_many_requests": ProblemKind(429, "请求过于频繁", "Too many requests", retryable=True),
    "overloaded": ProblemKind(503, "系统繁忙,请稍后重发", "The hub is busy, send again later", retryable=True),
    "store_unavailable": ProblemKind(
        503, "存储暂不可用,请重发", "The store is unavailable, send again", retryable=True
    ),
    "unauthenticated": ProblemKind(401, "未通过身份验证", "Not authenticated"),
    "forbidden": ProblemKind(403, "无权执行此操作", "Not allowed"),
    "not_found": ProblemKind(404, "未找到", "Not found"),
    "method_not_allowed": ProblemKind(405, "不支持该请求方法", "The method is not allowed"),
    "query_invalid": ProblemKind(422, "查询参数有误", "A query parameter is wrong"),
    "header_invalid": ProblemKind(400, "请求头有误", "A header is wrong"),
    "key_reused": ProblemKind(422, "该消息标识已用于不同内容", "This id was already used for other content"),
    "version_moved": ProblemKind(412, "案件已有更新,请重新读取", "The case has moved on, read it again"),
    "step_not_allowed": ProblemKind(409, "案件当前状态不允许此步骤", "The case's state does not allow this step"),
    "not_responsible": ProblemKind(409, "案件已不由该单位处置", "The case is not with this unit (any more)"),
    "deadline_passed": ProblemKind(409, "时限已过", "The deadline has passed"),
    "already_asked": ProblemKind(409, "已有同类申请待审批", "The same question already waits for its answer"),
    "nothing_asked": ProblemKind(409, "没有待审批的申请", "Nothing waits for this decision"),
    "nothing_due": ProblemKind(409, "此刻没有到期事项", "Nothing is due now"),
    "extensions_used_up": ProblemKind(409, "延期次数已用完", "All extensions are used up"),
    "case_unknown": ProblemKind(404, "没有该案件", "There is no such case"),
    "unit_unknown": ProblemKind(422, "没有该单位", "There is no such unit"),
    "category_unknown": ProblemKind(422, "没有该类别", "There is no such category"),
    "attachment_unknown": ProblemKind(422, "没有该附件", "There is no such attachment"),
    "attachment_invalid": ProblemKind(422, "附件不是可接受的图片", "The attachment is not an accepted picture"),
    "place_impossible": ProblemKind(422, "坐标不可能存在", "The coordinates are impossible"),
    "moment_impossible": ProblemKind(422, "时间不合理", "The time is impossible"),
    "mode_mismatch": ProblemKind(409, "消息与案件的模式不一致", "The message's mode is not the case's"),
    "cursor_gone": ProblemKind(410, "游标已失效,请取快照", "The cursor is no longer valid, take a snapshot"),
    "month_kept": ProblemKind(409, "该月数据还须保留", "The month must be kept"),
    "period_gone": ProblemKind(410, "该期数据已过保存期", "The period is past its retention"),
    "lease_lost": ProblemKind(409, "租约已失效", "The lease is lost"),
    "letter_waits": ProblemKind(
        409, "同案更早的信件未了结,请先处理它", "An earlier letter of the case waits: replay or cancel that first"
    ),
    "document_invalid": ProblemKind(400, "文档无法读取", "The document cannot be read"),
    "mapping_failed": ProblemKind(422, "无法按接入档案映射", "The profile's mapping does not take it"),
    "mapping_parked": ProblemKind(
        422, "含未知代码,等待管理员补充码表", "It holds an unknown code and waits for the administrator"
    ),
    "dead_lettered": ProblemKind(422, "消息被队列转为死信", "A queue has given the message up"),
    "already_settled": ProblemKind(409, "该拒收消息已处理", "The refused message is settled already"),
    "profile_invalid": ProblemKind(422, "接入档案有误", "The profile is wrong"),
    "register_invalid": ProblemKind(422, "部件台账文件有误", "The register file is wrong"),
    "internal": ProblemKind(500, "内部错误", "Internal error", retryable=True),
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault in what was sent: where (a JSON Pointer into it) and what, in both languages."""

    pointer: str
    zh: str
    en: str
    rule: str = ""


# Not frozen: contextlib sets an exception's traceback.
@dataclass(eq=False)
class Problem(Exception):
    """A refusal with everything the sender needs to mend it."""

    kind: str
    zh: str = ""
    en: str = ""
    violations: tuple[Violation, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    retry_after_seconds: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status of this kind of problem."""
        return PROBLEMS[self.kind].status

    def document(self, language: str = "zh-CN", instance: str | None = None) -> dict[str, Any]:
        """The RFC 9457 object in the caller's language; ``errors`` lists every violation."""
        row, chinese = PROBLEMS[self.kind], not language.startswith("en")
        made: dict[str, Any] = {
            "type": PROBLEM_BASE + self.kind,
            "title": row.title_zh if chinese else row.title_en,
            "status": row.status,
            "detail": (self.zh if chinese else self.en) or (row.title_zh if chinese else row.title_en),
            "retryable": row.retryable,
        }
        if instance:
            made["instance"] = instance
        if self.violations:
            made["errors"] = [
                {
                    "pointer": violation.pointer,
                    "detail": violation.zh if chinese else violation.en,
                    "detail_zh": violation.zh,
                    "detail_en": violation.en,
                    "rule": violation.rule,
                }
                for violation in self.violations
            ]
        made.update(self.fields)
        return made

    def sentences(self) -> tuple[str, str]:
        """What a person reads who sees nothing but a text, in Chinese and in English: with the first violations."""
        row = PROBLEMS[self.kind]
        zh, en = self.zh or row.title_zh, self.en or row.title_en
        first = self.violations[:5]
        if first:
            zh += " " + ";".join(f"{each.pointer} {each.zh}" for each in first)
            en += " " + "; ".join(f"{each.pointer} {each.en}" for each in first)
        return zh[:SENTENCE_MAX], en[:SENTENCE_MAX]

    def __str__(self) -> str:
        return f"{self.kind}: {self.en or PROBLEMS[self.kind].title_en}"
