"""From case logs to a period's figures (评价考核). Pure: the same logs and the same formula give the same figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import takewhile
from zoneinfo import ZoneInfo

from contracts.city import Directory, Formula, Indicator, Reckoning, Tally
from hub.cases import Entry
from hub.evaluation.figures import Evaluation, Figure, Row
from hub.evaluation.observing import By, Observation, observe
from hub.evaluation.period import Period
from hub.evaluation.scoring import ranked, score

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class CaseLog:
    """One case's entries, in order, from its report on."""

    case_number: str
    entries: Sequence[Entry]


def evaluate(
    logs: Iterable[CaseLog],
    directory: Directory,
    period: Period,
    formula: Formula,
    *,
    by: By = By.UNIT,
    known_at: datetime | None = None,
) -> Evaluation:
    """A period's figures, as the city stood at its end, or at ``known_at`` where the period still ran then.

    What was known only after ``known_at`` is left out; so a published figure comes out again.
    """
    zone = ZoneInfo(directory.rules.time_zone)
    span, at = period.span(zone), moment_of(period, zone, known_at)
    seen: list[Observation] = []
    for log in logs:
        entries = log.entries
        if known_at is not None:
            entries = known_by(entries, known_at)
        seen += observe(log.case_number, entries, directory, span, at)
    return summed(seen, period, formula, by=by, at=at)


def known_by(entries: Sequence[Entry], moment: datetime) -> list[Entry]:
    """The part of a log that was known at a moment: from its beginning, without holes."""
    return list(takewhile(lambda entry: entry.known_at <= moment, entries))


def moment_of(period: Period, zone: ZoneInfo, known_at: datetime | None) -> datetime:
    """As of when a period is judged: its end, or earlier where it still runs."""
    end = period.span(zone).until
    return end if known_at is None else min(end, known_at)


def summed(
    seen: Iterable[Observation], period: Period, formula: Formula, *, by: By = By.UNIT, at: datetime
) -> Evaluation:
    """The figures of what was observed, by rows and in total. Every unit of a group has a row, seen or not."""
    whole: dict[Tally, list[Observation]] = {}
    found: dict[str, dict[Tally, list[Observation]]] = {}
    names: dict[str, str] = {}
    if by is By.UNIT:
        found = {unit: {} for group in formula.groups for unit in group.units}
    for each in seen:
        key = each.key(by)
        if key is not None:
            found.setdefault(key, {}).setdefault(each.tally, []).append(each)
            whole.setdefault(each.tally, []).append(each)
            if by is By.DEPARTMENT and each.department_name is not None:
                names[key] = each.department_name
    rows = [_row(key, formula, found[key]) for key in sorted(found)]
    return Evaluation(
        period=period,
        by=by,
        formula=formula,
        at=at,
        rows=ranked(formula, rows) if by is By.UNIT else tuple(rows),
        total=_row("", formula, whole),
        names=names,
    )


def _row(key: str, formula: Formula, counted: dict[Tally, list[Observation]]) -> Row:
    figures = tuple(_figure(indicator, counted) for indicator in formula.indicators)
    return Row(key, figures, score(formula, figures))


def _figure(indicator: Indicator, counted: dict[Tally, list[Observation]]) -> Figure:
    above = counted.get(indicator.numerator, [])
    cases = _numbers(above)
    match indicator.reckoning:
        case Reckoning.COUNT:
            return Figure(indicator, Fraction(len(above)), Fraction(len(above)), None, cases)
        case Reckoning.RATE:
            below = counted.get(indicator.denominator, []) if indicator.denominator else []
            share = Fraction(len(above), len(below)) if below else None
            return Figure(indicator, share, Fraction(len(above)), len(below), cases, _numbers(below))
        case Reckoning.MEAN:
            total = Fraction(sum(each.spent_us for each in above), SECOND_US)
            mean = total / len(above) if above else None
            return Figure(indicator, mean, total, len(above), cases, cases)
        case Reckoning.PERCENTILE:
            times = sorted(each.spent_us for each in above)
            at = _nearest_rank(len(times), indicator.percentile or 100)
            value = Fraction(times[at], SECOND_US) if times else None
            return Figure(indicator, value, value or Fraction(0), len(times), cases, cases)


def _nearest_rank(count: int, percentile: int) -> int:
    """Where, in order, so many per cent lie at or below: an observed time, never one in between."""
    return max(-(-count * percentile // 100) - 1, 0)


def _numbers(seen: Iterable[Observation]) -> tuple[str, ...]:
    return tuple(sorted({each.case_number for each in seen}))
