"""What the responsible units do with their orders: in time or late, well or badly, or not at all."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.bends import Dispute, ExtensionRequest, SubDispatch, SubDispatchStatus, SuspensionRequest
from contracts.messages import Acknowledgement, Body, Feedback, Return, ReturnReason
from contracts.nouns import Role
from hub.cases import Case
from hub.facts import Order
from hub.simulation.habits import TELLS_TRUTH
from hub.simulation.town import Town, Work
from hub.spans import put_off

STRAY_SHARE = 0.03
"""How often a case belongs to another unit than the one that the rules name."""

STRANGERS = ("power", "telecom", "mobile", "water_resources", "transport", "housing_construction", "kecheng")
GRACE = timedelta(minutes=1)


def ordered(town: Town, now: datetime, case: Case, order: Order) -> None:
    """An order to lead is written; the unit reads it when its connection lets it."""
    unit = order.unit_id
    before = town.work.get(case.case_id)
    if town.counts(case):
        book = town.tally(unit)
        if order.round > 1 and not order.insisted:
            book.rework += 1
        elif not order.insisted:
            book.dispatched += 1
            book.second_dispatched += town.had.get(case.case_id, unit) != unit
    town.had[case.case_id] = unit
    if case.case_id not in town.truth:
        strays = town.chance(STRAY_SHARE)
        town.truth[case.case_id] = town.dice.choice(STRANGERS) if strays else unit
    work = Work(unit, order.round, order.tier, order.due_at, order.acknowledge_by, now)
    if order.insisted and before is not None:
        # It is the old order: what delivery lost of it then is lost of it still, and it is not sent back again.
        work.written_at, work.heard_at = before.written_at, before.heard_at
    work.returned_once = order.insisted or order.round > 1
    town.work[case.case_id] = work
    outage = town.cut_off(unit, now)
    town.at(outage.until if outage and outage.until else now, _reads, case.case_id, work)


def recalled(town: Town, case_id: int, unit_id: str) -> None:
    """The unit need do nothing more."""
    work = town.work.get(case_id)
    if work is not None and work.unit_id == unit_id:
        work.plan += 1


def told(town: Town, now: datetime, case: Case, due_at: datetime | None) -> None:
    """The command centre's word on a question: the unit goes on, with the deadline that it knows from now."""
    work = town.work.get(case.case_id)
    if work is None or work.unit_id != case.lead_unit_id:
        return
    if due_at is not None:
        work.due_at = due_at
    if case.suspension is None:
        work.asks = False
        _plan(town, now, case.case_id, work)


def assists(town: Town, now: datetime, case_id: int, unit_id: str, tier: str) -> None:
    """An assisting unit acknowledges and does its part; some send it back."""
    town.at(town.after(tier, now, 25), _speaks_aside, case_id, unit_id, Acknowledgement())
    body: Body = Feedback(description="已配合")
    if town.chance(0.05):
        body = Return(reason_code=ReturnReason.OTHER, reason="无配合条件")
    town.at(town.after(tier, now, 40 + 100 * town.dice.random()), _speaks_aside, case_id, unit_id, body)


def _reads(town: Town, now: datetime, case_id: int, work: Work) -> None:
    case = town.open_case(case_id)
    if case is None or town.work.get(case_id) is not work or work.plan:
        return
    work.heard_at = work.heard_at or now
    habits, dice = town.habits[work.unit_id], town.dice
    if not town.chance(habits.never_acknowledges):
        late = town.chance(habits.acknowledges_late)
        base, minutes = (work.acknowledge_by, 5 + 60 * dice.random()) if late else (now, 2 + 40 * dice.random())
        town.at(town.after(work.tier, max(base, now), minutes), _acknowledges, case_id, work)
    stray = town.truth[case_id] != work.unit_id
    if not work.returned_once and town.chance(TELLS_TRUTH if stray else habits.returns_unfounded):
        reason = ReturnReason.NOT_RESPONSIBLE if stray or town.chance(0.7) else ReturnReason.NOT_FOUND
        town.at(town.after(work.tier, now, 45 + 90 * dice.random()), _returns, case_id, work, reason)
        return
    _plan(town, now, case_id, work)


def _plan(town: Town, now: datetime, case_id: int, work: Work) -> None:
    """When to be done, and what to ask before."""
    habits, dice, tier = town.habits[work.unit_id], town.dice, work.tier
    work.plan += 1
    if work.due_at <= now or town.chance(habits.answers_late * (1.0 if work.round == 1 else 0.5)):
        done = town.after(tier, max(work.due_at, now), 10 + 900 * dice.random() ** 2)
    else:
        share = min(habits.speed * dice.uniform(0.4, 1.3), 0.97)
        done = town.part_of(tier, now, work.due_at, share)
    asks = work.asks and work.round == 1
    for share, habit, ask in (
        (0.2, habits.disputes, _disputes),
        (0.3, habits.asks_suspension, _asks_suspension),
        (0.6, habits.asks_extension, _asks_extension),
    ):
        if asks and work.due_at > now and town.chance(habit):
            town.at(town.part_of(tier, now, min(done, work.due_at), share), ask, case_id, work, work.plan)
            break
    if town.chance(habits.feeds_back_in_part):
        town.at(now + (done - now) * 0.7, _feeds_back_in_part, case_id, work, work.plan)
    roles = town.directory.units[work.unit_id].roles
    if Role.SECOND_LEVEL_PLATFORM in roles and town.chance(0.5):
        town.at(now + (done - now) * 0.2, _department, case_id, work, work.plan, SubDispatchStatus.ASSIGNED)
        town.at(now + (done - now) * 0.9, _department, case_id, work, work.plan, SubDispatchStatus.DONE)
    town.at(done, _answers, case_id, work, work.plan, done)


