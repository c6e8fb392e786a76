"""Says an event: one log line, and the metrics that count it. The only way the hub tells what happened."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog

from monitoring.event import Event, Level
from monitoring.events import COMMON, EVENTS
from monitoring.faults import told
from monitoring.logs import LEVELS
from monitoring.metrics import Counts

TEXT_CHARS_MAX = 500
WRONGS_TOLD_MAX = 200

_AS_THEY_ARE = frozenset({int, float, bool})


class NotInTheTable(ValueError):
    """What was said is not in the table of events: its name, a field too many, a field too few."""


@dataclass(slots=True)
class _Plan:
    """A row made ready. ``write`` is None where the level keeps the line out of the log."""

    event: Event
    allowed: frozenset[str]
    required: frozenset[str]
    write: Callable[..., Any] | None
    one_of: int = 1
    said: int = 0


class Say:
    """One process's voice.

    ``level`` and ``one_of`` thin the log alone (``{"message.accepted": 100}`` writes every hundredth): the metrics
    count every event. In tests ``strict`` raises ``NotInTheTable``; else nothing is ever raised, and what is not in
    the table is told once as ``event.unknown``, by its name only.
    """

    def __init__(
        self,
        counts: Counts,
        level: str,
        *,
        strict: bool = False,
        one_of: Mapping[str, int] | None = None,
        events: Mapping[str, Event] = EVENTS,
    ) -> None:
        self._counts, self._strict = counts, strict
        self._with_text = Level(level) is Level.DEBUG
        self._wrongs: set[tuple[str, str]] = set()
        logger = structlog.get_logger().bind()
        self._plans = {
            name: _Plan(
                event,
                frozenset(event.fields) | COMMON,
                frozenset(event.required),
                getattr(logger, event.level.value) if LEVELS[event.level] >= LEVELS[Level(level)] else None,
                max(1, (one_of or {}).get(name, 1)),
            )
            for name, event in events.items()
        }

    def __call__(self, event: str, /, **fields: object) -> None:
        """Say one event with its fields. ``fault`` may be an exception: its type and its place are told."""
        try:
            self._say(event, fields)
        except Exception:
            if self._strict:
                raise
            # A full disk or a reader that went away must not stop the city.
            with contextlib.suppress(Exception):
                self._counts.count("line.lost", {})

    def _say(self, name: str, fields: dict[str, object]) -> None:
        plan = self._plans.get(name)
        if plan is None:
            self._wrong(name, "event")
            return
        if not (fields.keys() <= plan.allowed and plan.required <= fields.keys()):
            for field in sorted(fields.keys() ^ plan.allowed):
                if field not in plan.allowed or field in plan.required:
                    self._wrong(name, field)
            fields = {field: value for field, value in fields.items() if field in plan.allowed}
        self._counts.count(name, fields)
        if plan.write is not None:
            self._write(plan, plan.write, name, fields)

    def _write(self, plan: _Plan, write: Callable[..., Any], name: str, fields: dict[str, object]) -> None:
        plan.said += 1
        if plan.one_of > 1:
            if plan.said % plan.one_of:
                return
            fields["one_of"] = plan.one_of
        traceparent = fields.pop("traceparent", None)
        line = {
            field: value
            if (kind := type(value)) in _AS_THEY_ARE or (kind is str and len(value) <= TEXT_CHARS_MAX)  # type: ignore[arg-type]
            else _plain(value)
            for field, value in fields.items()
            if value is not None
        }
        fault = fields.get("fault")
        if isinstance(fault, BaseException):
            line |= told(fault, with_text=self._with_text)
        if isinstance(traceparent, str):
            line["trace_id"], line["span_id"] = traceparent[3:35], traceparent[36:52]
        write(name, **line)

    def _wrong(self, name: str, wrong: str) -> None:
        if self._strict:
            raise NotInTheTable(f"{name}: {wrong}")
        self._counts.count("event.unknown", {})
        if (name, wrong) not in self._wrongs and len(self._wrongs) < WRONGS_TOLD_MAX:
            self._wrongs.add((name, wrong))
            self._say("event.unknown", {"name": name[:100], "wrong": wrong[:100]})


def _plain(value: object) -> str | float:
    """A value as a log line may hold it: of what is no id, no number and no moment only its type is told."""
    if isinstance(value, str):
        return str(value.value if isinstance(value, StrEnum) else value)[:TEXT_CHARS_MAX]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int | float):
        return value
    return type(value).__name__
