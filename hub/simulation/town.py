"""The simulated town: its desk, dice and agenda, and the units' own books. Actors say things here."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.city import Directory, TimeUnit
from contracts.envelope import Message, Mode
from contracts.messages import Body
from hub.cases import Case
from hub.decision import Decision
from hub.lateness import Delivery, Outage
from hub.life_cycle import OVER
from hub.simulation.desk import Desk
from hub.simulation.habits import Habits
from hub.simulation.tally import Tally

SENT_TWICE_SHARE = 0.01

Act = Callable[..., None]


@dataclass(slots=True)
class Work:
    """What a unit has in hand: its order as it knows it. ``plan`` grows when it changes its mind."""

    unit_id: str
    round: int
    tier: str
    due_at: datetime
    acknowledge_by: datetime
    written_at: datetime
    heard_at: datetime | None = None
    plan: int = 0
    returned_once: bool = False
    badly: bool = False
    asks: bool = True


@dataclass(slots=True)
class Town:
    """Everything that a month plays with. ``outages`` are the times over which a unit's connection was cut off."""

    desk: Desk
    dice: random.Random
    directory: Directory
    habits: Mapping[str, Habits]
    outages: Mapping[str, tuple[Outage, ...]]
    until: datetime
    heard: Callable[[Town, Decision, datetime], None]
    tallies: dict[str, Tally] = field(default_factory=dict)
    work: dict[int, Work] = field(default_factory=dict)
    truth: dict[int, str] = field(default_factory=dict)
    had: dict[int, str] = field(default_factory=dict)
    returner: dict[int, str] = field(default_factory=dict)
    badly_done: set[int] = field(default_factory=set)
    late_proof_of: dict[int, str] = field(default_factory=dict)
    centre: str = "command_center"
    _agenda: list[tuple[datetime, int, Act, tuple[Any, ...]]] = field(default_factory=list)
    _count: int = 0

    # -- time ---------------------------------------------------------------------------------------------------------

    def at(self, moment: datetime, act: Act, *what: Any) -> None:
        """Put something on the agenda; what lies after the end is let be."""
        if moment < self.until:
            self._count += 1
            heapq.heappush(self._agenda, (moment, self._count, act, what))

    def live(self) -> None:
        """Let time pass to the end of the agenda."""
        while self._agenda:
            moment, _, act, what = heapq.heappop(self._agenda)
            act(self, moment, *what)

    def after(self, tier: str, since: datetime, minutes: float) -> datetime:
        """So many minutes later, in the tier's time: people work office hours, but for what is urgent."""
        if self.directory.tiers[tier].unit is TimeUnit.NATURAL_HOURS:
            return since + timedelta(minutes=minutes)
        return self.directory.calendar.add_working(since, timedelta(minutes=minutes))

    def part_of(self, tier: str, since: datetime, due_at: datetime, share: float) -> datetime:
        """When this share of a limit has passed."""
        if self.directory.tiers[tier].unit is TimeUnit.NATURAL_HOURS:
            return since + (due_at - since) * share
        calendar = self.directory.calendar
        return calendar.add_working(since, calendar.working_between(since, due_at) * share)

    def cut_off(self, unit_id: str, moment: datetime) -> Outage | None:
        """The outage in which a unit is at a moment."""
        for outage in self.outages.get(unit_id, ()):
            if outage.since <= moment and (outage.until is None or moment < outage.until):
                return outage
        return None

    # -- speaking -----------------------------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        """Whether something happens that happens so often."""
        return self.dice.random() < share

    def say(
        self, now: datetime, unit_id: str, body: Body, case: Case | None = None, mode: Mode = Mode.LIVE, **more: Any
    ) -> Decision | None:
        """Say something to the hub at once; what it came to, None where it was refused."""
        message = self.desk.message(body, unit_id, now, case, mode, **more)
        if self.chance(SENT_TWICE_SHARE):
            self.at(now + timedelta(minutes=3), _again, message)
        work = self.work.get(message.case_id or 0)
        deliveries: dict[int, Delivery] = {}
        if work is not None and case is not None and work.heard_at is not None and work.heard_at > work.written_at:
            deliveries[case.case_id] = Delivery(work.written_at, work.written_at, work.written_at, work.heard_at)
        decision = self.desk.receive(message, now, deliveries=deliveries, outages=self.outages)
        if decision is not None:
            self.settled(decision, now)
        return decision

    def settled(self, decision: Decision, now: datetime) -> None:
        """Letters go out, and time is looked at again."""
        self.heard(self, decision, now)
        case = self.desk.cases[decision.case.case_id]
        if case.version == decision.case.version and case.state not in OVER:
            alarm = self.desk.alarm(case, now)
            if alarm is not None:
                self.at(max(alarm, now), _ring, case.case_id, case.version)

    def open_case(self, case_id: int) -> Case | None:
        """A case that is not over."""
        case = self.desk.cases[case_id]
        return case if case.state not in OVER else None

    def counts(self, case: Case) -> bool:
        """Whether a case is real: drills are in nobody's books."""
        return case.mode is Mode.LIVE

    def tally(self, unit_id: str) -> Tally:
        """A unit's own books."""
        return self.tallies.setdefault(unit_id, Tally())


def _again(town: Town, now: datetime, message: Message) -> None:
    town.desk.receive(message, now)


def _ring(town: Town, now: datetime, case_id: int, version: int) -> None:
    case = town.desk.cases[case_id]
    if case.version == version and case.state not in OVER and town.desk.due(case, now):
        decision = town.desk.tick(case, now)
        if decision is not None:
            town.settled(decision, now)
