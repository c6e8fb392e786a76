"""What an evaluation comes to: rows of figures, each with what it was made of. Exact; rounded only where shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from contracts.city import Formula, Indicator, Reckoning
from hub.evaluation.observing import By
from hub.evaluation.period import Period


@dataclass(frozen=True, slots=True)
class Figure:
    """One indicator's value. A rate is a share of one, a time is in seconds; None where nothing was to be counted.

    ``cases`` are the cases behind the numerator, ``of_cases`` those behind the denominator, each once, in order.
    """

    indicator: Indicator
    value: Fraction | None
    numerator: Fraction
    denominator: int | None
    cases: tuple[str, ...] = ()
    of_cases: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """For people: a share in per cent, a time in hours, each to one decimal; a dash where there is none."""
        if self.value is None:
            return "—"
        match self.indicator.reckoning:
            case Reckoning.COUNT:
                return str(int(self.value))
            case Reckoning.RATE:
                return f"{decimal(self.value * 100, 1)}%"
            case Reckoning.MEAN | Reckoning.PERCENTILE:
                return f"{decimal(self.value / 3600, 1)} h"


@dataclass(frozen=True, slots=True)
class Row:
    """What one unit, area, category or collector comes to; ``rank`` of ``ranked`` within its group, if it has one."""

    key: str
    figures: tuple[Figure, ...]
    score: Fraction | None = None
    group_id: str | None = None
    rank: int | None = None
    ranked: int | None = None

    def figure(self, indicator_id: str) -> Figure:
        """The figure of an indicator. Raises ``KeyError``."""
        for each in self.figures:
            if each.indicator.indicator_id == indicator_id:
                return each
        raise KeyError(indicator_id)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A period's figures by one version of the formula, as of ``at``; ``total`` is all rows as one.

    ``names`` are those of departments, as their platforms told them.
    """

    period: Period
    by: By
    formula: Formula
    at: datetime
    rows: tuple[Row, ...]
    total: Row
    names: Mapping[str, str] = field(default_factory=dict)

    def row(self, key: str) -> Row | None:
        """One row."""
        return next((row for row in self.rows if row.key == key), None)


def decimal(value: Fraction, places: int) -> str:
    """A number rounded half up, for people; never used to reckon on with."""
    scaled = value * 10**places
    whole = (abs(scaled.numerator) * 2 + scaled.denominator) // (2 * scaled.denominator)
    sign = "-" if value < 0 and whole else ""
    if places == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole // 10**places}.{whole % 10**places:0{places}d}"
