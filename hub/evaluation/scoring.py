"""Scores and ranks (得分、排名): weighted rates, ranked among like units; equals share a rank. Pure and exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from contracts.city import Formula
from hub.evaluation.figures import Figure, Row


def score(formula: Formula, figures: Sequence[Figure]) -> Fraction | None:
    """The weighted rates, up to the formula's points; a rate with nothing to count leaves its points to the others."""
    points = dict(formula.weights)
    present = [
        (points[each.indicator.indicator_id], each.value)
        for each in figures
        if each.indicator.indicator_id in points and each.value is not None
    ]
    weight = sum(its for its, _ in present)
    if not weight:
        return None
    return sum((its * value for its, value in present), Fraction(0)) * formula.points / weight


def ranked(formula: Formula, rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with their ranks: 1, 1, 3 where two are equal. What has no score has no rank."""
    found = []
    for row in rows:
        group = formula.group_of(row.key)
        if group is None:
            found.append(row)
            continue
        scores = [each.score for each in rows if each.key in group.units and each.score is not None]
        place = None if row.score is None else 1 + sum(other > row.score for other in scores)
        found.append(replace(row, group_id=group.group_id, rank=place, ranked=len(scores)))
    return tuple(found)
