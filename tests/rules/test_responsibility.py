"""Who must handle it, on Quzhou's real matrix: clear, presumed, or with its candidates; never a guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.city import City, CityUnit, Component, ConditionName, Directory, Facts, Standing, Truth, load_city
from contracts.nouns import Role
from hub.responsibility import Clear, Rule, Unclear, choose_unit
from tests.values import replace

FOLDER = Path(__file__).parents[2] / "contracts" / "cities" / "quzhou"
TODAY = date(2026, 11, 23)
TELECOMS = ("telecom", "mobile", "unicom", "tietong")


@cache
def quzhou() -> City:
    return load_city(FOLDER)


@cache
def directory() -> Directory:
    return quzhou().at(TODAY)


def chosen(
    code: str, *, owner: str | None = None, component: Component | None = None, area: str | None = None, **told: str
) -> Clear | Unclear:
    return choose_unit(directory(), Facts(code, area, None, component, owner, told))


def clear(found: Clear | Unclear) -> tuple[str, str]:
    assert isinstance(found, Clear), found
    return found.unit_id, found.because.rule


def unclear(found: Clear | Unclear) -> tuple[tuple[str, ...], str]:
    assert isinstance(found, Unclear), found
    return found.candidates, found.because.rule


def a_component(owner: str, code: str = "C0107") -> Component:
    return Component("3308020107999999", code, owner, owner, None, 118.87, 28.95, source="survey")


# -- the register ------------------------------------------------------------------------------------------------------


def test_a_known_component_goes_to_its_owner() -> None:
    assert clear(chosen("C0107", component=a_component("telecom"))) == ("telecom", Rule.REGISTER)
    assert clear(chosen("C0307", component=a_component("bus_group", "C0307"))) == ("bus_group", Rule.REGISTER)


def test_a_component_is_looked_up_by_its_code() -> None:
    found = choose_unit(directory(), Facts("C0107", component_code="3308020107000002"))
    assert clear(found) == ("mobile", Rule.REGISTER)


def test_a_code_that_the_register_does_not_know_leaves_it_to_the_matrix() -> None:
    found = choose_unit(directory(), Facts("C0107", component_code="0000000000000000"))
    assert unclear(found) == (TELECOMS, Rule.NOT_KNOWN_ENOUGH)


def test_a_component_that_is_registered_as_something_else_is_said_to_be_checked() -> None:
    found = chosen("C0107", component=a_component("power", "C0117"))
    assert clear(found) == ("power", Rule.REGISTER)
    assert "立杆" in found.because.zh
    assert "pole" in found.because.en


def test_an_owner_that_left_the_directory_must_be_settled() -> None:
    gone = tuple(
        replace(unit, valid_to=date(2026, 6, 30)) if unit.unit_id == "tietong" else unit for unit in quzhou().units
    )
    later = replace(quzhou(), units=gone).at(TODAY)
    found = choose_unit(later, Facts("C0107", component=a_component("tietong")))
    assert unclear(found) == (("telecom", "mobile", "unicom"), Rule.REGISTER_OWNER_GONE)


def test_bills_on_a_pole_are_a_matter_of_enforcement_and_not_of_the_poles_owner() -> None:
    found = chosen("E0201", component=a_component("telecom", "C0117"))
    assert clear(found) == ("urban_enforcement", Rule.MATRIX)


def test_what_happens_to_a_component_that_no_lead_owns_goes_to_its_owner() -> None:
    assert clear(chosen("E0152", component=a_component("telecom"))) == ("telecom", Rule.REGISTER)
    assert clear(chosen("E0152", component=a_component("housing_construction"))) == (
        "housing_construction",
        Rule.MATRIX,
    )


# -- the matrix --------------------------------------------------------------------------------------------------------


def test_a_burst_water_main_is_presumed_to_be_the_housing_bureaus() -> None:
    found = chosen("E0402", area="kecheng")
    assert clear(found) == ("housing_construction", Rule.MATRIX_PRESUMED)
    assert isinstance(found, Clear)
    assert found.presumed
    assert "推定" in found.because.zh
    assert "presumed" in found.because.en
    assert found.because.sources == ("四(五)(1).4",)


def test_a_sole_lead_without_condition_is_not_presumed() -> None:
    found = chosen("E0501")
    assert clear(found) == ("urban_enforcement", Rule.MATRIX)
    assert isinstance(found, Clear)
    assert not found.presumed


def test_a_sole_lead_that_is_known_not_to_own_it_is_excluded() -> None:
    assert unclear(chosen("E0402", owner="power")) == (("power", "housing_construction"), Rule.EXCLUDED)


def test_a_telecom_manhole_without_register_entry_has_four_candidates() -> None:
    found = chosen("C0107")
    assert unclear(found) == (TELECOMS, Rule.NOT_KNOWN_ENOUGH)
    assert "权属" in found.because.zh
    assert all(each.open == (ConditionName.OWNER,) for each in found.because.weighed)


def test_a_telecom_manhole_whose_owner_is_told_is_its_owners() -> None:
    assert clear(chosen("C0107", owner="unicom")) == ("unicom", Rule.MATRIX)


@pytest.mark.parametrize(("how", "unit"), [("municipal", "housing_construction"), ("highway", "transport")])
def test_a_bridge_belongs_to_who_maintains_it(how: str, unit: str) -> None:
    assert clear(chosen("C0208", maintained_as=how)) == (unit, Rule.MATRIX)


def test_a_bridge_maintained_otherwise_or_nobody_knows_how_is_unclear() -> None:
    both = ("housing_construction", "transport")
    assert unclear(chosen("C0208", maintained_as="private")) == (both, Rule.EXCLUDED)
    assert unclear(chosen("C0208")) == (both, Rule.NOT_KNOWN_ENOUGH)


@pytest.mark.parametrize(
    ("owner", "zone", "result"),
    [
        (None, None, (("culture_broadcast", "power"), Rule.NOT_KNOWN_ENOUGH)),
        # Inside the old city wall both answer for their own lights; who is nearer comes first, ownership decides.
        (None, "old_city_wall", (("culture_broadcast", "power"), Rule.NOT_KNOWN_ENOUGH)),
        (None, "new_town", ("power", Rule.MATRIX_PRESUMED)),
        ("power", "old_city_wall", ("power", Rule.MATRIX)),
        ("culture_broadcast", "old_city_wall", ("culture_broadcast", Rule.MATRIX)),
        ("culture_broadcast", None, ("culture_broadcast", Rule.MATRIX_PRESUMED)),
        ("culture_broadcast", "new_town", (("culture_broadcast", "power"), Rule.EXCLUDED)),
    ],
)
def test_a_street_light_between_culture_and_power(
    owner: str | None, zone: str | None, result: tuple[object, str]
) -> None:
    found = choose_unit(directory(), Facts("C0118", owner_unit_id=owner, attributes={"zone": zone} if zone else {}))
    assert (clear(found) if isinstance(found, Clear) else unclear(found)) == result


def test_who_answers_for_what_is_known_comes_before_who_answers_for_its_own() -> None:
    candidates, _ = unclear(chosen("C0120", zone="old_city_wall"))
    assert candidates == ("culture_broadcast", "housing_construction")


def test_an_unconditional_lead_does_not_outweigh_one_that_may_own_it() -> None:
    candidates, rule = unclear(chosen("C0307"))
    assert (len(candidates), rule) == (8, Rule.NOT_KNOWN_ENOUGH)
    assert unclear(chosen("C0133"))[1] == Rule.NOT_KNOWN_ENOUGH


def test_ownership_outweighs_an_unconditional_lead() -> None:
    assert clear(chosen("C0133", owner="urban_enforcement")) == ("urban_enforcement", Rule.MATRIX)
    assert clear(chosen("C0133", owner="public_security")) == ("public_security", Rule.MATRIX)


def test_two_unconditional_leads_are_a_matter_of_coordination() -> None:
    assert unclear(chosen("E0552")) == (("urban_enforcement", "culture_broadcast"), Rule.SEVERAL_LEADS)


def test_a_hazard_is_told_apart_by_its_kind() -> None:
    assert clear(chosen("C0601", subtype="filling_station")) == ("work_safety", Rule.MATRIX_PRESUMED)
    assert clear(chosen("C0601", subtype="lpg_station")) == ("housing_construction", Rule.MATRIX_PRESUMED)
    assert unclear(chosen("C0601"))[1] == Rule.NOT_KNOWN_ENOUGH


def test_a_category_without_lead_lists_who_may_assist() -> None:
    assert unclear(chosen("E0118")) == (("urban_enforcement",), Rule.NO_LEAD)


def test_a_category_that_the_directory_does_not_know_is_unclear() -> None:
    assert unclear(chosen("X9999")) == ((), Rule.UNKNOWN_CATEGORY)


def test_ownership_is_not_taken_from_what_a_reporter_says() -> None:
    assert unclear(choose_unit(directory(), Facts("C0107", attributes={"owner": "telecom"})))[0] == TELECOMS


def test_what_belongs_to_a_department_belongs_to_its_bureau() -> None:
    drains = CityUnit("drains", "排水处", "Drains", frozenset({Role.TERMINAL}), "power", "", 1, source="x")
    later = replace(quzhou(), units=(*quzhou().units, drains)).at(TODAY)
    assert clear(choose_unit(later, Facts("C0117", owner_unit_id="drains"))) == ("power", Rule.MATRIX)
    found = choose_unit(later, Facts("C0117", component=a_component("drains", "C0117")))
    assert clear(found) == ("drains", Rule.REGISTER)


# -- assisting units, platforms, units that cannot receive -------------------------------------------------------------


def test_assisting_units_are_listed_and_one_under_an_open_condition_only_may_assist() -> None:
    parking, bills, crime = chosen("E0505"), chosen("E0201"), chosen("E0201", aspect="crime")
    assert isinstance(parking, Clear)
    assert parking.assisting == ("public_security",)
    assert isinstance(bills, Clear)
    assert (bills.assisting, bills.may_assist) == ((), ("public_security",))
    assert isinstance(crime, Clear)
    assert (crime.assisting, crime.may_assist) == (("public_security",), ())


def test_a_lead_does_not_assist_itself() -> None:
    found = chosen("E0153")
    assert isinstance(found, Clear)
    assert (found.unit_id, found.assisting) == ("urban_enforcement", ())


def platforms(first: str) -> Directory:
    rows = tuple(replace(row, platform_first=frozenset({first})) for row in quzhou().governance)
    return replace(quzhou(), governance=rows).at(TODAY)


def test_by_default_no_platform_comes_before_the_matrix() -> None:
    assert clear(chosen("E0501", area="west_district"))[0] == "urban_enforcement"


@pytest.mark.parametrize("first", ["all", "event", "E0501"])
def test_a_platform_comes_first_where_the_citys_table_says_so(first: str) -> None:
    found = choose_unit(platforms(first), Facts("E0501", area_id="west_district"))
    assert clear(found) == ("west_district", Rule.PLATFORM_FIRST)


@pytest.mark.parametrize("first", ["component", "E0502"])
def test_and_only_for_what_the_table_says(first: str) -> None:
    found = choose_unit(platforms(first), Facts("E0501", area_id="west_district"))
    assert clear(found)[0] == "urban_enforcement"


def test_the_register_comes_before_the_platform_and_no_area_has_none() -> None:
    found = choose_unit(platforms("all"), Facts("C0107", "kecheng", component=a_component("telecom")))
    assert clear(found) == ("telecom", Rule.REGISTER)
    assert clear(choose_unit(platforms("all"), Facts("E0501")))[0] == "urban_enforcement"


def test_a_unit_that_has_not_joined_is_still_responsible_and_shown_as_such() -> None:
    found = choose_unit(platforms("all"), Facts("E0501", "qujiang"))
    assert isinstance(found, Clear)
    assert (found.unit_id, found.standing) == ("qujiang", Standing.NOT_JOINED_YET)
    assert "尚未接入" in found.because.zh


def test_a_lead_that_left_the_directory_leads_no_more() -> None:
    gone = tuple(
        replace(unit, valid_to=date(2026, 6, 30)) if unit.unit_id == "family_planning" else unit
        for unit in quzhou().units
    )
    after = replace(quzhou(), units=gone).at(TODAY)
    found = choose_unit(after, Facts("C0125"))
    assert clear(found) == ("health", Rule.MATRIX_PRESUMED)
    assert Standing.NOT_IN_FORCE in {each.standing for each in found.because.weighed}
    nobody = tuple(replace(unit, valid_to=date(2026, 6, 30)) for unit in quzhou().units if unit.unit_id == "tourism")
    rest = tuple(unit for unit in quzhou().units if unit.unit_id != "tourism")
    assert unclear(choose_unit(replace(quzhou(), units=rest + nobody).at(TODAY), Facts("E0553"))) == (
        (),
        Rule.LEAD_GONE,
    )


# -- all of it ---------------------------------------------------------------------------------------------------------


def test_every_category_has_a_definite_answer_and_the_counts_are_the_matrixs() -> None:
    rules = Counter(chosen(code).because.rule for code in directory().categories)
    assert rules == {
        Rule.MATRIX_PRESUMED: 64,
        Rule.MATRIX: 39,
        Rule.NOT_KNOWN_ENOUGH: 18,
        Rule.SEVERAL_LEADS: 1,
        Rule.NO_LEAD: 2,
    }


some_facts = st.fixed_dictionaries(
    {},
    optional={
        "maintained_as": st.sampled_from(["municipal", "highway", "private"]),
        "zone": st.sampled_from(["old_city_wall", "elsewhere"]),
        "subtype": st.sampled_from(["lpg_station", "filling_station", "built_up_inland_water", "other"]),
        "aspect": st.sampled_from(["crime", "none"]),
    },
)


@given(
    st.sampled_from(sorted(quzhou().at(TODAY).categories)),
    st.sampled_from([None, *sorted(quzhou().at(TODAY).units)]),
    some_facts,
)
def test_whatever_is_known_the_answer_rests_on_the_rows(code: str, owner: str | None, told: Mapping[str, str]) -> None:
    facts = Facts(code, owner_unit_id=owner, attributes=told)
    found = choose_unit(directory(), facts)
    leads = directory().leads.get(code, ())
    assert any("\u4e00" <= letter <= "\u9fff" for letter in found.because.zh)
    assert found.because.en
    if isinstance(found, Clear):
        own = [row.matches(facts) for row in leads if row.unit_id == found.unit_id]
        assert own
        assert Truth.YES in own or (found.presumed and Truth.UNKNOWN in own)
        assert found.unit_id not in found.assisting
    else:
        assert set(found.candidates) <= directory().units.keys()
        assert len(set(found.candidates)) == len(found.candidates)


@given(
    st.sampled_from(sorted(quzhou().at(TODAY).categories)),
    some_facts,
    st.sampled_from(sorted(quzhou().at(TODAY).units)),
)
def test_learning_the_owner_never_brings_in_a_unit_that_was_excluded(
    code: str, told: Mapping[str, str], owner: str
) -> None:
    before = Facts(code, attributes=told)
    excluded = {row.unit_id for row in directory().leads.get(code, ()) if row.matches(before) is Truth.NO} - {
        row.unit_id for row in directory().leads.get(code, ()) if row.matches(before) is not Truth.NO
    }
    after = choose_unit(directory(), replace(before, owner_unit_id=owner))
    assert not (isinstance(after, Clear) and after.unit_id in excluded)
