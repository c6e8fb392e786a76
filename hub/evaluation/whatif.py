"""What other rules would have come to (推演): a changed matrix, calendar or formula over past cases. Pure.

Both evaluations are of the same logs; each difference opens down to its cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from contracts.city import City, Component, Directory, Formula, Tally
from hub.evaluation.evaluating import CaseLog, known_by, moment_of, summed
from hub.evaluation.figures import Evaluation, Row
from hub.evaluation.observing import By, Observation, observe
from hub.evaluation.period import Period
from hub.evaluation.replay import Moved, replay

LATE = frozenset({Tally.HANDLED_LATE, Tally.OVERDUE})


@dataclass(frozen=True, slots=True)
class Rules:
    """What cases are judged by."""

    city: City
    formula: Formula

    def directory(self, period: Period) -> Directory:
        """As it stands on the period's last day."""
        return self.city.at(period.until)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one case adds to the period, as it was and as it would have been, and where it would have gone."""

    before: Sequence[Observation]
    after: Sequence[Observation]
    moved: Moved | None


@dataclass(frozen=True, slots=True)
class Change:
    """What would change for a unit. ``late`` are the cases newly late with it, ``in_time`` those late no more."""

    unit_id: str
    before: Row | None
    after: Row | None
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    late: tuple[str, ...]
    in_time: tuple[str, ...]

    @property
    def score_moves(self) -> Fraction | None:
        """By how many points; None where there is no score on one side."""
        if self.before is None or self.after is None or self.before.score is None or self.after.score is None:
            return None
        return self.after.score - self.before.score

    @property
    def nothing(self) -> bool:
        """Whether all stays as it was."""
        was = (self.before.score, self.before.rank) if self.before else (None, None)
        now = (self.after.score, self.after.rank) if self.after else (None, None)
        return was == now and not (self.gained or self.lost or self.late or self.in_time)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Both evaluations, the cases that would have gone elsewhere, and the units for which something would change."""

    before: Evaluation
    after: Evaluation
    moves: tuple[Moved, ...]
    changes: tuple[Change, ...]


def what_if(
    logs: Iterable[CaseLog],
    base: Rules,
    changed: Rules,
    period: Period,
    *,
    known_at: datetime | None = None,
    component_of: Callable[[CaseLog], Component | None] = lambda _: None,
) -> WhatIf:
    """The whole comparison, of logs at hand. ``component_of`` is the register as it was when the case was routed."""
    at = moment_of(period, ZoneInfo(base.city.rules.time_zone), known_at)
    seen = []
    for log in logs:
        entries = log.entries if known_at is None else known_by(log.entries, known_at)
        if entries:
            cut = CaseLog(log.case_number, entries)
            seen.append(weighed(cut, base, changed, period, at, component_of(cut)))
    return compared(seen, base, changed, period, at)


def weighed(
    log: CaseLog, base: Rules, changed: Rules, period: Period, at: datetime, component: Component | None
) -> Seen:
    """One case under both rules."""
    span = period.span(ZoneInfo(base.city.rules.time_zone))
    before = observe(log.case_number, log.entries, base.directory(period), span, at)
    replayed = replay(log, base.city, changed.city, component)
    after = observe(log.case_number, replayed.log.entries, changed.directory(period), span, at)
    # A drill, or a case that the period does not concern, moves nobody.
    return Seen(before, after, replayed.moved if before or after else None)


def compared(seen: Sequence[Seen], base: Rules, changed: Rules, period: Period, at: datetime) -> WhatIf:
    """What comes of it, by unit."""
    before = summed((one for each in seen for one in each.before), period, base.formula, by=By.UNIT, at=at)
    after = summed((one for each in seen for one in each.after), period, changed.formula, by=By.UNIT, at=at)
    moves = tuple(sorted((each.moved for each in seen if each.moved), key=lambda move: move.case_number))
    late_before = _late(one for each in seen for one in each.before)
    late_after = _late(one for each in seen for one in each.after)
    units = {row.key for row in (*before.rows, *after.rows)}
    units |= {unit for move in moves for unit in (move.from_unit, move.to_unit) if unit}
    changes = []
    for unit in sorted(units):
        was, now = late_before.get(unit, set()), late_after.get(unit, set())
        change = Change(
            unit_id=unit,
            before=before.row(unit),
            after=after.row(unit),
            gained=tuple(move.case_number for move in moves if move.to_unit == unit),
            lost=tuple(move.case_number for move in moves if move.from_unit == unit),
            late=tuple(sorted(now - was)),
            in_time=tuple(sorted(was - now)),
        )
        if not change.nothing:
            changes.append(change)
    return WhatIf(before, after, moves, tuple(changes))


def _late(seen: Iterable[Observation]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in seen:
        if each.tally in LATE and each.unit is not None:
            found.setdefault(each.unit, set()).add(each.case_number)
    return found
