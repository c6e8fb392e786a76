"""What one event is: its level, its sentences, its fields, and what counts it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How loud an event is."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
WAITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0, 86400.0)
SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Histogram:
    """``cityhub_<name>``: how one number field of an event is spread."""

    name: str
    field: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SECONDS


@dataclass(frozen=True, slots=True)
class Event:
    """One row: ``counts`` names the counter ``cityhub_<counts>_total``, which grows by one or by ``amount``."""

    level: Level
    zh: str
    en: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    counts: str | None
    labels: tuple[str, ...]
    amount: str | None
    spreads: tuple[Histogram, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field, in the order it is told."""
        return self.required + self.optional


def event(
    level: Level,
    zh: str,
    en: str,
    fields: str = "",
    *,
    counts: str | None = None,
    by: str = "",
    amount: str | None = None,
    spreads: tuple[Histogram, ...] = (),
) -> Event:
    """A row of the table. ``fields`` is a line of words, ``?`` after those that may be missing."""
    words = fields.split()
    required = tuple(word for word in words if not word.endswith("?"))
    optional = tuple(word[:-1] for word in words if word.endswith("?"))
    return Event(level, zh, en, required, optional, counts, tuple(by.split()), amount, spreads)
