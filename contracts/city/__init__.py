"""A city as data: its units, who answers for what, its areas, limits and calendar; loaded, checked, dated.

Reading a folder is here and nothing else that touches the outside; what came of it is plain values. No rule of a case.
"""

from contracts.city.areas import Area, AreaIndex, Grid
from contracts.city.city import City, CityDocumentUnreadable
from contracts.city.conditions import Component, Condition, ConditionName, Facts, Truth, all_of, any_of
from contracts.city.directory import Directory, Standing
from contracts.city.faults import CityFolderUnusable, Fault
from contracts.city.findings import Finding, Severity, check_city
from contracts.city.formulas import TALLY_WORDS, Formula, Group, Indicator, Reckoning, Tally
from contracts.city.loading import load_city
from contracts.city.row import Certainty, Row
from contracts.city.rows import (
    AreaGovernance,
    Category,
    CityRules,
    CityUnit,
    Kind,
    KnownFinding,
    Phase,
    Responsibility,
    SectionOrigin,
    Standard,
    Tier,
    TimeUnit,
)

__all__ = [
    "Tally",
    "TALLY_WORDS",
    "Reckoning",
    "Indicator",
    "Group",
    "Formula",
    "Area",
    "AreaGovernance",
    "AreaIndex",
    "Category",
    "Certainty",
    "City",
    "CityDocumentUnreadable",
    "CityFolderUnusable",
    "CityRules",
    "CityUnit",
    "Component",
    "Condition",
    "ConditionName",
    "Directory",
    "Facts",
    "Fault",
    "Finding",
    "Grid",
    "Kind",
    "KnownFinding",
    "Phase",
    "Responsibility",
    "Row",
    "SectionOrigin",
    "Severity",
    "Standard",
    "Standing",
    "Tier",
    "TimeUnit",
    "Truth",
    "all_of",
    "any_of",
    "check_city",
    "load_city",
]
