"""Who may send which message (权限): by role, or by standing to the case. Pure."""

from __future__ import annotations

from contracts.envelope import Message, Mode
from contracts.nouns import Role, UnitState
from contracts.problem import Problem
from hub.cases import Case
from hub.decide.course import Context, state_fields
from hub.ticking import Tick

COMMAND_ONLY = frozenset(
    {
        *("case.acceptance", "case.rejection", "case.duplicate", "case.void", "case.closing"),
        *("case.dispatch_request", "case.assistance_request", "case.recall", "case.coordination_request"),
        *("case.extension_decision", "case.suspension_decision", "case.resumption", "case.dispute_decision"),
        "case.late_proof_decision",
    }
)
BY_LEAD = frozenset(
    {
        *("case.acknowledgement", "case.return", "case.feedback", "case.sub_dispatch"),
        *("case.extension_request", "case.suspension_request", "case.dispute"),
    }
)
BY_ASSISTANT = frozenset({"case.acknowledgement", "case.return", "case.feedback"})


def check(message: Message, case: Case | None, context: Context) -> None:
    """Raises ``Problem`` where the sender may not send this message now."""
    sender, kind = message.sender, message.kind
    if kind == Tick.kind:
        return
    state = context.registry.may_send(sender.unit_id)
    if state in (UnitState.SUSPENDED, UnitState.RETIRED):
        raise Problem(
            "forbidden", f"单位接入状态为 {state},不能发送消息。", f"The unit is {state} and may not send messages."
        )
    if state is not UnitState.LIVE and message.mode is not Mode.TEST:
        raise Problem(
            "forbidden",
            f"单位接入状态为 {state},只能发送测试消息(mode=test)。",
            f"The unit is {state}: it may only send messages with mode=test.",
        )
    unit = context.directory.units.get(sender.unit_id)
    roles: frozenset[str] = unit.roles if unit else frozenset()
    if unit is None:
        raise Problem("forbidden", "城市名录中没有该单位。", "The city's directory does not know the unit.")
    command = Role.COMMAND_CENTER in roles
    if kind == "case.report":
        return
    if case is None or not sees(case, sender.unit_id, roles):
        # A unit learns nothing of cases that are not its own, not even that they exist.
        raise Problem("case_unknown")
    if message.mode is not case.mode and message.mode is not Mode.LIVE:
        raise Problem(
            "mode_mismatch",
            f"案件的模式为 {case.mode},消息为 {message.mode}。",
            f"The case is {case.mode}, the message is {message.mode}.",
        )
    if message.based_on_version is not None and message.based_on_version != case.version:
        raise Problem(
            "version_moved",
            f"消息依据版本 {message.based_on_version},案件已是版本 {case.version}。",
            f"The message is based on version {message.based_on_version}, the case is at {case.version}.",
            fields=state_fields(case),
        )
    if kind in COMMAND_ONLY and not command:
        raise Problem("forbidden", "只有指挥中心可以发送此消息。", "Only the command centre may send this message.")
    assists = kind in BY_ASSISTANT and case.assisting(sender.unit_id) is not None
    if kind in BY_LEAD and sender.unit_id != case.lead_unit_id and not assists:
        raise _not_with(case, sender.unit_id)
    if kind == "case.coordination_result" and not (command or _coordinates(case, sender.unit_id)):
        raise Problem(
            "forbidden",
            "协调结果由主持协调的单位或指挥中心给出。",
            "The coordinator, or the command centre, gives the result of a coordination.",
        )
    if kind == "case.verification" and not (command or sender.unit_id == case.verifier or _verifies(case, roles)):
        raise Problem(
            "forbidden",
            "核查由受派的信息采集单位或指挥中心进行。",
            "The collector asked, or the command centre, verifies.",
        )


def sees(case: Case, unit_id: str, roles: frozenset[str]) -> bool:
    """Whether a unit may know of the case: the command centre, who watches it, and who ever had it."""
    if Role.COMMAND_CENTER in roles or unit_id in case.watchers:
        return True
    return any(dispatch.order.unit_id == unit_id for dispatch in (*case.dispatches, *case.assists))


def _coordinates(case: Case, unit_id: str) -> bool:
    return case.coordination is not None and case.coordination.coordinator == unit_id


def _verifies(case: Case, roles: frozenset[str]) -> bool:
    # Nobody is asked at the moment: the state, not the sender, is what is wrong, and the refusal should say so.
    return case.verifier is None and Role.COLLECTOR in roles


def _not_with(case: Case, unit_id: str) -> Problem:
    lead = case.lead_unit_id
    where_zh = f"现由 {lead} 处置" if lead else "现不在任何单位处置中"
    where_en = f"it is with {lead}" if lead else "it is with no unit"
    return Problem(
        "not_responsible",
        f"案件 {case.case_number} 已不由 {unit_id} 处置,{where_zh}。",
        f"Case {case.case_number} is not with {unit_id}: {where_en}.",
        fields=state_fields(case),
    )
