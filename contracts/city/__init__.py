"""A city as data: its units, who answers for what, its areas, limits and calendar; loaded, checked, dated. Pure after loading."""

from contracts.city.areas import Area, Grid
from contracts.city.directory import Directory
from contracts.city.findings import Finding, check_city
from contracts.city.loading import CityFolderUnusable, load_city
from contracts.city.model import (
    Answers,
    AreaGovernance,
    Category,
    City,
    CityRules,
    CityUnit,
    Component,
    Condition,
    Facts,
    Responsibility,
    Standard,
    Tier,
)

__all__ = [
    "Answers",
    "Area",
    "AreaGovernance",
    "Category",
    "City",
    "CityFolderUnusable",
    "CityRules",
    "CityUnit",
    "Component",
    "Condition",
    "Directory",
    "Facts",
    "Finding",
    "Grid",
    "Responsibility",
    "Standard",
    "Tier",
    "check_city",
    "load_city",
]
