"""A simulated month from report to close: who hears what, the logs it leaves, and their digest."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from contracts.bends import CoordinationNotice, DecisionNotice, RecallNotice, Reminder
from contracts.messages import Dispatch, VerificationRequest
from hub.cases import Case, Entry
from hub.codec import canonical, fact_text
from hub.decision import Decision
from hub.facts import (
    Assisted,
    Coordinated,
    Decided,
    Dispatched,
    Order,
    Reminded,
    Resumed,
    VerificationRequested,
    Verified,
)
from hub.lateness import Outage
from hub.life_cycle import Step
from hub.registry import Registry
from hub.simulation import centre, units
from hub.simulation.arrivals import Arrival, arrivals
from hub.simulation.desk import Desk
from hub.simulation.habits import habits_of
from hub.simulation.tally import Tally
from hub.simulation.town import Town

GOES_ON_DAYS = 75
"""So long after the month things are seen to their end."""

ASKS = frozenset({Step.REQUEST_EXTENSION, Step.REQUEST_SUSPENSION, Step.DISPUTE})


@dataclass(frozen=True, slots=True)
class Month:
    """Which month of which city, how many reports, and the seed of all chance."""

    registry: Registry
    first: date
    cases: int
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a month left: each case with its log, the units' own books, and what was refused on the way."""

    cases: Mapping[int, Case]
    logs: Mapping[int, list[Entry]]
    tallies: Mapping[str, Tally]
    refused: Mapping[str, int]
    repeats: int
    messages: int
    until: datetime

    def steps(self) -> Counter[Step]:
        """How often each step was taken."""
        return Counter(entry.step for log in self.logs.values() for entry in log)

    def digest(self) -> str:
        """SHA-256 over every entry's canonical bytes, case by case."""
        chain = hashlib.sha256()
        for each in self.bytes():
            chain.update(each)
        return chain.hexdigest()

    def bytes(self) -> Iterator[bytes]:
        """The canonical bytes of every entry."""
        for case_id in sorted(self.logs):
            for entry in self.logs[case_id]:
                yield canonical(entry, fact_text(entry.fact))


def simulate(month: Month) -> Outcome:
    """Live through a month."""
    zone = month.registry.zone
    begin = datetime(month.first.year, month.first.month, 1, tzinfo=zone)
    until = begin + timedelta(days=31 + GOES_ON_DAYS)
    directory = month.registry.directory(begin)
    dice = random.Random(f"{month.seed} {month.first:%Y-%m} {month.cases}")
    desk = Desk(month.registry, month.seed)
    town = Town(
        desk=desk,
        dice=dice,
        directory=directory,
        habits=habits_of(month.seed, tuple(directory.units)),
        outages=_outages(dice, tuple(directory.units), begin),
        until=until,
        heard=_heard,
    )
    for arrival in arrivals(dice, directory, zone, month.first, month.cases):
        town.at(arrival.at, _arrives, arrival)
    town.live()
    return Outcome(desk.cases, desk.logs, town.tallies, desk.refused, desk.repeats, desk.messages, until)


def _outages(dice: random.Random, unit_ids: tuple[str, ...], begin: datetime) -> dict[str, tuple[Outage, ...]]:
    """Each unit's connection is cut off now and then, for some hours."""
    made = {}
    for unit in unit_ids:
        begins = sorted(begin + timedelta(hours=dice.uniform(0, 40 * 24)) for _ in range(dice.choice((0, 1, 2, 3))))
        apart = [at for index, at in enumerate(begins) if index == 0 or at - begins[index - 1] > timedelta(hours=30)]
        made[unit] = tuple(Outage(f"{unit}.desk", at, at + timedelta(hours=dice.uniform(1, 20))) for at in apart)
    # The command centre and the collectors sit beside the hub.
    return made | {"command_center": (), "collection": (), "city_government": ()}


def _arrives(town: Town, now: datetime, arrival: Arrival) -> None:
    town.say(now, arrival.unit_id, arrival.body, mode=arrival.mode)


def _heard(town: Town, decision: Decision, now: datetime) -> None:
    """Carry each letter to whom it is for, and let the command centre look."""
    case = decision.case
    first = decision.entries[0].sequence
    for letter in decision.letters:
        entry = decision.entries[letter.entry_sequence - first]
        _letter(town, now, case, letter.unit_id, letter.contract, entry)
    for entry in decision.entries:
        if entry.step in ASKS:
            centre.asked(town, now, case, entry.fact.question)  # type: ignore[union-attr]
        elif entry.step is Step.ANSWER:
            centre.answered_late(town, now, case)
    if decision.entries[-1].step not in (Step.WARN, Step.REMIND, Step.SUPERVISE, Step.PROGRESS, Step.SUB_DISPATCH):
        centre.looks(town, now, case)


def _letter(town: Town, now: datetime, case: Case, unit_id: str, contract: str, entry: Entry) -> None:
    fact = entry.fact
    if contract == Dispatch.contract:
        order = fact.order if isinstance(fact, Dispatched | Assisted) else None
        if isinstance(fact, Verified):
            order = fact.rework
        if isinstance(fact, Assisted):
            units.assists(town, now, case.case_id, unit_id, case.reported.tier)
        elif isinstance(order, Order):
            units.ordered(town, now, case, order)
    elif contract == RecallNotice.contract:
        units.recalled(town, case.case_id, unit_id)
    elif contract == CoordinationNotice.contract and isinstance(fact, Coordinated):
        centre.coordinates(town, now, case, unit_id)
    elif contract == VerificationRequest.contract and isinstance(fact, VerificationRequested):
        centre.verifies(town, now, case, unit_id, fact.due_at)
    elif contract == Reminder.contract and isinstance(fact, Reminded):
        town.tally(unit_id).reminded += town.counts(case)
    elif contract == DecisionNotice.contract and isinstance(fact, Decided | Resumed):
        units.told(town, now, case, fact.due_at)
