"""How the pages speak of moments, spans, units and words: in the reader's language and the city's zone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.city import Directory
from hub.console.words import Language, coded
from hub.life_cycle import Word

HUB = "hub"
"""The name under which the hub itself takes steps."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment for people and for machines."""

    text: str
    iso: str


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline seen from now: when, how far, and whether it is over."""

    at: Moment
    span: str
    late: bool


@dataclass(frozen=True, slots=True)
class Phrases:
    """Puts values into words. ``now`` is the city's time, ``t`` every fixed text."""

    language: Language
    zone: ZoneInfo
    now: datetime
    directory: Directory
    t: Mapping[str, str]

    def word(self, word: Word) -> str:
        """A word of the life cycle."""
        return word.zh if self.language is Language.ZH else word.en

    def code(self, code: str) -> str:
        """A fixed word of a message or a letter."""
        return coded(code, self.language)

    def either(self, zh: str, en: str) -> str:
        """The one of two sentences that the reader reads."""
        return zh if self.language is Language.ZH else en or zh

    def half(self, text: str) -> str:
        """The reader's half of what the hub wrote in both languages: ``对方拒收 / the unit refused``."""
        zh, _, en = text.partition(" / ")
        return self.either(zh, en) if en and not zh.isascii() else text

    def unit(self, unit_id: str) -> str:
        """A unit's name; its id where the directory no longer knows it."""
        if unit_id == HUB:
            return self.t["hub"]
        unit = self.directory.units.get(unit_id)
        return self.either(unit.name_zh, unit.name_en) if unit else unit_id

    def area(self, area_id: str | None) -> str:
        """An area's name."""
        if area_id is None:
            return self.t["outside"]
        return next((area.name_zh for area in self.directory.areas if area.area_id == area_id), area_id)

    def category(self, code: str, name_zh: str) -> str:
        """A category's name; the case's own where the directory no longer knows the code."""
        category = self.directory.categories.get(code)
        return self.either(name_zh, category.name_en if category else name_zh)

    def moment(self, at: datetime) -> Moment:
        """Day and minute in the city's zone; today's day is left out."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == today.date():
            text = f"{local:%H:%M}"
        elif self.language is Language.ZH:
            text = f"{local.month}月{local.day}日 {local:%H:%M}"
        else:
            text = f"{local.day} {local:%b %H:%M}"
        if local.year != today.year:
            text = f"{local:%Y-%m-%d %H:%M}"
        return Moment(text, local.isoformat(timespec="seconds"))

    def exact(self, at: datetime) -> Moment:
        """A moment to the second, with its day."""
        local = at.astimezone(self.zone)
        return Moment(f"{local:%Y-%m-%d %H:%M:%S}", local.isoformat(timespec="seconds"))

    def due(self, at: datetime, ended: datetime | None = None) -> Due:
        """A deadline: how long is left or was missed by, until ``ended`` or now."""
        left = at - (ended or self.now)
        late = left < timedelta(0)
        span = self.span(abs(left))
        if self.language is Language.ZH:
            said = f"超时 {span}" if late else f"还剩 {span}"
        else:
            said = f"late by {span}" if late else f"{span} left"
        return Due(self.moment(at), said, late)

    def span(self, length: timedelta) -> str:
        """A length of time in its two largest units."""
        minutes = int(length.total_seconds() // 60)
        days, rest = divmod(minutes, 24 * 60)
        hours, minutes = divmod(rest, 60)
        zh = self.language is Language.ZH
        parts = [
            (days, "天" if zh else "d"),
            (hours, "小时" if zh else "h"),
            (minutes, "分" if zh else "min"),
        ]
        kept = [f"{count} {unit}" for count, unit in parts if count][:2]
        return " ".join(kept) or ("不到 1 分" if zh else "less than 1 min")
