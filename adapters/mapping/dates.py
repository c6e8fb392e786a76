"""Moments in a unit's pattern and zone, there and back. Pure; made once from the profile, quick at work."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from adapters.mapping.faults import Trouble
from adapters.mapping.operations import Operation, integer_of, not_a, shown, text_of
from contracts.mapping import EPOCHS


def date_writer(pattern: str, zone: str) -> Operation:
    """A contract moment (RFC 3339 text) in the unit's pattern and zone."""
    unit_zone = ZoneInfo(zone)
    if scale := EPOCHS.get(pattern):
        return lambda value: _microseconds(_moment(value)) // (1_000_000 // scale)
    if pattern == "iso":
        return lambda value: _moment(value).astimezone(unit_zone).isoformat()
    if width := _ISO_WIDTHS.get(pattern):
        return lambda value: _moment(value).astimezone(unit_zone).replace(tzinfo=None).isoformat(" ")[:width]
    parts = re.findall(r"%.", pattern)
    if len(parts) < 2 or any(part not in _FIELDS for part in parts):
        return lambda value: _moment(value).astimezone(unit_zone).strftime(pattern)
    # Several times faster than strftime.
    layout = re.sub(r"%.", lambda found: _FIELDS[found[0]][1], pattern)
    numbers = attrgetter(*(_FIELDS[part][0] for part in parts))
    return lambda value: layout % numbers(_moment(value).astimezone(unit_zone))


def date_reader(pattern: str, zone: str) -> Operation:
    """The unit's text as a contract moment (RFC 3339 text); without a zone of its own it is in the unit's."""
    unit_zone = ZoneInfo(zone)
    if scale := EPOCHS.get(pattern):
        return lambda value: _from_epoch(value, scale, unit_zone)
    if pattern == "iso":
        return lambda value: _zoned(_parsed(value, datetime.fromisoformat, pattern), unit_zone)
    quick = _quick_parser(pattern)
    if quick is not None:
        return lambda value: _zoned(_parsed(value, quick, pattern), unit_zone)

    def slow(text: str) -> datetime:
        return datetime.strptime(text, pattern)  # noqa: DTZ007, the unit's zone is added where it names none

    return lambda value: _zoned(_parsed(value, slow, pattern), unit_zone)


_FIELDS: Mapping[str, tuple[str, str]] = {
    "%Y": ("year", "%04d"),
    "%m": ("month", "%02d"),
    "%d": ("day", "%02d"),
    "%H": ("hour", "%02d"),
    "%M": ("minute", "%02d"),
    "%S": ("second", "%02d"),
}
_ISO_WIDTHS: Mapping[str, int] = {"%Y-%m-%d %H:%M:%S": 19, "%Y-%m-%d %H:%M": 16, "%Y-%m-%d": 10}
"""Patterns that are the beginning of an ISO text, and how much of it: the quickest way there and back."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None and 1 < moment.year < 9999:
            return moment
    except (TypeError, ValueError):
        pass
    raise not_a("带时区的时间", "a moment with its zone", value)


def _parsed(value: Any, parse: Callable[[str], datetime], pattern: str) -> datetime:
    text = text_of(value).strip()
    try:
        if len(text) <= 64:
            return parse(text)
    except (ValueError, OverflowError):
        pass
    said = shown(text)
    raise Trouble("date", f"{said} 不符合日期格式 {pattern}", f"{said} is not a date of the form {pattern}")


def _zoned(moment: datetime, zone: tzinfo) -> str:
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).isoformat()


def _from_epoch(value: Any, scale: int, zone: tzinfo) -> str:
    count = integer_of(value)
    try:
        whole, rest = divmod(count, scale)
        moment = datetime.fromtimestamp(whole, zone).replace(microsecond=rest * (1_000_000 // scale))
        return moment.isoformat()
    except (ValueError, OverflowError, OSError):
        raise not_a("时间戳", "an epoch", value) from None


def _quick_parser(pattern: str) -> Callable[[str], datetime] | None:
    """For patterns of fixed width: strptime takes five times as long."""
    if width := _ISO_WIDTHS.get(pattern):

        def plain(text: str) -> datetime:
            moment = datetime.fromisoformat(text)
            # It also takes weeks and zones.
            if moment.isoformat(" ")[:width] != text:
                raise ValueError(text)
            return moment

        return plain
    parts = re.findall(r"%.|[^%]+", pattern)
    directives = [part for part in parts if part.startswith("%")]
    order = ["%Y", "%m", "%d", "%H", "%M", "%S"]
    if directives not in (order, order[:5], order[:3]):
        return None
    found = re.compile(
        "".join(
            r"([0-9]{4})" if part == "%Y" else r"([0-9]{2})" if part.startswith("%") else re.escape(part)
            for part in parts
        )
    ).fullmatch

    def parse(text: str) -> datetime:
        match = found(text)
        if match is None:
            raise ValueError(text)
        numbers = [*map(int, match.groups()), 0, 0, 0]
        return datetime(*numbers[:6])  # type: ignore[arg-type]  # noqa: DTZ001, the caller adds the unit's zone

    return parse
