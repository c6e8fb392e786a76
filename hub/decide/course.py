"""The course that one message takes through a case: steps in turn, each an entry with its letters. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from contracts.bends import CoordinationNotice, DecisionNotice, RecallNotice, Reminder
from contracts.city import Component, Directory
from contracts.envelope import Message
from contracts.messages import Dispatch, StatusNotice, VerificationRequest
from contracts.nouns import Connection, Role
from contracts.problem import Problem
from hub.awaiting import Awaited
from hub.case_numbers import number_of
from hub.cases import Case, Entry
from hub.deadlines import Limits, due_soon_at, limit_between, limits_from, supervision_at
from hub.decision import Decision, LetterOrder, Personal, Sight
from hub.facts import (
    Assisted,
    Coordinated,
    Decided,
    Dispatched,
    Fact,
    LateProof,
    LateProofJudged,
    Order,
    Recalled,
    ReckonedAgain,
    Reminded,
    Resumed,
    VerificationRequested,
    Verified,
    Voided,
)
from hub.history import advance, opened
from hub.lateness import Delivery, Outage, late_proof
from hub.life_cycle import STATE_WORDS, STEP_WORDS, State, Step, StepNotAllowed, after, steps_from
from hub.nearby import Nearby
from hub.registry import Registry
from hub.ticking import HUB


@dataclass(frozen=True, slots=True)
class Context:
    """What deciding a batch may know, loaded for all of it.

    The city time, the registry, the attachments named, the ids in hand, the open cases near reported places, the cases
    that messages name besides their own, for late answers how their dispatch was delivered (by case) and when their
    unit was cut off (by unit), and the register's entries in force for the components that are named (by code).
    """

    now: datetime
    registry: Registry
    directory: Directory
    attachments: Mapping[str, str] = field(default_factory=dict)
    new_ids: Iterator[int] = field(default_factory=lambda: iter(()))
    near: Nearby = field(default_factory=Nearby)
    others: Mapping[int, Case] = field(default_factory=dict)
    deliveries: Mapping[int, Delivery] = field(default_factory=dict)
    outages: Mapping[str, Sequence[Outage]] = field(default_factory=dict)
    components: Mapping[str, Component] = field(default_factory=dict)

    _limits: dict[str, Limits] = field(default_factory=dict)
    _moments: dict[tuple[str, datetime, datetime], tuple[datetime, datetime]] = field(default_factory=dict)

    def limits(self, tier: str) -> Limits:
        """Every limit of a tier from now; reckoned once for a batch."""
        known = self._limits.get(tier)
        if known is None:
            known = self._limits[tier] = limits_from(self.directory, tier, self.now)
        return known

    def rules_of(self, order: Order) -> Directory:
        """The directory in force when a dispatch was ordered, as it is known by now: its limits and kinds of time."""
        return self.registry.directory(order.dispatched_at)

    def moments(self, awaited: Awaited, tier: str) -> tuple[datetime, datetime]:
        """When a wait is due soon and when supervision begins; reckoned once for equal waits of a batch."""
        key = (tier, awaited.since, awaited.due_at)
        known = self._moments.get(key)
        if known is None:
            limit = limit_between(self.directory, tier, awaited.since, awaited.due_at)
            known = due_soon_at(self.directory, limit), supervision_at(self.directory, limit)
            self._moments[key] = known
        return known

    def centre(self) -> str:
        """The unit that is the command centre."""
        return next(iter(self.registry.units_with(Role.COMMAND_CENTER, self.now)), HUB)


@dataclass(slots=True)
class Course:
    """Takes steps for one message and gathers what they come to."""

    message: Message
    context: Context
    case: Case | None
    entries: list[Entry] = field(default_factory=list)
    letters: list[LetterOrder] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    personal: Personal | None = None

    def late_proof(self, due_at: datetime) -> LateProof | None:
        """What proves that the lead unit's message, which came after its time, is of before it (补传), if anything."""
        unit = self.known.lead_unit_id
        outages = self.context.outages.get(unit, ()) if unit else ()
        hours = self.context.directory.rules.late_proof_hours
        return late_proof(self.message.effective_at, due_at, self.context.now, outages, hours)

    @property
    def known(self) -> Case:
        """The case as it is by now."""
        if self.case is None:
            raise RuntimeError("no step was taken yet")
        return self.case

    def begin(self, fact: Fact, standing: tuple[str, ...]) -> Case:
        """Open the case with its report; ``standing`` are the units that see it to its end."""
        case_id = next(self.context.new_ids)
        entry = self._entry(case_id, 1, Step.REPORT, State.REPORTED, fact, standing, by_rule=False)
        self.case = opened(entry, number_of(case_id, self.context.registry.division_code))
        self._note(entry, frozenset(), frozenset(standing))
        return self.case

    def refuse_unless(self, step: Step) -> None:
        """Raises ``Problem`` where the case's state does not allow the step; for facts that are dear to make."""
        try:
            after(self.known.state, step)
        except StepNotAllowed:
            raise not_allowed(self.known, step) from None

    def take(self, step: Step, fact: Fact, *, by_rule: bool = False) -> Case:
        """Take one step. Raises ``Problem`` where the case's state does not allow it."""
        case, now = self.known, self.context.now
        at = now if by_rule else self.message.effective_at or now
        try:
            moved = advance(case, step, fact, at, now, HUB if by_rule else self.message.sender.unit_id)
        except StepNotAllowed:
            raise not_allowed(case, step) from None
        watched, watching = case.watchers, moved.watchers
        # Who loses sight with this step still reads of it, and so knows that it has.
        audience = tuple(sorted(watched | watching))
        entry = self._entry(case.case_id, moved.version, step, moved.state, fact, audience, by_rule=by_rule)
        self.case = moved
        self._note(entry, watched, watching)
        return moved

    def decision(self) -> Decision:
        """Everything that the message changed."""
        return Decision(self.known, tuple(self.entries), tuple(self.letters), tuple(self.sights), self.personal)

    def _entry(
        self,
        case_id: int,
        sequence: int,
        step: Step,
        state: State,
        fact: Fact,
        audience: tuple[str, ...],
        *,
        by_rule: bool,
    ) -> Entry:
        message, now, case = self.message, self.context.now, self.case
        return Entry(
            case_id=case_id,
            sequence=sequence,
            step=step,
            state=state,
            mode=case.mode if case else message.mode,
            unit_id=HUB if by_rule else message.sender.unit_id,
            connection_id=HUB if by_rule else message.sender.connection_id,
            effective_at=now if by_rule else message.effective_at or now,
            known_at=now,
            directory_version=self.context.registry.directory_version,
            fact=fact,
            audience=audience,
            actor=None if by_rule else message.actor,
            on_behalf_of=None if by_rule else message.on_behalf_of,
            message_key=message.keys[0],
            message_digest=message.fingerprint,
            personal_id=str(self.personal.personal_id) if self.personal and case is None else None,
            traceparent=message.traceparent or (case.traceparent if case else None),
        )

    def _note(self, entry: Entry, watched: frozenset[str], watching: frozenset[str]) -> None:
        self.entries.append(entry)
        if watched != watching:
            for unit in sorted(watching - watched):
                self.sights.append(Sight(unit, entry.case_id, entry.sequence, open=True))
            for unit in sorted(watched - watching):
                self.sights.append(Sight(unit, entry.case_id, entry.sequence, open=False))
        addressed = self._addressed(entry)
        told = {unit for unit, _, _ in addressed}
        # A reminder is between the hub and whom it reminds.
        notices = [
            (unit, StatusNotice.contract, None) for unit in entry.audience if unit not in told and unit != entry.unit_id
        ]
        if isinstance(entry.fact, Reminded):
            notices = []
        registry = self.context.registry
        written = [
            (unit, contract, due, connection)
            for unit, contract, due in (*addressed, *notices)
            for connection in registry.receivers_of(unit, contract)
        ]
        if written:
            self._write(entry, written)

    def _addressed(self, entry: Entry) -> list[tuple[str, str, datetime | None]]:
        """Who must be written to because of an entry, besides those who are merely told: (unit, contract, due)."""
        case, fact = self.known, entry.fact
        match fact:
            case Dispatched() | Assisted():
                return [(fact.order.unit_id, Dispatch.contract, fact.order.due_at)]
            case Verified(rework=Order() as rework):
                return [(rework.unit_id, Dispatch.contract, rework.due_at)]
            case VerificationRequested():
                return [(fact.unit_id, VerificationRequest.contract, fact.due_at)]
            case Coordinated():
                return [(fact.coordinator, CoordinationNotice.contract, fact.due_at)]
            case Recalled():
                return [(fact.unit_id, RecallNotice.contract, None)]
            case Reminded():
                return [(fact.unit_id, Reminder.contract, None)]
            case Decided() | Resumed() | LateProofJudged() | ReckonedAgain():
                return [(case.dispatches[-1].order.unit_id, DecisionNotice.contract, None)]
            case Voided():
                helping = [each for each in case.assists if each.answered_at is None]
                told = dict.fromkeys(each.order.unit_id for each in (*case.dispatches[-1:], *helping) if not each.over)
                return [(unit, RecallNotice.contract, None) for unit in told]
            case _:
                return []

    def _write(self, entry: Entry, written: Sequence[tuple[str, str, datetime | None, Connection]]) -> None:
        case = self.known
        counts = dict(case.letter_counts)
        for unit, contract, due, connection in written:
            counts[unit] = counts.get(unit, 0) + 1
            self.letters.append(
                LetterOrder(
                    case_id=entry.case_id,
                    connection_id=connection.connection_id,
                    unit_id=unit,
                    entry_sequence=entry.sequence,
                    contract=contract,
                    unit_sequence=counts[unit],
                    urgent=case.urgent,
                    mode=entry.mode,
                    due_at=due,
                )
            )
        self.case = replace(case, letter_counts=tuple(counts.items()))


def not_allowed(case: Case, step: Step, why_zh: str = "", why_en: str = "") -> Problem:
    """The refusal that says what the case's state is, perhaps more closely why, and what it allows."""
    state, word = STATE_WORDS[case.state], STEP_WORDS[step]
    possible = steps_from(case.state)
    return Problem(
        "step_not_allowed",
        zh=f"案件 {case.case_number} 现为「{state.zh}」{why_zh and f'({why_zh})'},不能{word.zh}。",
        en=f"Case {case.case_number} is {state.en}{why_en and f' ({why_en})'}; it cannot take the step '{word.en}'.",
        fields=state_fields(case) | {"step": step.value, "steps_allowed": [each.value for each in possible]},
    )


def state_fields(case: Case) -> dict[str, object]:
    """The case's present state, for a refusal."""
    return {"case_number": case.case_number, "state": case.state.value, "version": case.version}