def _mine(town: Town, case_id: int, work: Work, plan: int | None = None) -> Case | None:
    """The case, while the unit has it and has not changed its mind."""
    case = town.open_case(case_id)
    if case is None or town.work.get(case_id) is not work or (plan is not None and plan != work.plan):
        return None
    return case


def _acknowledges(town: Town, now: datetime, case_id: int, work: Work) -> None:
    case = _mine(town, case_id, work)
    if case is None or case.lead_unit_id != work.unit_id or case.suspension is not None:
        return
    if town.cut_off(work.unit_id, now):
        return
    decision = town.say(now, work.unit_id, Acknowledgement(handler="值班"), case)
    if decision is not None and town.counts(case):
        town.tally(work.unit_id).acknowledged_late += now > work.acknowledge_by


def _returns(town: Town, now: datetime, case_id: int, work: Work, reason: ReturnReason) -> None:
    case = _mine(town, case_id, work)
    if case is None:
        return
    town.returner[case_id] = work.unit_id
    if town.say(now, work.unit_id, Return(reason_code=reason, reason="非本单位管养"), case) is None:
        town.returner.pop(case_id, None)


def _asks_extension(town: Town, now: datetime, case_id: int, work: Work, plan: int) -> None:
    case = _mine(town, case_id, work, plan)
    if case is not None and now < work.due_at:
        wanted = work.due_at + timedelta(days=town.dice.choice((1, 2, 3)))
        _asks(town, now, case, work, ExtensionRequest(reason="停气审批", due_at=wanted))


def _asks_suspension(town: Town, now: datetime, case_id: int, work: Work, plan: int) -> None:
    case = _mine(town, case_id, work, plan)
    if case is not None:
        review = now + timedelta(days=town.dice.randint(3, 12))
        _asks(town, now, case, work, SuspensionRequest(reason="待料", review_at=review))


def _disputes(town: Town, now: datetime, case_id: int, work: Work, plan: int) -> None:
    case = _mine(town, case_id, work, plan)
    if case is not None:
        _asks(town, now, case, work, Dispute(reason="点位不一致"))


def _asks(town: Town, now: datetime, case: Case, work: Work, body: Body) -> None:
    """Ask once, and wait for the answer before going on."""
    if town.cut_off(work.unit_id, now) is None and town.say(now, work.unit_id, body, case) is not None:
        work.plan += 1


def _feeds_back_in_part(town: Town, now: datetime, case_id: int, work: Work, plan: int) -> None:
    case = _mine(town, case_id, work, plan)
    if case is not None and town.cut_off(work.unit_id, now) is None:
        town.say(now, work.unit_id, Feedback(description="已围挡", final=False), case)


def _department(town: Town, now: datetime, case_id: int, work: Work, plan: int, status: SubDispatchStatus) -> None:
    case = _mine(town, case_id, work, plan)
    if case is not None and town.cut_off(work.unit_id, now) is None:
        town.say(now, work.unit_id, SubDispatch(department=f"{work.unit_id}.first", status=status), case)


def _answers(town: Town, now: datetime, case_id: int, work: Work, plan: int, done: datetime) -> None:
    """The final feedback; where the line is cut it waits, and then carries its own time."""
    case = _mine(town, case_id, work, plan)
    if case is None:
        return
    outage = town.cut_off(work.unit_id, now)
    if outage is not None and outage.until is not None:
        town.at(outage.until + timedelta(minutes=7), _answers, case_id, work, plan, done)
        return
    badly = town.chance(town.habits[work.unit_id].bad_work * (1.0 if work.round == 1 else 0.3))
    (town.badly_done.add if badly else town.badly_done.discard)(case_id)
    effective = done if done < now else None
    # The books are closed before the hub's answer: what the unit counts, it counts by what it knows itself.
    if town.say(now, work.unit_id, Feedback(description="已处置"), case, effective_at=effective) is None:
        return
    work.plan += 1
    if town.counts(case):
        _booked(town, now, case_id, work, effective)


def _booked(town: Town, now: datetime, case_id: int, work: Work, effective: datetime | None) -> None:
    book = town.tally(work.unit_id)
    if now <= work.due_at:
        book.in_time += 1
        return
    if effective is not None and effective <= work.due_at and town.cut_off(work.unit_id, effective) is not None:
        book.in_time += 1
        book.late_proofs += 1
        town.late_proof_of[case_id] = work.unit_id
        return
    allowed = work.due_at
    if work.heard_at is not None and work.heard_at - work.written_at > GRACE:
        lost = town.directory.calendar.working_between(work.written_at, work.heard_at)
        if town.directory.tiers[work.tier].urgent:
            lost = work.heard_at - work.written_at
        allowed = put_off(town.directory, work.tier, allowed, lost)
    if now <= allowed:
        book.in_time += 1
    else:
        book.late += 1


def _speaks_aside(town: Town, now: datetime, case_id: int, unit_id: str, body: Body) -> None:
    case = town.open_case(case_id)
    if case is not None and case.assisting(unit_id) is not None and case.lead_unit_id not in (None, unit_id):
        town.say(now, unit_id, body, case)
