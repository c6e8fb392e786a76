"""Every stretch of a case with its owner (各段时间归属): whose it was, and whether it counts for the unit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from contracts.city import Directory, TimeUnit
from hub.cases import Entry
from hub.clocks.told import Draft, Told, tell
from hub.facts import Fault
from hub.lateness import Delivery
from hub.life_cycle import WITH_A_UNIT, State
from hub.spans import Span, measured, time_unit


class Owner(StrEnum):
    """In whose hands a stretch of a case's life was."""

    COMMAND_CENTRE = "command_centre"
    HUB = "hub"
    NETWORK = "network"
    UNIT = "unit"
    COLLECTOR = "collector"
    COORDINATOR = "coordinator"
    WAITING = "waiting_for_approval"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of a case: whose it was, and whether it counts for the unit ``unit_id`` that has the dispatch.

    ``lasted`` is in the tier's kind of time, ``time``. ``holder`` is the organisation behind the owner, where one is.
    """

    owner: Owner
    holder: str | None
    unit_id: str | None
    since: datetime
    until: datetime
    time: TimeUnit
    lasted: timedelta
    counts: bool
    zh: str
    en: str


def intervals(
    log: Sequence[Entry], directory: Directory, now: datetime, delivery: Delivery | None = None
) -> tuple[Interval, ...]:
    """The case's life from its report to its end, or to ``now``, without gap or overlap."""
    told = tell(log, now, delivery)
    frame = Span(told.begun, told.until)
    found: list[_Stretch] = []
    for span in _cut(told, frame):
        stretch = _stretch(told, span)
        if found and found[-1].like(stretch):
            found[-1].span = Span(found[-1].span.since, span.until)
        else:
            found.append(stretch)
    return tuple(
        Interval(
            *(each.owner, each.holder, each.unit_id, each.span.since, each.span.until),
            time_unit(directory, told.tier),
            measured(directory, told.tier, (each.span,)),
            *(each.counts, each.zh, each.en),
        )
        for each in found
    )


@dataclass(slots=True)
class _Stretch:
    span: Span
    owner: Owner
    holder: str | None
    unit_id: str | None
    counts: bool
    zh: str
    en: str

    def like(self, other: _Stretch) -> bool:
        """Whether the other merely goes on with it."""
        mine = (self.owner, self.holder, self.unit_id, self.counts, self.zh)
        return mine == (other.owner, other.holder, other.unit_id, other.counts, other.zh)


def _cut(told: Told, frame: Span) -> Iterator[Span]:
    """The frame cut at every moment at which its owner may change."""
    marks = {frame.since, frame.until, *(at for at, _ in told.states), *(at for at, _ in told.holders)}
    for draft in told.leads:
        until = draft.over_at or frame.until
        marks.update(_edges((*draft.stood(until), *(span for _, span in draft.waited))))
        marks.update(draft.asked.values())
        marks.add(until)
        for fault in Fault:
            marks.update(_edges(draft.lost_to(fault, until)))
    ordered = sorted(mark for mark in marks if frame.since <= mark <= frame.until)
    for since, until in pairwise(ordered):
        yield Span(since, until)


def _edges(spans: Iterable[Span]) -> Iterator[datetime]:
    for each in spans:
        yield each.since
        yield each.until


def _stretch(told: Told, span: Span) -> _Stretch:
    """Whose a stretch is over which nothing changes."""
    at = span.since
    state = [each for when, each in told.states if when <= at][-1]
    lead = next((each for each in reversed(told.leads) if each.dispatched_at <= at), None)
    holder = next((each for when, each in reversed(told.holders) if when <= at), None)
    if lead is not None and state in WITH_A_UNIT:
        return _Stretch(span, *_with_unit(lead, at, told.until))
    if lead is not None and state in (State.RETURNED, State.IN_COORDINATION):
        counts, *why = _returned(lead, at)
        lost = _lost(lead, at, lead.over_at or told.until) if counts else None
        if lost is not None:
            return _Stretch(span, *lost)
        owner = Owner.COORDINATOR if state is State.IN_COORDINATION else Owner.COMMAND_CENTRE
        who = holder if owner is Owner.COORDINATOR else None
        return _Stretch(span, owner, who, lead.unit_id, counts, *why)
    match state:
        case State.REPORTED:
            return _Stretch(span, Owner.COMMAND_CENTRE, None, None, False, "等待受理", "waits to be accepted")
        case State.IN_COORDINATION:
            words = ("协调确定责任单位", "who is responsible is being settled")
            return _Stretch(span, Owner.COORDINATOR, holder, None, False, *words)
        case State.ANSWERED | State.IN_VERIFICATION if holder is not None:
            return _Stretch(
                span, Owner.COLLECTOR, holder, None, False, "等待现场核查", "waits for the look on the spot"
            )
        case State.ANSWERED | State.IN_VERIFICATION:
            words = ("等待指挥中心核查", "waits for the command centre's verification")
            return _Stretch(span, Owner.COMMAND_CENTRE, None, None, False, *words)
        case _:
            return _Stretch(span, Owner.COMMAND_CENTRE, None, None, False, "等待派遣", "waits to be dispatched")


def _with_unit(lead: Draft, at: datetime, now: datetime) -> tuple[Owner, str | None, str, bool, str, str]:
    """Whose time it is while a unit has the case: owner, holder, unit, whether it counts, why."""
    unit, until = lead.unit_id, lead.over_at or now
    if at >= until:
        words = ("补传成立:处置已完成,因断网未能上报", "late proof: it was done, and could not be told while cut off")
        return Owner.NETWORK, None, unit, False, *words
    stands = any(each.covers(at) for each in lead.stood(until))
    waits = [question for question, each in lead.waited if each.covers(at)]
    waits += [question for question, since in lead.asked.items() if since <= at]
    if stands and not waits:
        return Owner.SUSPENDED, None, unit, False, "挂账,停止计时", "suspended: the clock stands"
    if stands:
        words = ("申请成立,自提出时起停止计时", "rightly raised: the clock stands from when it was asked")
        return Owner.WAITING, None, unit, False, *words
    lost = _lost(lead, at, until)
    if lost is not None:
        return lost
    if waits:
        words = ("申请待审批,时限照算", "asked and not granted by then: the clock runs on")
        return Owner.WAITING, None, unit, True, *words
    return Owner.UNIT, unit, unit, True, "责任单位处置", "the unit handles it"


def _lost(lead: Draft, at: datetime, until: datetime) -> tuple[Owner, None, str, bool, str, str] | None:
    """Whose fault it is that the unit did not have the dispatch then; None where it had."""
    if any(each.covers(at) for each in lead.lost_to(Fault.HUB, until)):
        return Owner.HUB, None, lead.unit_id, False, "枢纽尚未送出派遣", "the hub had not sent the dispatch"
    if any(each.covers(at) for each in lead.lost_to(Fault.NETWORK, until)):
        words = ("网络中断,派遣未能送达", "the network was cut: the dispatch did not arrive")
        return Owner.NETWORK, None, lead.unit_id, False, *words
    return None


def _returned(lead: Draft, at: datetime) -> tuple[bool, str, str]:
    """Whether time after a return counts for the unit that sent it back, and why."""
    # The last return of the dispatch that had been raised by then.
    raised = [each for each in lead.returns if each.at <= at]
    founded = raised[-1].founded if raised else True
    if founded is None:
        return False, "退回待裁定,暂停计时", "the return is not decided: the clock stands for now"
    if founded:
        return False, "退回成立,不计时", "rightly returned: it does not count"
    return True, "退回不成立,照计时", "the return was overruled: the clock ran on"
