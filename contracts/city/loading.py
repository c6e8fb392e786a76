"""Loads a city from its folder. One that cannot be used is refused whole, with every fault."""

from __future__ import annotations

from pathlib import Path

from contracts.calendar import CalendarData, announced_days
from contracts.city import reading
from contracts.city.city import City, Tables
from contracts.city.conflicts import conflicts_of
from contracts.city.faults import CityFolderUnusable, Fault
from contracts.city.formula_files import read_formulas
from contracts.city.outlines import read_areas
from contracts.city.settings import read_settings
from contracts.city.tables import read_table


def load_city(folder: Path) -> City:
    """The city of a folder. Raises ``CityFolderUnusable`` with every fault: file, row, column, what is wrong."""
    faults: list[Fault] = []
    settings = read_settings(folder / "city.toml", faults)
    units = read_table(folder / "units.csv", reading.UNIT, reading.unit, faults, may_have=("area_phase",))
    categories = read_table(folder / "categories.csv", reading.CATEGORY, reading.category, faults)
    matrix = read_table(folder / "responsibilities.csv", reading.RESPONSIBILITY, reading.responsibility, faults)
    tiers = read_table(folder / "deadline_tiers.csv", reading.TIER, reading.tier, faults)
    governance = read_table(folder / "districts.csv", reading.GOVERNANCE, reading.governance, faults)
    standards = read_table(folder / "standards.csv", reading.STANDARD, reading.standard, faults)
    areas = read_areas(folder / "areas.geojson", faults)
    components = read_table(folder / "components.csv", reading.COMPONENT, reading.component, faults)
    phases = read_table(folder / "phases.csv", reading.PHASE, reading.phase, faults)
    known = read_table(folder / "findings.csv", reading.FINDING, reading.finding, faults)
    own_days = read_table(folder / "calendar.csv", reading.DAY, reading.special_day, faults)
    known_units = None if units.named is None else units.named | {unit.unit_id for unit in units.rows}
    formulas = read_formulas(folder / "evaluation", known_units, faults)
    tables = Tables(
        units=units.rows,
        categories=categories.rows,
        responsibilities=matrix.rows,
        tiers=tiers.rows,
        governance=governance.rows,
        standards=standards.rows,
        areas=areas.rows,
        components=components.rows,
        phases=phases.rows,
        known_findings=known.rows,
    )
    read = {
        each.file: each for each in (units, categories, matrix, tiers, governance, standards, areas, components, phases)
    }
    # A row that could not be read is still named: who refers to it is not at fault.
    named = {file: table.named for file, table in read.items()}
    for conflict in conflicts_of(tables, named):
        line = read[conflict.file].lines[conflict.index] if conflict.index is not None else 0
        faults.append(Fault(conflict.file, line, conflict.column, conflict.zh, conflict.en))
    if faults or settings is None:
        raise CityFolderUnusable(sorted(faults, key=lambda fault: (fault.file, fault.row)))
    announced, years = announced_days()
    calendar = CalendarData(
        time_zone=settings.rules.time_zone,
        hours=settings.hours,
        special_days=announced + tuple(day for day in own_days.rows if day is not None),
        announced_years=tuple(sorted({*years, *settings.announced_years})),
    )
    return City(
        rules=settings.rules,
        grid=settings.grid,
        calendar=calendar,
        units=tables.units,
        categories=tables.categories,
        responsibilities=tables.responsibilities,
        tiers=tables.tiers,
        governance=tables.governance,
        standards=tables.standards,
        areas=tables.areas,
        components=tables.components,
        phases=tables.phases,
        known_findings=tables.known_findings,
        formulas=formulas,
    )
