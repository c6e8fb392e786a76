"""When a unit's system takes letters, and how often the hub knocks again: retry, maintenance windows, calendar.

Times of the day are wall time in the city's zone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.mapping import MappingModel
from contracts.model import Line, Model, Moment, Optionally, RuleBroken

ClockTime = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
"""``08:30``; ``24:00`` is the end of the day."""


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


Weekdays = Annotated[tuple[Weekday, ...], Field(max_length=7)]


class Retry(Model):
    """How a letter that failed is tried again. Pauses grow from the first to the longest; a deadline shortens them."""

    attempts_max: Annotated[int, Field(ge=1, le=200)] = 24
    first_pause_seconds: Annotated[float, Field(ge=0.2, le=3600)] = 1.0
    longest_pause_seconds: Annotated[float, Field(ge=1, le=86_400)] = 36_000.0

    @model_validator(mode="after")
    def _grows(self) -> Retry:
        if self.longest_pause_seconds < self.first_pause_seconds:
            raise RuleBroken("最长间隔不得短于首次间隔", "the longest pause is not shorter than the first")
        return self


RETRY = Retry()
"""How the hub tries again where the profile says nothing."""


class DatedWindow(MappingModel):
    """The unit's system is down once. ``urgent`` true: urgent letters are tried all the same."""

    since: Annotated[Moment, Field(alias="from")]
    until: Moment
    urgent: bool = False
    note: Optionally[Line] = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> DatedWindow:
        if self.until <= self.since:
            raise RuleBroken("窗口的止须晚于起", "a window ends after it begins")
        return self


class WeeklyHours(MappingModel):
    """Hours of some days of the week, of every day where none is named; they run overnight where they end earlier."""

    days: Weekdays = ()
    since: Annotated[ClockTime, Field(alias="from")]
    until: ClockTime

    @model_validator(mode="after")
    def _lasts(self) -> WeeklyHours:
        if self.until == self.since or self.since == "24:00":
            raise RuleBroken(
                "起止不得相同;全天写 00:00 至 24:00",
                "hours begin and end at different times; a whole day is 00:00 to 24:00",
            )
        return self


class WeeklyWindow(WeeklyHours):
    """The unit's system is down every week. ``urgent`` true: urgent letters are tried all the same."""

    urgent: bool = False
    note: Optionally[Line] = None


class Maintenance(Model):
    """Maintenance windows (维护窗口): letters wait, and nothing counts as a failure."""

    dated: Annotated[tuple[DatedWindow, ...], Field(max_length=50)] = ()
    weekly: Annotated[tuple[WeeklyWindow, ...], Field(max_length=50)] = ()


class Opening(Model):
    """The hours in which the unit's system takes ordinary letters (接收时间); urgent ones go at any hour.

    ``working_days`` keeps to the city's working calendar, holidays and shifted days included.
    """

    hours: Annotated[tuple[WeeklyHours, ...], Field(min_length=1, max_length=50)]
    working_days: bool = False
