"""Who coordinates where no unit is clearly responsible (协调), 五(四): the level, its leader, its limit. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from contracts.bends import Level
from contracts.city import Directory
from contracts.nouns import Role
from hub.deadlines import Limit, coordination_limit

LEVELS = tuple(Level)
_LEADER = {Level.COMMAND_CENTER: Role.COMMAND_CENTER, Level.CITY_GOVERNMENT: Role.CITY_GOVERNMENT}


def first_level(directory: Directory, area_id: str | None, concerned: Iterable[str]) -> Level:
    """The district of the place; at once the command centre across areas and among municipal units."""
    area = directory.governance.get(area_id or "")
    if area is None:
        return Level.COMMAND_CENTER
    municipal = any(area.coordinated_by not in (unit, *directory.lineage(unit)) for unit in concerned)
    return Level.COMMAND_CENTER if municipal else Level.DISTRICT


def higher(level: Level) -> Level | None:
    """The level above; None above the city government."""
    above = LEVELS.index(level) + 1
    return LEVELS[above] if above < len(LEVELS) else None


def highest(first: Level, second: Level | None) -> Level:
    """The higher of two levels."""
    return first if second is None or LEVELS.index(first) >= LEVELS.index(second) else second


def leader(directory: Directory, level: Level, area_id: str | None) -> str | None:
    """The unit that leads a coordination at a level; None where the directory has none."""
    area = directory.governance.get(area_id or "")
    if level is Level.DISTRICT:
        return area.coordinated_by if area else None
    role = _LEADER[level]
    return next((unit.unit_id for unit in directory.units.values() if role in unit.roles), None)


def limit(directory: Directory, level: Level, tier: str, since: datetime) -> Limit:
    """Until when it must be settled."""
    rules = directory.rules
    hours = {
        Level.DISTRICT: rules.coordinate_district_hours,
        Level.COMMAND_CENTER: rules.coordinate_command_hours,
        Level.CITY_GOVERNMENT: rules.coordinate_government_hours,
    }
    return coordination_limit(directory, tier, since, hours[level])
