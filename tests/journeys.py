"""A case's journey for tests: messages at moments of the city's clock, and the log that they leave."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from contracts.bends import (
    AssistanceRequest,
    CoordinationOutcome,
    CoordinationResult,
    Dispute,
    DisputeDecision,
    ExtensionDecision,
    ExtensionRequest,
    Recall,
    Resumption,
    SubDispatch,
    SubDispatchStatus,
    SuspensionDecision,
    SuspensionRequest,
    Void,
)
from contracts.city import Directory
from contracts.envelope import Message
from contracts.messages import Acknowledgement, Body, DispatchRequest, Feedback, Finding, Return, ReturnReason
from contracts.problem import Problem
from hub.cases import Case, Entry
from hub.lateness import Delivery, Outage
from tests.builders import CLEAR, COMMAND, LEAD, MORNING, a_context, a_message, a_report, decided, verification

ZONE = ZoneInfo("Asia/Shanghai")

Making = Callable[[Case], Message]


def local(text: str) -> datetime:
    """A moment of Quzhou, like ``2026-09-28 16:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def directory_at(moment: datetime) -> Directory:
    """Quzhou as it is in force."""
    return a_context(now=moment).directory


@dataclass(slots=True)
class Journey:
    """A case under way. ``now`` is the moment of the last step."""

    now: datetime
    case: Case
    log: list[Entry] = field(default_factory=list)

    @staticmethod
    def begun(at: datetime | str, category: str = CLEAR, **more: Any) -> Journey:
        """A collector reports; what is clear is dispatched at once."""
        moment = local(at) if isinstance(at, str) else at
        decision = decided(a_report(category, **more), None, a_context(now=moment))
        return Journey(moment, decision.case, list(decision.entries))

    def then(self, at: datetime | str, message: Message | Making, **known: Any) -> Journey:
        """One message more, decided at a moment; ``known`` goes into its context."""
        self.now = local(at) if isinstance(at, str) else at
        made = message if isinstance(message, Message) else message(self.case)
        decision = decided(made, self.case, a_context(now=self.now, **known))
        self.case = decision.case
        self.log += decision.entries
        return self

    def centre(self, at: datetime | str, body: Body) -> Journey:
        """The command centre says something."""
        return self.then(at, lambda case: a_message(body, COMMAND, case))

    def unit(self, at: datetime | str, body: Body, unit: str = LEAD, **more: Any) -> Journey:
        """A unit says something."""
        return self.then(at, lambda case: a_message(body, unit, case), **more)


def tier_of(directory: Directory, tier: str) -> str:
    """A category of this tier that one unit leads without a condition, inside the main city."""
    return next(
        code
        for code, category in directory.categories.items()
        if category.tier == tier and _sole(directory.leads.get(code, ()))
    )


def _sole(leads: Sequence[Any]) -> bool:
    return len(leads) == 1 and not leads[0].conditions


SAME_DAY = tier_of(directory_at(MORNING), "B")
"""A category of tier B: 8 working hours, led by ``ENFORCER``."""
FIFTEEN_DAYS = tier_of(directory_at(MORNING), "D")
ENFORCER = "urban_enforcement"
DONE = Feedback(description="已修复", final=True)
UNITS = [LEAD, "power", "kecheng"]

STEPS = st.sampled_from(
    [
        *("acknowledge", "answer", "return", "extend", "suspend", "resume", "dispute", "decide", "pass", "fail"),
        *("dispatch", "insist", "settle", "recall", "assist", "assisted", "passed_on", "void"),
    ]
)


def a_step(name: str, case: Case, chance: random.Random, now: datetime) -> Message:
    """A message that may or may not fit the case as it stands."""
    lead = case.dispatches[-1].order.unit_id if case.dispatches else LEAD
    later = now + timedelta(hours=chance.randint(1, 200))
    yes = chance.random() < 0.6
    by_unit = {
        "acknowledge": Acknowledgement(),
        "answer": DONE,
        "return": Return(reason_code=chance.choice(list(ReturnReason)), reason="x"),
        "extend": ExtensionRequest(reason="x", due_at=(case.due_at or now) + timedelta(hours=chance.randint(1, 40))),
        "suspend": SuspensionRequest(reason="x", review_at=later),
        "dispute": Dispute(reason="x"),
        "passed_on": SubDispatch(department="d", status=chance.choice(list(SubDispatchStatus))),
    }
    if name in by_unit:
        backdated = now - timedelta(minutes=chance.randint(0, 90)) if chance.random() < 0.3 else None
        return a_message(by_unit[name], lead, case, effective_at=backdated)
    if name in ("pass", "fail"):
        return verification(case, Finding.PASSED if name == "pass" else Finding.FAILED)
    if name == "assisted":
        return a_message(chance.choice([DONE, Acknowledgement()]), "telecom", case)
    pending = case.pending[0].question.value if case.pending else "extension"
    decisions = {
        "extension": ExtensionDecision(granted=yes, reason="x"),
        "suspension": SuspensionDecision(granted=yes, reason="x", review_at=later),
        "dispute": DisputeDecision(upheld=yes, reason="x"),
    }
    by_centre = {
        "decide": decisions[pending],
        "resume": Resumption(reason="x"),
        "dispatch": DispatchRequest(unit_id=chance.choice(UNITS), reason="x"),
        "insist": DispatchRequest(unit_id=lead, reason="x"),
        "settle": CoordinationResult(
            outcome=CoordinationOutcome.ASSIGNED, unit_id=chance.choice([lead, *UNITS]), reason="x"
        ),
        "recall": Recall(reason="x"),
        "assist": AssistanceRequest(unit_id="telecom", reason="x"),
        "void": Void(reason="x"),
    }
    return a_message(by_centre[name], COMMAND, case)


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    """A case taken through whatever its life allows, with breaks over nights, weekends and a holiday."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    at = local("2026-09-25 09:00") + timedelta(minutes=draw(st.integers(0, 20_000)))
    journey = Journey.begun(at, draw(st.sampled_from(["E0402", SAME_DAY, FIFTEEN_DAYS])))
    for name in draw(st.lists(STEPS, max_size=14)):
        at = at + timedelta(minutes=chance.choice([0, 7, 55, 200, 1000, 9000]))
        lost = (
            Delivery(journey.now - timedelta(hours=1), journey.now, journey.now, at) if chance.random() < 0.3 else None
        )
        try:
            journey.then(
                at,
                a_step(name, journey.case, chance, at),
                deliveries={journey.case.case_id: lost} if lost else {},
                outages={LEAD: [Outage("x", at - 3 * timedelta(hours=1), at - timedelta(minutes=1))]},
            )
        except Problem:
            continue
    journey.now = at + timedelta(minutes=draw(st.integers(0, 3000)))
    return journey
