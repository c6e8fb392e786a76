"""Findings: Quzhou's open points, all of them listed, and what happens when list and rows part."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

from contracts.city import City, Finding, KnownFinding, Severity, check_city, load_city
from contracts.messages import Duty

FOLDER = Path(__file__).parents[2] / "contracts" / "cities" / "quzhou"


@cache
def quzhou() -> City:
    return load_city(FOLDER)


def subjects(city: City, code: str) -> set[str]:
    return {found.subject for found in check_city(city) if found.code == code}


def without(city: City, unit_id: str, code: str, duty: Duty = Duty.LEAD) -> City:
    """The city without one cell of its matrix."""
    kept = tuple(
        row for row in city.responsibilities if (row.unit_id, row.category_code, row.duty) != (unit_id, code, duty)
    )
    assert len(kept) < len(city.responsibilities)
    return replace(city, responsibilities=kept)


def test_the_matrix_has_exactly_the_findings_that_its_readers_counted() -> None:
    counted = Counter(found.code for found in check_city(quzhou()))
    assert (counted["presumed_lead"], counted["several_leads"]) == (64, 19)
    assert subjects(quzhou(), "no_lead") == {"E0118", "E0158"}
    assert subjects(quzhou(), "lead_also_assists") == {"E0153"}
    assert subjects(quzhou(), "leads_not_told_apart") == {"E0552"}
    assert subjects(quzhou(), "platform_without_area") == {"housing_construction", "urban_enforcement"}
    assert subjects(quzhou(), "governs_before_joining") == {"qujiang", "juhua"}


def test_what_is_assumed_recalled_or_schematic_is_a_finding() -> None:
    assert subjects(quzhou(), "assumed_deadline") == {"A", "B", "C2", "C3", "D"}
    assert subjects(quzhou(), "assumed_governance") == {"juhua"}
    assert subjects(quzhou(), "assumed_rule") == {"grid", "calendar", "intake", "limits"}
    assert len(subjects(quzhou(), "schematic_area")) == 5
    recalled = next(found for found in check_city(quzhou()) if found.code == "recalled_codes")
    assert "105" in recalled.zh
    assert "105" in recalled.en


def test_the_shipped_list_of_findings_agrees_with_the_rows() -> None:
    assert subjects(quzhou(), "not_listed") == subjects(quzhou(), "listed_but_gone") == set()
    assert len(quzhou().known_findings) == len(check_city(quzhou()))


def test_no_finding_of_a_usable_city_is_an_error_and_each_speaks_both_languages() -> None:
    for found in check_city(quzhou()):
        assert found.severity is Severity.FINDING
        assert any("\u4e00" <= letter <= "\u9fff" for letter in found.zh)
        assert found.en


def test_a_finding_that_is_not_listed_is_itself_one() -> None:
    city = without(quzhou(), "tourism", "E0553")
    assert subjects(city, "no_lead") == {"E0118", "E0158", "E0553"}
    assert subjects(city, "not_listed") == {"no_lead E0553"}


def test_a_listed_finding_that_is_gone_is_itself_one() -> None:
    city = without(quzhou(), "urban_enforcement", "E0153", Duty.ASSIST)
    assert subjects(city, "listed_but_gone") == {"lead_also_assists E0153"}
    more = (*quzhou().known_findings, KnownFinding("no_lead", "C0101", "", source="x"))
    assert subjects(replace(quzhou(), known_findings=more), "listed_but_gone") == {"no_lead C0101"}


def test_what_tells_several_leads_apart_is_said() -> None:
    said = {found.subject: found.en for found in check_city(quzhou()) if found.code == "several_leads"}
    assert said["C0207"].endswith("told apart by: maintained_as")
    assert said["C0601"].endswith("told apart by: subtype")
    assert said["C0107"].endswith("told apart by: the owner (register or coordination)")
    assert said["E0552"].endswith("told apart by: nothing")


def test_a_charge_to_a_unit_that_has_not_joined_is_a_finding() -> None:
    row = replace(quzhou().responsibilities[0], unit_id="qujiang")
    city = replace(quzhou(), responsibilities=(*quzhou().responsibilities, row))
    assert subjects(city, "unit_not_receiving") == {"C0101 qujiang"}


def test_platform_first_without_a_platform_is_a_finding() -> None:
    rows = tuple(replace(row, platform_first=frozenset({"all"})) for row in quzhou().governance)
    assert subjects(replace(quzhou(), governance=rows), "first_without_platform") == {"qujiang", "juhua"}


def test_an_area_that_nobody_governs_is_a_finding() -> None:
    city = replace(quzhou(), governance=quzhou().governance[1:])
    assert subjects(city, "area_ungoverned") == {"kecheng"}


def test_errors_come_first_and_stand_apart() -> None:
    broken = replace(quzhou(), units=tuple(unit for unit in quzhou().units if unit.unit_id != "power"))
    found: list[Finding] = check_city(broken)
    errors = [each for each in found if each.severity is Severity.ERROR]
    assert errors
    assert found[: len(errors)] == errors
    assert all("power" in each.en for each in errors)
