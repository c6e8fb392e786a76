"""Clocks and evaluations as JSON documents. Times are seconds; shares are rounded here and nowhere before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

from contracts.city import Reckoning
from hub.api.views import present
from hub.clocks import Interval, Record
from hub.evaluation import Evaluation, Figure, Row
from hub.evaluation.figures import decimal
from hub.sheets import called


def clock_document(records: Sequence[Record], intervals: Sequence[Interval], now: Any) -> dict[str, Any]:
    """Whose time a case's life was."""
    return {
        "as_of": now,
        "dispatches": [_record(each, now) for each in records],
        "intervals": [_interval(each) for each in intervals],
    }


def _record(record: Record, now: Any) -> dict[str, Any]:
    return present(
        number=record.number,
        unit_id=record.unit_id,
        platform_unit_id=record.platform,
        name=record.name,
        round=record.round,
        duty=record.duty,
        second=record.second,
        substitute=record.substitute,
        insisted=record.insisted,
        tier=record.tier,
        time=record.time.value,
        dispatched_at=record.dispatched_at,
        acknowledge_by=record.acknowledge_by,
        acknowledged_at=record.acknowledged_at,
        due_at=record.due_at,
        ending=record.ending.value,
        ended_at=record.ended_at,
        standing=record.standing(now).value,
        own_seconds=_seconds(record.spent),
        limit_seconds=_seconds(record.limit),
        not_own_seconds=_seconds(record.elapsed - record.spent),
        stood_seconds=_seconds(record.stood),
        lost_by_hub_seconds=_seconds(record.lost_by_hub),
        lost_by_network_seconds=_seconds(record.lost_by_network),
        late_proof=record.late_proof.value if record.late_proof else None,
        passed=record.passed,
        returns=[
            present(at=each.at, reason_code=each.reason_code or None, founded=each.founded, decided_at=each.decided_at)
            for each in record.returns
        ]
        or None,
    )


def _interval(interval: Interval) -> dict[str, Any]:
    return present(
        owner=interval.owner.value,
        holder=interval.holder,
        unit_id=interval.unit_id,
        since=interval.since,
        until=interval.until,
        time=interval.time.value,
        seconds=_seconds(interval.lasted),
        counts=interval.counts,
        because=interval.zh,
        because_en=interval.en,
    )


def evaluation_document(evaluation: Evaluation, names: Mapping[str, str], cases: str | None = None) -> dict[str, Any]:
    """A period's figures; ``cases`` names the indicator whose cases are listed."""
    formula, names = evaluation.formula, called(evaluation, names)
    return {
        "from": evaluation.period.since.isoformat(),
        "until": evaluation.period.until.isoformat(),
        "as_of": evaluation.at.isoformat(),
        "by": evaluation.by.value,
        "formula": {
            "version": formula.version,
            "valid_from": formula.valid_from.isoformat(),
            "certainty": formula.certainty.value,
            "source": formula.source,
            "weights": dict(formula.weights),
            "points": formula.points,
        },
        "groups": [
            {"group": each.group_id, "name": each.zh, "name_en": each.en, "units": list(each.units)}
            for each in formula.groups
        ],
        "items": [row_document(each, names, cases) for each in evaluation.rows],
        "total": row_document(evaluation.total, names, cases),
    }


def row_document(row: Row, names: Mapping[str, str], cases: str | None) -> dict[str, Any]:
    """One row with all its figures."""
    return present(
        key=row.key or None,
        name=names.get(row.key),
        group=row.group_id,
        rank=row.rank,
        ranked=row.ranked,
        score=float(decimal(row.score, 4)) if row.score is not None else None,
        figures=[_figure(each, cases) for each in row.figures],
    )


def rank_document(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    """What the others of a group may see of a row."""
    score = float(decimal(row.score, 4)) if row.score is not None else None
    return present(key=row.key, name=names.get(row.key), group=row.group_id, rank=row.rank, score=score)


def _figure(figure: Figure, cases: str | None) -> dict[str, Any]:
    indicator = figure.indicator
    named = cases == indicator.indicator_id
    return present(
        indicator=indicator.indicator_id,
        name=indicator.zh,
        name_en=indicator.en,
        reckoning=indicator.reckoning.value,
        unit="seconds" if indicator.reckoning in (Reckoning.MEAN, Reckoning.PERCENTILE) else None,
        value=float(decimal(figure.value, 6)) if figure.value is not None else None,
        shown=figure.shown,
        numerator=_number(figure.numerator),
        denominator=figure.denominator,
        cases=list(figure.cases) if named else None,
        of_cases=list(figure.of_cases) if named and figure.denominator is not None else None,
    )


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(decimal(value, 6))


def _seconds(span: timedelta) -> float:
    return span.total_seconds()
