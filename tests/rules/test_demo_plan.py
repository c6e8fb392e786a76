"""The demo's day is the same for the same seed, and has what the city has to show."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from adapters.checks import ConnectionChecks
from adapters.guard import OutboundGuard
from contracts.city import City, Facts, load_city
from contracts.messages import Report
from contracts.profile_text import read_profile
from hub.demo.casting import ASKING, CUT_OFF_AREA, SILENT, WITH_OWN_WAYS, Kind, Needs, cast, lacking
from hub.demo.city_folder import write_city
from hub.demo.city_plan import OPENING, REPEATED, SCENES, Opening, plan, spread_minutes
from hub.demo.config import Access, PartnerConfig, read_config
from hub.demo.habits import fate_of
from hub.demo.opening import document_of
from hub.demo.partners.common import report_body
from hub.demo.partners.decisions import decide
from hub.demo.partners.unit_work import ASKS
from hub.responsibility import Clear, choose_unit

PLACES = {"port": "8080", "amqp_port": "5672", "folder": "/var/lib/cityhub/post"}
NOW = datetime.fromisoformat("2026-11-23T09:00:00+08:00")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return load_city(write_city(tmp_path_factory.mktemp("demo") / "city"))


def an_order(address: str, due: timedelta, *, number: int = 1, round: int = 1) -> dict[str, Any]:
    return {
        "dispatch_number": number,
        "round": round,
        "category_code": "C0107",
        "place": {"address": address},
        "deadline": {"due_at": (NOW + due).isoformat()},
    }


def a_case(state: str, **known: Any) -> dict[str, Any]:
    return {"state": state, "category_code": "C0107", "place": {"address": "a"}, "area_id": "kecheng", **known}


def test_the_same_seed_is_the_same_day(city: City) -> None:
    assert plan(city, 50, 7) == plan(city, 50, 7) != plan(city, 50, 8)


def test_the_day_reaches_every_area_and_beyond(city: City) -> None:
    day = city.at(NOW.date())
    seen = Counter(day.area_at(each.longitude, each.latitude) for each in plan(city, 300, 1))
    assert seen.keys() == {area.area_id for area in city.areas} | {None}


def test_each_planned_report_keeps_its_contract(city: City) -> None:
    for each in plan(city, 200, 1):
        Report.model_validate_json(json.dumps(report_body(each.document(), ["att_1"])))


def test_each_unit_but_the_leaders_has_exactly_one_part(city: City) -> None:
    units = [unit.unit_id for unit in city.units]
    assert Counter(unit for part in cast(units) for unit in part.units) == Counter(set(units) - SILENT)


def test_only_systems_have_a_profile(city: City) -> None:
    parts = cast(unit.unit_id for unit in city.units)
    without = {part.name for part in parts if document_of(part.kind, part.units[0], PLACES) is None}
    assert without == {"command", "desks"}


@pytest.mark.parametrize("unit", WITH_OWN_WAYS)
async def test_the_profile_of_a_unit_with_a_way_of_its_own_can_work(unit: str, tmp_path: Path) -> None:
    kind = next(part.kind for part in cast([unit]) if unit in part.units)
    read, _ = read_profile(document_of(kind, unit, PLACES) or "")
    checks = ConnectionChecks(OutboundGuard((ip_network("127.0.0.0/8"),)), tmp_path)
    assert read.unit == unit
    assert [await checks.faults(connection) for connection in read.connections] == [[]]


@pytest.mark.parametrize(("there", "at_desks"), [
    (frozenset(Needs), set()),
    (frozenset(Needs) - {Needs.BROKER}, {"mobile", "radio_tv"}),
    (frozenset(Needs) - {Needs.NODE}, {"mobile", "radio_tv", "power"}),
    (frozenset(Needs) - {Needs.PHP}, {"water_resources"}),
    (frozenset(Needs) - {Needs.AXIS}, {"gas_company"}),
])  # fmt: skip
def test_units_whose_systems_cannot_run_here_work_at_their_desks(
    city: City, there: frozenset[Needs], at_desks: set[str]
) -> None:
    units = [unit.unit_id for unit in city.units]
    desks = {part.kind: set(part.units) for part in cast(units, there)}[Kind.DESK]
    assert desks.intersection(WITH_OWN_WAYS) == at_desks
    assert {unit for short in lacking(units, there).values() for unit in short} == at_desks


@pytest.mark.parametrize("seed", range(6))
def test_a_short_day_has_a_case_for_each_way(city: City, seed: int) -> None:
    directory = city.at(NOW.date())
    fell_to = []
    for each in plan(city, SCENES, seed)[len(OPENING) :]:
        area = directory.area_at(each.longitude, each.latitude)
        chosen = choose_unit(directory, Facts(each.category_code, area, each.component_code))
        fell_to.append(chosen.unit_id if isinstance(chosen, Clear) else None)
    assert tuple(fell_to) == WITH_OWN_WAYS


def test_a_configuration_survives_its_line(city: City) -> None:
    reports = tuple(each.document() for each in plan(city, 2, 1))
    config = PartnerConfig("http://h", "/j", 3, (Access("u", "某局", "chk_x"),), reports, {"C1": ("u",)}, {"a": "u"})
    assert read_config(config.line()) == config


def test_only_a_first_dispatch_is_returned() -> None:
    again = [fate_of(1, "telecom", an_order(str(n), timedelta(hours=4), round=2), NOW) for n in range(300)]
    other = [fate_of(1, "telecom", an_order(str(n), timedelta(hours=4), number=2), NOW) for n in range(300)]
    assert all(fate.return_minutes is None for fate in (*again, *other))


def test_who_is_not_late_on_purpose_answers_in_time() -> None:
    for n in range(300):
        fate = fate_of(1, "telecom", an_order(str(n), timedelta(days=3)), NOW)
        assert fate.return_minutes is not None or fate.answer_minutes < 3 * 24 * 60


def test_an_acknowledgement_and_a_part_come_before_the_answer() -> None:
    for n in range(300):
        fate = fate_of(1, "power", an_order(str(n), timedelta(hours=4)), NOW)
        end = fate.return_minutes or fate.answer_minutes
        assert (fate.acknowledge_minutes or 0) <= (fate.part_minutes or end) <= end


def test_a_unit_that_a_return_names_gets_the_case() -> None:
    entries = [{"step": "return", "fact": {"responsible_unit_id": "mobile"}}]
    made = decide(1, a_case("returned", dispatches=[{"unit_id": "telecom"}]), entries, (), {})
    assert (made.route, made.unit_id) == ("dispatch", "mobile")


def test_nobody_who_returned_a_case_gets_it_again_while_others_are_left() -> None:
    for n in range(50):
        case = a_case("returned", dispatches=[{"unit_id": "telecom"}])
        entries = [{"step": "return", "fact": {}}] * (n + 1)
        made = decide(n, case, entries, ("telecom", "mobile"), {"kecheng": "kecheng"})
        assert made.unit_id in ("mobile", "kecheng")


def test_reports_arrive_in_the_first_half_of_the_day() -> None:
    assert spread_minutes(10) <= spread_minutes(200) <= 240


@pytest.mark.parametrize("seed", range(12))
def test_the_first_reports_have_every_bend_to_show_whatever_the_seed(city: City, seed: int) -> None:
    directory = city.at(NOW.date())
    reports = plan(city, len(OPENING), seed)
    leads = []
    for each in reports:
        area = directory.area_at(each.longitude, each.latitude)
        chosen = choose_unit(directory, Facts(each.category_code, area))
        leads.append((area, chosen.unit_id if isinstance(chosen, Clear) else None))
    of = {what: [leads[n] for n, each in enumerate(OPENING) if each is what] for what in Opening}
    assert all(unit in ASKING for _, unit in of[Opening.ASKED_ABOUT]) and len(of[Opening.ASKED_ABOUT]) > max(ASKS)
    assert all(area is not None and unit is None for area, unit in of[Opening.UNCLEAR])
    assert of[Opening.UNCLEAR_CUT_OFF] == [(CUT_OFF_AREA, None)]
    begins = OPENING.index(Opening.UNCLEAR_CUT_OFF)
    assert all((area == CUT_OFF_AREA) is (n >= begins) for n, (area, _) in enumerate(leads))
    assert all(unit not in (None, *ASKING, *WITH_OWN_WAYS) for _, unit in of[Opening.PASSED_ON])
    one, two = reports[REPEATED - 1], reports[REPEATED]
    assert (one.category_code, one.address) == (two.category_code, two.address)
    assert {each.source for each in reports} == {"collector"}, "what waits for somebody to accept it shows nothing yet"
