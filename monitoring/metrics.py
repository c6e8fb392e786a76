"""Metrics, counted from the events alone. Each process keeps a snapshot file; whoever is scraped adds them all up.

A file per slot, replaced whole by rename: a killed process leaves its last snapshot, and a new one in its slot begins
again, which Prometheus takes for what it is, a counter's reset.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from monitoring.events import EVENTS

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
LABEL_VALUES_MAX = 2000

Key = tuple[str, ...]
Gauge = tuple[str, str, Mapping[str, str], float]
"""name, help, labels, value"""


class Counts:
    """The counts of one process."""

    def __init__(self) -> None:
        self.counters: dict[Key, float] = {}
        self.histograms: dict[Key, list[float]] = {}

    def count(self, event: str, fields: Mapping[str, object]) -> None:
        """Count one event."""
        row = EVENTS[event]
        key = (event, *[str(fields.get(label, "")) for label in row.labels])
        if key not in self.counters and len(self.counters) >= LABEL_VALUES_MAX:
            key = (event, *["other"] * len(row.labels))
        amount = fields.get(row.amount, 1) if row.amount else 1
        self.counters[key] = self.counters.get(key, 0) + (amount if isinstance(amount, int | float) else 1)
        for name in row.seconds:
            value = fields.get(name)
            if isinstance(value, int | float):
                self._observe((event, name), float(value))

    def _observe(self, key: Key, value: float) -> None:
        kept = self.histograms.get(key)
        if kept is None:
            kept = self.histograms[key] = [0.0] * (len(BUCKETS) + 2)
        for index, bound in enumerate(BUCKETS):
            if value <= bound:
                kept[index] += 1
                break
        else:
            kept[len(BUCKETS)] += 1
        kept[-1] += value

    def write(self, path: Path) -> None:
        """Keep a snapshot, whole or not at all."""
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(orjson.dumps({"c": list(self.counters.items()), "h": list(self.histograms.items())}))
        draft.replace(path)

    def add(self, path: Path) -> None:
        """Add another process's snapshot; one that cannot be read is left out."""
        try:
            kept = orjson.loads(path.read_bytes())
            counters = [(tuple(key), float(value)) for key, value in kept["c"]]
            histograms = [(tuple(key), [float(each) for each in values]) for key, values in kept["h"]]
        except (OSError, ValueError, KeyError, TypeError):
            return
        for key, value in counters:
            if key[0] in EVENTS and len(key) == 1 + len(EVENTS[key[0]].labels):
                self.counters[key] = self.counters.get(key, 0) + value
        for key, values in histograms:
            if key[0] in EVENTS and len(values) == len(BUCKETS) + 2:
                known = self.histograms.setdefault(key, [0.0] * len(values))
                self.histograms[key] = [a + b for a, b in zip(known, values, strict=True)]


class _Families(Collector):
    def __init__(self, counts: Counts, gauges: Iterable[Gauge]) -> None:
        self._counts, self._gauges = counts, gauges

    def collect(self) -> Iterable[CounterMetricFamily | HistogramMetricFamily | GaugeMetricFamily]:
        """prometheus-client's own way of asking."""
        counters: dict[str, CounterMetricFamily] = {}
        for key, value in sorted(self._counts.counters.items()):
            event, row = key[0], EVENTS[key[0]]
            family = counters.setdefault(event, CounterMetricFamily(metric_name(event), row.en, labels=row.labels))
            family.add_metric(key[1:], value)
        yield from counters.values()
        for (event, name), values in sorted(self._counts.histograms.items()):
            histogram = HistogramMetricFamily(f"{metric_name(event)}_{name}", EVENTS[event].en)
            running = 0.0
            buckets: list[tuple[str, float]] = []
            for bound, count in zip((*BUCKETS, float("inf")), values, strict=False):
                running += count
                buckets.append(("+Inf" if bound == float("inf") else str(bound), running))
            histogram.add_metric([], buckets, values[-1])
            yield histogram
        gauges: dict[str, GaugeMetricFamily] = {}
        for name, told, labels, value in self._gauges:
            gauge = gauges.setdefault(name, GaugeMetricFamily(f"cityhub_{name}", told, labels=tuple(labels)))
            gauge.add_metric(tuple(labels.values()), value)
        yield from gauges.values()


def metric_name(event: str) -> str:
    """``letter.delivered`` → ``cityhub_letter_delivered``."""
    return "cityhub_" + event.replace(".", "_")


def exposition(counts: Counts, gauges: Iterable[Gauge]) -> bytes:
    """Prometheus text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(counts, list(gauges)))
    return generate_latest(registry)
