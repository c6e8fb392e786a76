"""A city in memory, for tests: cases, logs and letters as the intake's own fold makes them, and any message at all.

What to do next is asked of ``choose``: hypothesis draws, or a seeded generator. Nothing here claims anything; ``told``
keeps what each message came to, for tests to judge.
"""

from __future__ import annotations

import hashlib
import json
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from contracts.arrival import Answer
from contracts.bends import (
    AssistanceRequest,
    CoordinationOutcome,
    CoordinationRequest,
    CoordinationResult,
    Dispute,
    DisputeDecision,
    Duplicate,
    ExtensionDecision,
    ExtensionRequest,
    LateProofDecision,
    Level,
    Recall,
    Resumption,
    SubDispatch,
    SubDispatchStatus,
    SuspensionDecision,
    SuspensionRequest,
    Void,
)
from contracts.calendar import SpecialDay
from contracts.city import City, Component
from contracts.envelope import Message, Mode, Sender
from contracts.messages import (
    Acceptance,
    Acknowledgement,
    Body,
    Closing,
    DispatchRequest,
    Feedback,
    Finding,
    Rejection,
    Report,
    Return,
    ReturnReason,
    Verification,
)
from contracts.nouns import Role
from contracts.problem import Problem
from hub.cases import Case, Entry
from hub.decide import Context, something_is_due
from hub.decision import LetterOrder, Loaded, Outbox, Remembered, Sight
from hub.facts import Question
from hub.folding import Fold, Outcome
from hub.lateness import Delivery, Outage
from hub.life_cycle import OVER, WITH_A_UNIT, State, steps_from
from hub.nearby import Nearby, open_case
from hub.registry import Registry, build
from hub.ticking import tick_of
from tests.builders import COLLECTOR, COMMAND, LEAD, ids, quzhou
from tests.values import replace

T = TypeVar("T")
Choose = Callable[[Sequence[T]], T]

COVER = "3308020107000001"
"""A component of the register: its cases go where its entry in force says."""

STRANGER = "nobody_here"
UNITS = (COMMAND, COLLECTOR, LEAD, "power", "telecom", "mobile", "kecheng", "city_government", STRANGER)
CATEGORIES = ("E0402", "C0107", "E0104", "C0101", "E9999")
PHOTOS = {"att_lead": LEAD, "att_power": "power"}
START = datetime.fromisoformat("2026-12-28T09:00:00+08:00")
"""The last week of the last year that is announced: deadlines of days are provisional until the city loads the next."""


def city_until_2026(*, collectors: bool, announced: bool = False) -> City:
    """Quzhou as if 2026 were the last year announced, or as if the city had loaded 2027 itself."""
    city = quzhou()
    kept = tuple(day for day in city.calendar.special_days if day.day.year <= 2026)
    years = tuple(year for year in city.calendar.announced_years if year <= 2026)
    if announced:
        # One day later than the plain week has it, one weekend worked: both directions.
        kept += tuple(
            SpecialDay(date(2027, 1, day), working, "元旦", "New Year's Day", "notice")
            for day, working in ((1, False), (2, True), (4, False))
        )
        years += (2027,)
    units = city.units
    if not collectors:
        units = tuple(replace(each, roles=each.roles - {Role.COLLECTOR}) for each in units)
    return replace(city, units=units, calendar=replace(city.calendar, special_days=kept, announced_years=years))


@cache
def registry_of(*, collectors: bool, announced: bool) -> Registry:
    """The registry of such a city."""
    return build(city_until_2026(collectors=collectors, announced=announced), 1 + announced, {}, 1)


@dataclass(frozen=True, slots=True)
class Told:
    """What one message came to, and the case it named as it was before."""

    message: Message
    outcome: Outcome
    before: Case | None
    after: Case | None


