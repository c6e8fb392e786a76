"""Counts of one process or of several added up, made of the events alone, and their Prometheus text.

Counters never go down: amounts below nothing count as nothing. A metric keeps a bounded number of label values; what
comes after counts as ``other``.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from monitoring.event import Event, Histogram
from monitoring.events import EVENTS

SERIES_MAX = 5000
"""Of one metric in one process: some forty units by twenty contracts by a few kinds, five times over."""
LABEL_CHARS_MAX = 100
OTHER = "other"

Labels = tuple[str, ...]
Gauge = tuple[str, str, Mapping[str, str], float]
"""A gauge of the moment: (name without ``cityhub_``, help, labels, value)."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(slots=True)
class Counter:
    """One counter's series."""

    event: Event
    series: dict[Labels, float]


@dataclass(slots=True)
class Spread:
    """One histogram's series: a count for each bucket, one for what is above, then the sum."""

    histogram: Histogram
    event: Event
    series: dict[Labels, list[float]]


class Counts:
    """What was counted. Safe to count from several threads; ``overflowed`` is told a metric's name once it is full."""

    def __init__(
        self, events: Mapping[str, Event] = EVENTS, overflowed: Callable[[str], None] = lambda metric: None
    ) -> None:
        self._lock = Lock()
        self._overflowed = overflowed
        self._counters: dict[str, Counter] = {}
        self._spreads: dict[str, Spread] = {}
        self._ways: dict[str, tuple[Counter | None, Sequence[Spread]]] = {}
        for name, event in events.items():
            counter = None
            if event.counts is not None:
                counter = self._counters[event.counts] = Counter(event, {} if event.labels else {(): 0.0})
            spreads = [Spread(each, event, {}) for each in event.spreads]
            self._spreads |= {spread.histogram.name: spread for spread in spreads}
            self._ways[name] = (counter, spreads)

    def count(self, name: str, fields: Mapping[str, object]) -> None:
        """Count one event of the table."""
        counter, spreads = self._ways[name]
        with self._lock:
            if counter is not None:
                event = counter.event
                amount = 1.0 if event.amount is None else _number(fields.get(event.amount))
                if amount is not None:
                    key = _key(event.labels, fields)
                    try:
                        counter.series[key] += amount
                    except KeyError:
                        key = self._room(event.counts or "", counter.series, key)
                        counter.series[key] = counter.series.get(key, 0.0) + amount
            for spread in spreads:
                value = _number(fields.get(spread.histogram.field))
                if value is not None:
                    self._observe(spread, _key(spread.histogram.labels, fields), value)

    def _observe(self, spread: Spread, key: Labels, value: float) -> None:
        buckets = spread.histogram.buckets
        series = spread.series.get(key)
        if series is None:
            key = self._room(spread.histogram.name, spread.series, key)
            series = spread.series.setdefault(key, [0.0] * (len(buckets) + 2))
        series[bisect_left(buckets, value)] += 1.0
        series[-1] += value

    def _room(self, metric: str, series: Mapping[Labels, object], key: Labels) -> Labels:
        key = tuple(value[:LABEL_CHARS_MAX] for value in key)
        if key in series or len(series) < SERIES_MAX:
            return key
        other = (OTHER,) * len(key)
        if other not in series:
            self._overflowed(metric)
        return other

    def snapshot(self) -> dict[str, object]:
        """Everything counted so far, for ``add`` and for JSON."""
        with self._lock:
            return {
                "counters": {
                    name: list(counter.series.items()) for name, counter in self._counters.items() if counter.series
                },
                "histograms": {
                    name: [spread.histogram.buckets, [(key, list(row)) for key, row in spread.series.items()]]
                    for name, spread in self._spreads.items()
                    if spread.series
                },
            }

    def add(self, raw: bytes) -> None:
        """Add a snapshot. Metrics of another shape, from before an upgrade, are left out. Raises ``ValueError``."""
        document = orjson.loads(raw)
        try:
            counters = [
                (self._counters[name], tuple(map(str, key)), _finite(value))
                for name, series in document["counters"].items()
                if name in self._counters
                for key, value in series
            ]
            spreads = [
                (self._spreads[name], tuple(map(str, key)), [_finite(value) for value in row])
                for name, (buckets, series) in document["histograms"].items()
                if name in self._spreads and tuple(buckets) == self._spreads[name].histogram.buckets
                for key, row in series
            ]
        except (KeyError, TypeError, AttributeError) as fault:
            raise ValueError("no snapshot of counts") from fault
        with self._lock:
            for counter, key, value in counters:
                if len(key) == len(counter.event.labels):
                    counter.series[key] = counter.series.get(key, 0.0) + value
            for spread, key, row in spreads:
                width = len(spread.histogram.buckets) + 2
                if len(key) == len(spread.histogram.labels) and len(row) == width:
                    known = spread.series.get(key, [0.0] * width)
                    spread.series[key] = [a + b for a, b in zip(known, row, strict=True)]

    def families(self) -> Iterable[CounterMetricFamily | HistogramMetricFamily]:
        """The counts as prometheus-client has them."""
        for name, counter in self._counters.items():
            told = f"{counter.event.zh} {counter.event.en}"
            family = CounterMetricFamily(f"cityhub_{name}", told, labels=counter.event.labels)
            for key, value in sorted(counter.series.items()):
                family.add_metric(key, value)
            yield family
        for name, spread in self._spreads.items():
            told = f"{spread.event.zh} {spread.event.en}: {spread.histogram.field}"
            histogram = HistogramMetricFamily(f"cityhub_{name}", told, labels=spread.histogram.labels)
            bounds = [*map(str, spread.histogram.buckets), "+Inf"]
            for key, row in sorted(spread.series.items()):
                running, buckets = 0.0, []
                for bound, count in zip(bounds, row, strict=False):
                    running += count
                    buckets.append((bound, running))
                histogram.add_metric(key, buckets, row[-1])
            yield histogram


def exposition(counts: Counts, gauges: Iterable[Gauge]) -> bytes:
    """Prometheus text of the counts and of the gauges of the moment."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families([*counts.families(), *_gauge_families(gauges)]))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: Sequence[CounterMetricFamily | HistogramMetricFamily | GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[CounterMetricFamily | HistogramMetricFamily | GaugeMetricFamily]:
        """prometheus-client's own way of asking."""
        return self._families


def _gauge_families(gauges: Iterable[Gauge]) -> list[GaugeMetricFamily]:
    """One family a name; of a repeated series the last counts, since Prometheus refuses a page with two."""
    series: dict[str, tuple[str, tuple[str, ...], dict[Labels, float]]] = {}
    for name, told, labels, value in gauges:
        if not _NAME.fullmatch(name):
            raise ValueError(f"no name of a gauge: {name}")
        _, names, values = series.setdefault(name, (told, tuple(labels), {}))
        values[tuple(str(labels[each])[:LABEL_CHARS_MAX] for each in names)] = float(value)
    families = []
    for name, (told, names, values) in series.items():
        family = GaugeMetricFamily(f"cityhub_{name}", told, labels=names)
        for key, value in values.items():
            family.add_metric(key, value)
        families.append(family)
    return families


def _key(labels: Labels, fields: Mapping[str, object]) -> Labels:
    return tuple([str(value) if (value := fields.get(label)) is not None else "" for label in labels])


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value):
        return max(0.0, float(value))
    return None


def _finite(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return float(value)
