"""What the pages say, in both languages. Names of states, steps and stages are the life cycle's own."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from hub.life_cycle import Word


class Language(StrEnum):
    """The languages of the pages, Chinese first."""

    ZH = "zh"
    EN = "en"


TAG: Mapping[Language, str] = {Language.ZH: "zh-CN", Language.EN: "en"}
"""As HTML and HTTP name them."""

TEXTS: Final[Mapping[str, Word]] = {
    # Everywhere
    "product": Word("城市管理枢纽", "CityHub"),
    "console": Word("指挥中心工作台", "Command centre console"),
    "skip": Word("跳到正文", "Skip to the content"),
    "language": Word("语言", "Language"),
    "find_case": Word("案件号", "Case number"),
    "find": Word("查找", "Find"),
    "sign_out": Word("退出", "Sign out"),
    "none": Word("无", "none"),
    "back": Word("返回今日总览", "Back to the overview"),
    "printed": Word("打印于", "Printed"),
    "monthly": Word("月度通报", "Monthly notice"),
    # Signing in
    "sign_in": Word("登录", "Sign in"),
    "sign_in_lead": Word(
        "请用指挥中心或管理员的接口密钥登录。", "Sign in with an API key of the command centre or of an administrator."
    ),
    "key": Word("接口密钥", "API key"),
    "key_hint": Word(
        "以 chk_ 开头。首次启动时显示过一次;也可以用 cityhub keys issue 另发一把。",
        "It begins with chk_. The first start showed one once; cityhub keys issue makes another.",
    ),
    "key_missing": Word("请输入接口密钥。", "Enter your API key."),
    "not_allowed": Word(
        "这把密钥属于一个单位,不能打开指挥中心工作台。",
        "This key belongs to a unit and does not open the command centre's console.",
    ),
    "too_often": Word("尝试过于频繁,请稍后再试。", "Too many tries; wait a moment."),
    "other_site": Word("请求来自其他网站,未予办理。", "The request came from another site and was not carried out."),
    # Notices
    "case_unknown": Word("没有这个案件", "There is no such case"),
    "case_unknown_lead": Word(
        "案件号形如 330800-20261123-000042,请核对。",
        "A case number looks like 330800-20261123-000042; please check it.",
    ),
    "unavailable": Word("暂时无法读取数据", "The data cannot be read just now"),
    "unavailable_lead": Word(
        "数据库没有应答,已收到的消息不会丢失。请稍候重试。",
        "The database does not answer. Nothing received is lost; try again in a moment.",
    ),
    "refused": Word("无法办理", "This cannot be done"),
    # Overview
    "overview": Word("案件总览", "Cases of the day"),
    "today": Word("今天", "today"),
    "previous_day": Word("前一天", "Previous day"),
    "next_day": Word("后一天", "Next day"),
    "city_clock": Word("城市时钟", "City clock"),
    "mode": Word("模式", "Mode"),
    "mode_live": Word("实战", "Live"),
    "mode_drill": Word("演练", "Drill"),
    "mode_test": Word("测试", "Test"),
    "figures": Word("当日数字", "Figures of the day"),
    "reported": Word("上报", "Reported"),
    "accepted": Word("受理", "Accepted"),
    "closed": Word("结案", "Closed"),
    "late": Word("超时", "Late"),
    "of_reported": Word("占上报", "of those reported"),
    "of_accepted": Word("占受理", "of those accepted"),
    "late_note": Word("全部在办案件", "of all cases in hand"),
    "flow": Word("案件所处环节", "Cases by stage"),
    "flow_note": Word("当日登记的案件现在走到哪一步", "Where the cases registered that day stand now"),
    "earlier": Word("往日", "earlier"),
    "cases": Word("件", "cases"),
    "awaiting": Word("待指挥中心决定", "Waiting for the command centre"),
    "awaiting_empty": Word("没有等待决定的案件。", "No case waits for a decision."),
    "to_accept": Word("待受理", "to accept"),
    "to_dispatch": Word("待派遣", "to dispatch"),
    "to_dispatch_again": Word("待重派", "to dispatch again"),
    "candidates": Word("候选单位", "Candidates"),
    "returned_by": Word("退回单位", "Returned by"),
    "pressing": Word("时限最紧", "Most pressing"),
    "pressing_empty": Word("没有在办案件。", "No case is in a unit's hands."),
    "more_waiting": Word("另有", "and"),
    "more": Word("件未列出", "more not listed"),
    "units": Word("单位积压", "Units and their backlog"),
    "units_note": Word("点列名排序", "Choose a column to sort by"),
    "units_empty": Word("各单位均无积压。", "No unit has a backlog."),
    "units_idle": Word("无积压的单位", "Units without a backlog"),
    "unit": Word("单位", "Unit"),
    "open": Word("在办", "Open"),
    "next_due": Word("最近时限", "Next due"),
    "letters": Word("信件", "Letters"),
    "waiting": Word("待投", "Waiting"),
    "held": Word("暂存", "Held"),
    "dead": Word("死信", "Dead"),
    "connection": Word("通道", "Connection"),
    "lane_fine": Word("正常", "fine"),
    "lane_paused": Word("暂停", "paused"),
    "lane_cut": Word("断开", "cut off"),
    "lane_idle": Word("无人投递", "not running"),
    "lane_fetch": Word("待取", "to be fetched"),
    "transport_rest": Word("推送", "push"),
    "transport_soap": Word("SOAP 推送", "SOAP push"),
    "transport_rabbitmq": Word("消息队列", "RabbitMQ"),
    "transport_file": Word("文件", "files"),
    "transport_pull": Word("取件", "pull"),
    "transport_desk": Word("工作台", "desk"),
    "transport_none": Word("已停用", "no longer used"),
    "dead_letters": Word("死信架", "Dead letters"),
    "dead_note": Word(
        "不再自动投递,需要人工处理后重投或取消", "No longer tried: mend the cause, then replay or cancel"
    ),
    "dead_empty": Word("死信架是空的。", "The shelf is empty."),
    "letter": Word("信件号", "Letter"),
    "contents": Word("内容", "Contents"),
    "reason": Word("原因", "Reason"),
    "machine_time": Word("时间为机器时钟", "times are the machine's clock"),
    "buried_at": Word("上架时间", "Buried"),
    "attempts": Word("尝试", "Attempts"),
    "case": Word("案件", "Case"),
    "updated": Word("更新于", "Updated"),
    "pause": Word("暂停自动刷新", "Pause updates"),
    "go_on": Word("恢复自动刷新", "Resume updates"),
    "paused_now": Word("自动刷新已暂停", "Updates are paused"),
    "lost": Word("连接中断,正在重试", "Connection lost, trying again"),
    "session_over": Word("会话已结束,请重新登录", "The session is over, sign in again"),
    # Case
    "facts": Word("案情", "The problem"),
    "category": Word("类别", "Category"),
    "component": Word("部件", "component"),
    "event": Word("事件", "event"),
    "component_code": Word("部件编码", "Component code"),
    "tier": Word("时限档", "Deadline tier"),
    "description": Word("描述", "Description"),
    "source": Word("来源", "Source"),
    "reported_by": Word("上报单位", "Reported by"),
    "sender_case_id": Word("上报方案件号", "Sender's case id"),
    "registered_at": Word("登记时间", "Registered"),
    "observed_at": Word("发现时间", "Observed"),
    "closed_at": Word("结案时间", "Closed"),
    "photos": Word("照片", "Photos"),
    "photos_after": Word("处置后照片", "Photos after handling"),
    "place": Word("位置", "Place"),
    "address": Word("地址", "Address"),
    "area": Word("区域", "Area"),
    "outside": Word("不在任何区域内", "outside every area"),
    "grid_cell": Word("单元网格", "Grid cell"),
    "coordinates": Word("坐标 (WGS 84)", "Coordinates (WGS 84)"),
    "given_as": Word("原始坐标", "As given"),
    "sketch": Word("位置示意:案件在各区域中的位置", "Sketch: where the case lies among the areas"),
    "course": Word("所处环节", "Stages"),
    "now_here": Word("当前环节", "the present stage"),
    "done_stage": Word("已完成", "done"),
    "dispatches": Word("派遣", "Dispatches"),
    "dispatches_empty": Word("尚未派遣。", "Not dispatched yet."),
    "dispatch": Word("派遣", "Dispatch"),
    "rework": Word("返工", "rework"),
    "because": Word("派遣依据", "Why this unit"),
    "dispatched_at": Word("派遣时间", "Dispatched"),
    "acknowledge_by": Word("签收时限", "Acknowledge by"),
    "acknowledged_at": Word("签收时间", "Acknowledged"),
    "due_at": Word("处置时限", "Due"),
    "answered_at": Word("反馈时间", "Answered"),
    "returned_at": Word("退回时间", "Returned"),
    "reckoned": Word("时限计算", "Reckoned"),
    "provisional": Word("暂定:该年度日历尚未公布", "provisional: that year's calendar is not announced yet"),
    "assisting": Word("协助单位", "Assisting"),
    "in_time": Word("按时", "in time"),
    "log": Word("经过", "What happened"),
    "log_cut": Word("只列出最早的记录", "Only the first entries are listed"),
    "known_at": Word("枢纽获知", "known to the hub"),
    "by_rule": Word("按规则", "by rule"),
    "on_behalf_of": Word("代", "on behalf of"),
    "letters_empty": Word("没有信件。", "No letters."),
    "letters_note": Word("时间为机器时钟", "Times are the machine's clock"),
    "to": Word("收件单位", "To"),
    "written_at": Word("写信时间", "Written"),
    "status": Word("状态", "Status"),
    "again_at": Word("下次尝试", "Next try"),
    "answer": Word("应答", "Answer"),
    "urgent": Word("急件", "urgent"),
    "verifier": Word("核查单位", "Verifier"),
    "verify_by": Word("核查时限", "Verify by"),
    "handler": Word("经办人", "Handled by"),
    "note": Word("备注", "Note"),
    "result": Word("处置结果", "Result"),
    "done_at": Word("完成时间", "Done"),
    "collector": Word("核查人", "Collector"),
    "finding": Word("核查意见", "Finding"),
    "to_unit": Word("承办单位", "Unit"),
    "named_instead": Word("认为应由", "names instead"),
    "rule": Word("规则", "Rule"),
    "new_category": Word("改归类别", "Reclassified as"),
    "feedback": Word("反馈", "Feedback"),
    "original": Word("原案件", "Original"),
    "from_unit": Word("撤自", "From"),
    "coordinator": Word("主持协调", "Coordinator"),
    "department": Word("部门", "Department"),
    "until": Word("至", "Until"),
    "review_at": Word("复查时间", "Review"),
    "awaited": Word("等待事项", "Awaited"),
    "hub": Word("枢纽", "the hub"),
}
"""Each text by its name, as the templates use it."""

CODES: Final[Mapping[str, Word]] = {
    # Letters
    "case.dispatch": Word("派遣单", "dispatch"),
    "case.verification_request": Word("核查任务", "verification request"),
    "case.recall_notice": Word("撤回通知", "recall notice"),
    "case.coordination": Word("协调通知", "coordination notice"),
    "case.reminder": Word("提醒催办", "reminder"),
    "case.decision_notice": Word("审批通知", "decision notice"),
    "assigned": Word("已派", "assigned"),
    "returned": Word("已退回", "returned"),
    "acknowledged": Word("已签收", "acknowledged"),
    "acceptance": Word("受理", "acceptance"),
    "dispatching": Word("派遣", "dispatching"),
    "coordination": Word("协调", "coordination"),
    "acknowledgement": Word("签收", "acknowledgement"),
    "handling": Word("处置", "handling"),
    "assistance": Word("协助", "assistance"),
    "decision": Word("审批", "decision"),
    "review": Word("挂账复查", "review"),
    "verification": Word("核查", "verification"),
    "case.status": Word("状态通知", "status notice"),
    "waiting": Word("待投", "waiting"),
    "held": Word("暂存", "held"),
    "dead": Word("死信", "dead"),
    "delivered": Word("已送达", "delivered"),
    "received": Word("已收到", "received"),
    "processed": Word("已处理", "processed"),
    "unavailable": Word("对方不可用", "unavailable"),
    "in_doubt": Word("结果不明", "in doubt"),
    "refused": Word("被拒收", "refused"),
    "unauthorised": Word("未获授权", "unauthorised"),
    "failed": Word("失败", "failed"),
    "cancelled": Word("已取消", "cancelled"),
    # Reports, returns, results
    "collector": Word("采集员", "collector"),
    "supervision": Word("监督检查", "supervision"),
    "citizen": Word("市民", "citizen"),
    "unit": Word("单位", "unit"),
    "not_responsible": Word("非本单位职责", "not responsible"),
    "wrong_place": Word("位置有误", "wrong place"),
    "not_found": Word("现场未发现", "not found on the spot"),
    "other": Word("其他", "other"),
    "done": Word("已处置", "done"),
    "removed_danger": Word("已排险", "danger removed"),
    "nothing_to_do": Word("无需处置", "nothing to do"),
    # Rules
    "filing_standard": Word("符合立案标准", "meets the filing standard"),
    "verified": Word("核查通过", "verification passed"),
}
"""Fixed words of messages and letters, for people; a code that is not here is shown as it is."""


def texts(language: Language) -> dict[str, str]:
    """Every text in one language."""
    return {name: getattr(word, language.value) for name, word in TEXTS.items()}


def coded(code: str, language: Language) -> str:
    """A fixed word for people."""
    word = CODES.get(code)
    return str(getattr(word, language.value)) if word else code