@dataclass(slots=True)
class Trial:
    """A city whose messages are chosen by ``choose``."""

    choose: Choose[Any]
    collectors: bool = True
    now: datetime = START
    announced: bool = False
    owner: str = "telecom"
    cut_off: bool = False
    cases: dict[int, Case] = field(default_factory=dict)
    logs: dict[int, list[Entry]] = field(default_factory=dict)
    letters: dict[int, list[LetterOrder]] = field(default_factory=dict)
    sights: dict[int, list[Sight]] = field(default_factory=dict)
    alarms: dict[int, datetime | None] = field(default_factory=dict)
    remembered: dict[bytes, Remembered] = field(default_factory=dict)
    sent: list[Message] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: ids(20261228))
    _count: int = 0

    @property
    def registry(self) -> Registry:
        """What the city knows by now."""
        return registry_of(collectors=self.collectors, announced=self.announced)

    # -- what may happen ----------------------------------------------------------------------------------------------

    def report(self) -> None:
        """Somebody reports something somewhere."""
        self._send([self._a_report() for _ in range(self.choose((1, 1, 2)))])

    def fitting(self) -> None:
        """What a case's state asks for, from the unit that may say it."""
        case = self._a_case()
        if case is not None:
            self._send([self._message(self.choose(_fitting(case)), case, None)])

    def anything(self) -> None:
        """Any messages from anybody about anything, some of them in one batch."""
        made = []
        for _ in range(self.choose((1, 1, 2, 3))):
            case = self.choose(tuple(self.cases.values()) or (None,))
            if case is not None:
                made.append(self._message(self.choose(tuple(BODIES)), case, self.choose(UNITS)))
        self._send(made)

    def again(self) -> None:
        """A message that was sent before comes once more, as it was or with other content under its key."""
        if self.sent:
            message = self.choose(self.sent)
            if self.choose((False, False, True)):
                message = replace(message, fingerprint=hashlib.sha256(b"other content").digest())
            self._send([message])

    def time_passes(self) -> None:
        """Some minutes or days, and what has become due by then."""
        self.now += timedelta(minutes=self.choose((1, 10, 45, 300, 1440, 4320)))
        self.ring()

    def ring(self) -> None:
        """The timekeeper's round."""
        due = [case for case_id, case in self.cases.items() if self._due(case_id)]
        context = self._context(due, Nearby())
        self._send([self._tick(case) for case in due if something_is_due(case, context)])

    def tick_out_of_turn(self) -> None:
        """A tick when nothing may be due at all."""
        case = self._a_case()
        if case is not None:
            self._send([self._tick(case)])

    def announce(self) -> None:
        """The city loads the next year's calendar: every provisional deadline is looked at."""
        self.announced = True
        for case in self.cases.values():
            if case.lead is not None and case.lead.order.provisional:
                self.alarms[case.case_id] = self.now
        self.ring()

    def owner_changes(self) -> None:
        """The component that cases name has another owner."""
        self.owner = self.choose(("telecom", "mobile"))
        self._send([self._tick(case) for case in self.cases.values() if case.reported.component_code == COVER])

    def line_breaks(self) -> None:
        """The units' connections are cut off, or come back."""
        self.cut_off = not self.cut_off

    # -- messages -----------------------------------------------------------------------------------------------------

    def _a_report(self) -> Message:
        category = self.choose(CATEGORIES)
        spot = self.choose(range(60))
        row, column = divmod(spot, 8)
        document: dict[str, Any] = {
            "category_code": category,
            "description": "自来水管破裂",
            # The last spots lie outside every area: the command centre must look at them.
            "place": {"longitude": 118.86 + column * 5e-4, "latitude": 28.94 + row * 5e-4 if spot < 54 else 29.4},
            "source": self.choose(("collector", "collector", "citizen")),
        }
        if category == "C0107" and self.choose((False, True)):
            document["component_code"] = COVER
        mode = self.choose((Mode.LIVE, Mode.LIVE, Mode.LIVE, Mode.DRILL))
        return self._sealed(Report.model_validate_json(json.dumps(document)), self.choose((COLLECTOR, "kecheng")), mode)

    def _message(self, kind: type[Body], case: Case, unit: str | None) -> Message:
        fitting = unit is None
        sender = unit if unit is not None else self._who(kind, case)
        mode = Mode.LIVE if fitting else self.choose((case.mode, case.mode, Mode.LIVE, Mode.DRILL, Mode.TEST))
        effective = None
        version = None
        late = case.due_at is not None and case.due_at < self.now
        if kind is Feedback and late and case.due_at:
            effective = self.choose((None, case.due_at - timedelta(minutes=1)))
        elif not fitting:
            effective = self.choose((None, None, self.now - timedelta(hours=30), self.now - timedelta(minutes=7)))
        if not fitting:
            effective = self.choose((effective, effective, self.now + timedelta(hours=1)))
            version = self.choose((None, None, None, case.version, case.version - 1))
        body = BODIES[kind](self, case)
        return self._sealed(body, sender, mode, case_id=case.case_id, effective_at=effective, based_on_version=version)

    def _sealed(self, body: Body, unit: str, mode: Mode, **more: Any) -> Message:
        self._count += 1
        name = f"{unit} {self._count}"
        content = f"{body.contract}{more}{body.model_dump_json()}"
        return Message(
            message_id=name,
            source="/trial",
            contract=body.contract,
            sender=Sender(unit, f"{unit}.api", "trial"),
            body=body,
            keys=(hashlib.sha256(name.encode()).digest()[:16],),
            fingerprint=hashlib.sha256(content.encode()).digest(),
            received_at=self.now,
            mode=mode,
            **more,
        )

    def _tick(self, case: Case) -> Message:
        return tick_of(case.case_id, case.version, case.mode, self.now)

    def _who(self, kind: type[Body], case: Case) -> str:
        if kind in BY_LEAD:
            open_assists = [each.order.unit_id for each in case.assists if not each.over and not each.answered_at]
            leads = (case.lead_unit_id or LEAD,) if case.state in WITH_A_UNIT or not open_assists else ()
            return self.choose((*leads, *leads, *open_assists))
        if kind is CoordinationResult and case.coordination is not None:
            return self.choose((case.coordination.coordinator, COMMAND))
        return case.verifier or COMMAND if kind is Verification else COMMAND

    def _a_case(self) -> Case | None:
        alive = [case for case in self.cases.values() if case.state not in OVER]
        return self.choose(alive) if alive else None

    # -- a batch ------------------------------------------------------------------------------------------------------

    def _send(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        named = {message.case_id for message in messages if message.case_id is not None}
        befores = dict(self.cases)
        near = Nearby()
        for case in self.cases.values():
            if case.state not in OVER:
                near.add(case.reported.location.grid_cell, open_case(case))
        # The cases that messages name are loaded too: here all are at hand.
        outbox = Outbox()
        context = replace(self._context(befores.values(), near), others=ChainMap(outbox.cases, befores))
        loaded = Loaded(befores, self.remembered, PHOTOS, near, context.deliveries, context.outages, context.components)
        fold = Fold(loaded, context, outbox)
        for message in messages:
            before = fold.outbox.cases.get(message.case_id or 0) or befores.get(message.case_id or 0)
            wrote = len(fold.outbox.entries), len(fold.outbox.letters), len(fold.outbox.sights)
            outcome = fold.decide(message)
            if isinstance(outcome, Problem):
                assert wrote == (len(fold.outbox.entries), len(fold.outbox.letters), len(fold.outbox.sights))
            case_id = message.case_id if isinstance(outcome, Problem) else outcome.case_id
            self.told.append(Told(message, outcome, before, fold.outbox.cases.get(case_id or 0) or before))
        fold.set_alarms()
        self._keep(fold)
        self.sent += messages
        assert named <= befores.keys()

    def _keep(self, fold: Fold) -> None:
        out = fold.outbox
        self.cases.update(out.cases)
        self.alarms.update(out.alarms)
        for entry in out.entries:
            self.logs.setdefault(entry.case_id, []).append(entry)
        for letter in out.letters:
            self.letters.setdefault(letter.case_id, []).append(letter)
        for sight in out.sights:
            self.sights.setdefault(sight.case_id, []).append(sight)
        for key, fingerprint, case_id, sequence, refusal in out.keys:
            answer = None
            if refusal is None and case_id is not None and sequence is not None:
                entry = self.logs[case_id][sequence - 1]
                number = self.cases[case_id].case_number
                # A repeat is answered by the entry's place in the log, which here is any number but none.
                answer = Answer(case_id, number, sequence, entry.state, position=1)
            self.remembered[key.bytes] = Remembered(fingerprint, answer, refusal)

    def _due(self, case_id: int) -> bool:
        alarm = self.alarms.get(case_id)
        return alarm is not None and alarm <= self.now

    def _context(self, cases: Any, near: Nearby) -> Context:
        cases = {case.case_id: case for case in cases}
        long_ago = self.now - timedelta(days=9)
        outages: Mapping[str, Sequence[Outage]] = {}
        deliveries: Mapping[int, Delivery] = {}
        if self.cut_off:
            outages = {unit: (Outage(f"{unit}.api", long_ago, self.now),) for unit in UNITS}
            deliveries = {each: Delivery(long_ago, self.now, long_ago, None) for each in cases}
        return Context(
            now=self.now,
            registry=self.registry,
            directory=self.registry.directory(self.now),
            attachments=PHOTOS,
            new_ids=self._ids,
            near=near,
            others=cases,
            deliveries=deliveries,
            outages=outages,
            components={COVER: Component(COVER, "C0107", self.owner, None, None, 118.86, 28.94, source="trial")},
        )

    def soon(self) -> datetime:
        """A moment ahead, or just behind."""
        return self.now + timedelta(hours=self.choose((1, 30, 200, 200, -1)))

    def later_than(self, due: datetime | None) -> datetime:
        """A deadline later than another."""
        return max(due or self.now, self.now) + timedelta(hours=self.choose((4, 48)))

    def photos(self) -> tuple[str, ...]:
        """Mostly none; the lead's; one that nobody sent."""
        return self.choose(((), (), (), (), ("att_lead",), ("att_none",)))

    def another(self, case: Case) -> str:
        """The number of another case that is open, mostly; sometimes of any."""
        others = [each.case_number for each in self.cases.values() if each.state not in OVER and each is not case]
        return self.choose((*others, *others, *(each.case_number for each in self.cases.values())))

    def yes(self) -> bool:
        """Yes or no."""
        return bool(self.choose((True, False)))


BY_LEAD = (Acknowledgement, Return, SubDispatch, ExtensionRequest, SuspensionRequest, Dispute, Feedback)
SOMEBODY = (LEAD, "power", "telecom", "kecheng", STRANGER)


def _a(kind: type[Body], **fields: Any) -> Body:
    """A body with what is given; a contract knows absence, not null."""
    return kind(**{name: value for name, value in fields.items() if value is not None})


BODIES: Mapping[type[Body], Callable[[Trial, Case], Body]] = {
    Acceptance: lambda t, c: _a(Acceptance, category_code=t.choose((None, None, "E0104", "E9999"))),
    Rejection: lambda t, c: _a(Rejection, reason="已恢复"),
    Duplicate: lambda t, c: _a(Duplicate, original=t.another(c), reason="同一处"),
    DispatchRequest: lambda t, c: _a(
        DispatchRequest,
        unit_id=t.choose((*SOMEBODY, c.dispatches[-1].order.unit_id if c.dispatches else LEAD)),
        reason="核实权属",
        due_at=t.choose((None, None, t.soon())),
        assisting=t.choose(((), (), ("public_security",), ("power",))),
    ),
    AssistanceRequest: lambda t, c: _a(AssistanceRequest, unit_id=t.choose(SOMEBODY), reason="协助"),
    Recall: lambda t, c: _a(Recall, reason="误派"),
    Acknowledgement: lambda t, c: _a(Acknowledgement, handler="三班"),
    Return: lambda t, c: _a(
        Return,
        reason_code=t.choose(tuple(ReturnReason)),
        reason="非本单位管养",
        responsible_unit_id=t.choose((None, None, "mobile", STRANGER)),
        photos=t.photos(),
    ),
    SubDispatch: lambda t, c: _a(
        SubDispatch, department=t.choose(("sanitation", "roads")), status=t.choose(tuple(SubDispatchStatus))
    ),
    ExtensionRequest: lambda t, c: _a(ExtensionRequest, reason="审批", due_at=t.later_than(c.due_at)),
    ExtensionDecision: lambda t, c: _a(
        ExtensionDecision, granted=t.yes(), reason="属实", due_at=t.choose((None, None, t.later_than(c.due_at)))
    ),
    SuspensionRequest: lambda t, c: _a(SuspensionRequest, reason="待料", review_at=t.soon()),
    SuspensionDecision: lambda t, c: _a(
        SuspensionDecision, granted=t.yes(), reason="同意", review_at=t.choose((None, t.soon()))
    ),
    Resumption: lambda t, c: _a(Resumption, reason="料到"),
    Dispute: lambda t, c: _a(Dispute, reason="点位不一致", photos=t.photos()),
    DisputeDecision: lambda t, c: _a(DisputeDecision, upheld=t.yes(), reason="复核"),
    CoordinationRequest: lambda t, c: _a(CoordinationRequest, reason="提级", level=t.choose((None, *Level))),
    CoordinationResult: lambda t, c: _a(
        CoordinationResult,
        outcome=t.choose(tuple(CoordinationOutcome)),
        reason="会商",
        unit_id=t.choose((None, *SOMEBODY)),
        due_at=t.choose((None, None, t.soon())),
    ),
    Feedback: lambda t, c: _a(Feedback, description="已修复", final=t.choose((True, True, False)), photos=t.photos()),
    LateProofDecision: lambda t, c: _a(LateProofDecision, accepted=t.yes(), reason="核实"),
    Verification: lambda t, c: _a(Verification, finding=t.choose(tuple(Finding)), description="看过了"),
    Closing: lambda t, c: _a(Closing, reason="照片清楚"),
    Void: lambda t, c: _a(Void, reason="误报", duplicate_of=t.choose((None, None, c.case_number))),
}
"""A body of each kind that speaks about a case."""

_STEP_OF: Mapping[str, type[Body]] = {
    "accept": Acceptance,
    "reject": Rejection,
    "link_duplicate": Duplicate,
    "dispatch": DispatchRequest,
    "assist": AssistanceRequest,
    "recall": Recall,
    "coordinate": CoordinationRequest,
    "escalate": CoordinationResult,
    "acknowledge": Acknowledgement,
    "return": Return,
    "sub_dispatch": SubDispatch,
    "request_extension": ExtensionRequest,
    "extend": ExtensionDecision,
    "request_suspension": SuspensionRequest,
    "suspend": SuspensionDecision,
    "resume": Resumption,
    "dispute": Dispute,
    "uphold_dispute": DisputeDecision,
    "progress": Feedback,
    "answer": Feedback,
    "acknowledge_assisting": Acknowledgement,
    "return_assisting": Return,
    "answer_assisting": Feedback,
    "judge_late_proof": LateProofDecision,
    "pass": Verification,
    "fail": Verification,
    "close": Closing,
    "void": Void,
}


_DECISIONS: Mapping[Question, type[Body]] = {
    Question.EXTENSION: ExtensionDecision,
    Question.SUSPENSION: SuspensionDecision,
    Question.DISPUTE: DisputeDecision,
}


def _fitting(case: Case) -> tuple[type[Body], ...]:
    """The kinds that a case's state asks for, what is pending first; its end by hand least of all."""
    rare = ("void", "close", "recall", "return", "reject", "link_duplicate")
    common = [_STEP_OF[step] for step in steps_from(case.state) if step in _STEP_OF and step not in rare]
    rarely = [_STEP_OF[step] for step in steps_from(case.state) if step in rare]
    if case.pending:
        common += 4 * [_DECISIONS[each.question] for each in case.pending]
    if case.suspension is not None:
        common += 3 * [Resumption]
    if case.late_proof is not None:
        common += 2 * [LateProofDecision]
    if case.state is State.IN_COORDINATION:
        common.append(CoordinationRequest)
    if case.state is State.DISPATCHED:
        common += 3 * [Acknowledgement]
    return (*common, *common, *rarely)
