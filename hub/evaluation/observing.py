"""What one case adds to the counts of a period (计数). Pure: from the case's log alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from contracts.city import Directory, Tally
from contracts.envelope import Mode
from contracts.messages import Duty
from contracts.nouns import Role
from hub.cases import Entry
from hub.clocks import DEPARTMENT, Record, Standing, records
from hub.deadlines import verify_limit
from hub.facts import Accepted, Reported, VerificationRequested, Verified
from hub.life_cycle import State, Step
from hub.spans import Span


class By(StrEnum):
    """By what figures are told apart. ``department``: those of second-level platforms (二级平台各部门)."""

    UNIT = "unit"
    AREA = "area"
    CATEGORY = "category"
    COLLECTOR = "collector"
    DEPARTMENT = "department"


NOWHERE = "-"
"""The area of a case that lies in none."""

_HELD: dict[Standing, tuple[Tally, ...]] = {
    Standing.IN_TIME: (Tally.DUE, Tally.HANDLED, Tally.HANDLED_IN_TIME),
    Standing.LATE: (Tally.DUE, Tally.HANDLED, Tally.HANDLED_LATE),
    Standing.OVERDUE: (Tally.DUE, Tally.OVERDUE),
}


@dataclass(frozen=True, slots=True)
class Observation:
    """One case's part of one count, and whose it is; None where it is nobody's of that kind.

    ``spent_us`` is the unit's own time in microseconds, where something was handled; ``department_name`` what its
    platform calls the department.
    """

    tally: Tally
    case_number: str
    unit: str | None = None
    area: str | None = None
    category: str | None = None
    collector: str | None = None
    department: str | None = None
    spent_us: int = 0
    department_name: str | None = None

    def key(self, by: By) -> str | None:
        """Whose it is."""
        match by:
            case By.UNIT:
                return self.unit
            case By.AREA:
                return self.area
            case By.CATEGORY:
                return self.category
            case By.COLLECTOR:
                return self.collector
            case By.DEPARTMENT:
                return self.department


def observe(
    case_number: str, log: Sequence[Entry], directory: Directory, period: Span, at: datetime
) -> list[Observation]:
    """What a case adds to a period, as it stood at ``at``, by all that its log knows. Drills and tests add nothing."""
    if not log or log[0].mode is not Mode.LIVE:
        return []
    reported = cast(Reported, log[0].fact)
    accepted = [entry.fact.category_code for entry in log if isinstance(entry.fact, Accepted)]
    units = directory.units.values()
    case = _Case(
        number=case_number,
        log=log,
        records=records(log, directory, at),
        directory=directory,
        period=period,
        at=at,
        area=reported.location.area_id or NOWHERE,
        category=next(filter(None, accepted), reported.category_code),
        centre=next((unit.unit_id for unit in units if Role.COMMAND_CENTER in unit.roles), None),
    )
    return [*case.of_report(), *case.of_handling(), *case.of_verifying(), *case.of_closing()]


@dataclass(frozen=True, slots=True)
class _Case:
    number: str
    log: Sequence[Entry]
    records: Sequence[Record]
    directory: Directory
    period: Span
    at: datetime
    area: str
    category: str
    centre: str | None

    def of_report(self) -> Iterator[Observation]:
        """Reported, accepted: with the collector, and with the command centre, whose work accepting is."""
        entry = self.log[0]
        if self._in_period(entry.known_at):
            collector = _collector(entry.unit_id, entry.actor)
            yield self._told(Tally.REPORTED, unit=self.centre, collector=collector)
            if any(each.step is Step.ACCEPT and each.known_at <= self.at for each in self.log):
                yield self._told(Tally.ACCEPTED, unit=self.centre, collector=collector)

    def of_handling(self) -> Iterator[Observation]:
        """Dispatched, due, handled, returned, verified: every dispatch for itself."""
        for record in self.records:
            if record.duty == Duty.LEAD:
                yield from self._of_lead(record)
            elif record.duty == DEPARTMENT:
                department = f"{record.platform}/{record.unit_id}"
                for tally in self._held(record):
                    yield Observation(
                        *(tally, self.number),
                        department=department,
                        spent_us=_microseconds(record),
                        department_name=record.name,
                    )

    def _of_lead(self, record: Record) -> Iterator[Observation]:
        unit, spent = record.unit_id, _microseconds(record)
        if record.round == 1 and self._in_period(record.dispatched_at):
            yield self._told(Tally.DISPATCHED, unit=unit)
            if not record.founded_return:
                yield self._told(Tally.RIGHTLY_DISPATCHED, unit=unit)
            if record.second:
                yield self._told(Tally.SECOND_DISPATCHED, unit=unit)
        for tally in self._held(record):
            yield self._told(tally, unit=unit, spent_us=spent)
        for each in record.returns:
            if self._in_period(each.at):
                yield self._told(Tally.RETURNED, unit=unit)
                if each.founded is False:
                    yield self._told(Tally.RETURNED_UNFOUNDED, unit=unit)
        if record.verified_at is not None and self._in_period(record.verified_at):
            yield self._told(Tally.VERIFIED, unit=unit)
            if record.round == 1:
                yield self._told(Tally.FIRST_VERIFIED, unit=unit)
                if record.passed:
                    yield self._told(Tally.FIRST_PASSED, unit=unit)
            if not record.passed:
                yield self._told(Tally.REWORKED, unit=unit)

    def _held(self, record: Record) -> tuple[Tally, ...]:
        """What a dispatch comes to where its deadline lies in the period."""
        if not self.period.covers(record.due_at):
            return ()
        return _HELD.get(record.standing(self.at), ())

    def of_verifying(self) -> Iterator[Observation]:
        """Verifications that were asked for, and done in time."""
        asked: VerificationRequested | None = None
        for entry in self.log:
            if isinstance(entry.fact, VerificationRequested):
                asked = entry.fact
            elif asked is not None and isinstance(entry.fact, Verified):
                by = entry.fact.collector or entry.actor
                yield from self._verification(asked, entry.known_at, _collector(asked.unit_id, by))
                asked = None
            elif entry.step is Step.CLOSE or entry.step is Step.VOID:
                asked = None
        if asked is not None:
            yield from self._verification(asked, None, asked.unit_id)

    def _verification(
        self, asked: VerificationRequested, done_at: datetime | None, collector: str
    ) -> Iterator[Observation]:
        done = done_at is not None and done_at <= self.at
        if not self.period.covers(asked.due_at) or not (done or asked.due_at < self.at):
            return
        yield self._told(Tally.VERIFICATION_DUE, unit=asked.unit_id, collector=collector)
        if done_at is not None and done and done_at <= asked.due_at:
            yield self._told(Tally.VERIFIED_IN_TIME, unit=asked.unit_id, collector=collector)

    def of_closing(self) -> Iterator[Observation]:
        """Due to close, closed, closed in time; with the unit that led last."""
        last = self.log[-1]
        leads = [each for each in self.records if each.duty == Duty.LEAD]
        if not leads or last.state is State.VOIDED:
            return
        lead = leads[-1]
        due = verify_limit(self.directory, _tier(self.directory, lead.tier), lead.due_at).due_at
        closed = last.state is State.CLOSED and last.known_at <= self.at
        if not self.period.covers(due) or not (closed or due < self.at):
            return
        yield self._told(Tally.DUE_TO_CLOSE, unit=lead.unit_id)
        if closed:
            yield self._told(Tally.CLOSED, unit=lead.unit_id)
            if last.known_at <= due:
                yield self._told(Tally.CLOSED_IN_TIME, unit=lead.unit_id)

    def _in_period(self, moment: datetime) -> bool:
        return self.period.covers(moment) and moment <= self.at

    def _told(self, tally: Tally, unit: str | None, collector: str | None = None, spent_us: int = 0) -> Observation:
        return Observation(tally, self.number, unit, self.area, self.category, collector, None, spent_us)


def _collector(unit_id: str, person: str | None) -> str:
    return f"{unit_id}/{person}" if person else unit_id


def _microseconds(record: Record) -> int:
    spent = record.spent
    return (spent.days * 86_400 + spent.seconds) * 1_000_000 + spent.microseconds


def _tier(directory: Directory, tier: str) -> str:
    """The tier, or where the city has it no longer, one that is not urgent."""
    return tier if tier in directory.tiers else next(name for name, row in directory.tiers.items() if not row.urgent)
