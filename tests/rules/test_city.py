"""Quzhou's folder as data: complete, dated, one document; and folders that cannot be used, with every fault."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import orjson
import pytest

from contracts.city import (
    Certainty,
    City,
    CityDocumentUnreadable,
    CityFolderUnusable,
    CityUnit,
    Fault,
    Kind,
    Standing,
    TimeUnit,
    load_city,
)
from contracts.messages import Duty
from contracts.nouns import Role

FOLDER = Path(__file__).parents[2] / "contracts" / "cities" / "quzhou"
TODAY = date(2026, 11, 23)
A_STRANGE_ROW = {"number": 1, "name_zh": "一", "name_en": "one", "source": "x", "valid_form": "2026-01-01"}


@cache
def quzhou() -> City:
    return load_city(FOLDER)


# -- the folder as shipped ---------------------------------------------------------------------------------------------


def test_the_folder_holds_the_whole_regulation() -> None:
    city = quzhou()
    assert (len(city.units), len(city.responsibilities), len(city.categories)) == (32, 171, 124)
    assert sum(row.duty is Duty.ASSIST for row in city.responsibilities) == 14
    assert {category.kind for category in city.categories} == {Kind.COMPONENT, Kind.EVENT}
    assert [tier.tier for tier in city.tiers] == ["A", "B", "C2", "C3", "D"]
    assert (FOLDER / "policy.txt").read_text(encoding="utf-8").count("数字城管") > 20


def test_every_word_of_the_matrix_stands_in_the_regulation() -> None:
    text = (FOLDER / "policy.txt").read_text(encoding="utf-8")
    assert all(row.action in text or "或" in row.action for row in quzhou().responsibilities)
    assert all(category.name_zh in text for category in quzhou().categories)


def test_every_row_names_its_source() -> None:
    for path in FOLDER.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            assert "source" in (reader.fieldnames or []), path.name
            assert all(row["source"] for row in reader), path.name


def test_what_the_regulation_leaves_open_is_marked_as_assumed() -> None:
    city = quzhou()
    assert {tier.certainty for tier in city.tiers} == {Certainty.ASSUMED}
    assert {area.certainty for area in city.areas} == {Certainty.SCHEMATIC}
    assert {row.area_id for row in city.governance if row.certainty is Certainty.ASSUMED} == {"juhua"}
    assert {origin.certainty for origin in city.rules.origins} == {Certainty.ASSUMED}


def test_the_limits_are_those_of_the_process() -> None:
    rules = quzhou().rules
    assert (rules.accept_hours, rules.dispatch_hours, rules.verify_hours) == (2, 1, 8)
    urgent = (rules.accept_minutes_urgent, rules.dispatch_minutes_urgent, rules.verify_minutes_urgent)
    assert urgent == (30, 15, 60)
    assert (rules.due_soon_share, rules.supervision_factor, rules.extensions_max) == (0.75, 2, 2)


def test_only_the_urgent_tier_runs_in_natural_time() -> None:
    assert [tier.tier for tier in quzhou().tiers if tier.urgent] == ["A"]
    assert quzhou().at(TODAY).tiers["D"].unit is TimeUnit.WORKING_DAYS


# -- the directory -----------------------------------------------------------------------------------------------------


def test_the_directory_answers_by_id_category_and_place() -> None:
    directory = quzhou().at(TODAY, version=7)
    assert directory.version == 7
    assert directory.units["housing_construction"].name_zh == "市住建局"
    assert [row.unit_id for row in directory.leads["C0107"]] == ["telecom", "mobile", "unicom", "tietong"]
    assert directory.area_at(118.87, 28.95) == "kecheng"
    assert directory.area_at(118.83, 28.95) == "west_district"
    assert directory.area_at(0.0, 0.0) is None
    assert directory.components["3308020107000001"].owner_unit_id == "telecom"


def test_every_area_is_found_at_its_middle_and_on_its_corners() -> None:
    directory = quzhou().at(TODAY)
    for area in directory.areas:
        ring = area.polygons[0][0]
        middle = (sum(x for x, _ in ring[:-1]) / 4, sum(y for _, y in ring[:-1]) / 4)
        assert directory.area_at(*middle) == area.area_id
        assert all(directory.area_at(*corner) is not None for corner in ring)


def test_standards_go_by_tier_and_then_by_kind() -> None:
    directory = quzhou().at(TODAY)
    burst, stall = directory.categories["E0402"], directory.categories["E0501"]
    standards = [directory.standard_for(category) for category in (burst, stall, directory.categories["C0101"])]
    assert [each.applies_to for each in standards if each] == ["tier A", "default", "default"]


def test_a_unit_of_a_phase_that_has_not_begun_has_not_joined_yet() -> None:
    directory = quzhou().at(TODAY)
    assert directory.standing("power") is Standing.JOINED
    assert directory.standing("qujiang") is Standing.NOT_JOINED_YET
    assert directory.standing("nobody") is Standing.NOT_IN_FORCE
    begun = replace(quzhou().phases[1], valid_from=date(2026, 1, 1))
    later = replace(quzhou(), phases=(quzhou().phases[0], begun))
    assert later.at(TODAY).standing("qujiang") is Standing.JOINED
    assert later.at(date(2025, 12, 31)).standing("qujiang") is Standing.NOT_JOINED_YET


def test_rows_come_and_go_with_the_day_and_days_between_share_one_directory() -> None:
    old, *others = quzhou().units
    ended = replace(old, valid_to=date(2026, 3, 31))
    heir = replace(old, name_en="the heir", valid_from=date(2026, 4, 1))
    city = replace(quzhou(), units=(ended, heir, *others))
    before, after = city.at(date(2026, 3, 31)), city.at(date(2026, 4, 1))
    assert before.units[old.unit_id].name_en == old.name_en
    assert after.units[old.unit_id].name_en == "the heir"
    assert city.at(date(2026, 9, 9)) is after
    assert (before.until, after.since, after.until) == (date(2026, 3, 31), date(2026, 4, 1), None)


def test_departments_belong_to_their_bureaus() -> None:
    department = CityUnit(
        "drains", "排水处", "Drains", frozenset({Role.TERMINAL}), "housing_construction", "", 1, source="x"
    )
    directory = replace(quzhou(), units=(*quzhou().units, department)).at(TODAY)
    assert directory.lineage("drains") == ("drains", "housing_construction")


# -- the document ------------------------------------------------------------------------------------------------------


def test_a_city_survives_its_document() -> None:
    city = quzhou()
    text = orjson.dumps(city.to_document(), option=orjson.OPT_SORT_KEYS)
    again = City.from_document(json.loads(text))
    assert again == city
    assert again.digest() == city.digest()
    assert orjson.dumps(again.to_document(), option=orjson.OPT_SORT_KEYS) == text
    assert again.at(TODAY).area_at(118.87, 28.95) == "kecheng"


def test_what_was_asked_of_a_city_does_not_change_its_document() -> None:
    fresh = load_city(FOLDER)
    digest = fresh.digest()
    fresh.at(TODAY).calendar.is_working_day(TODAY)
    assert fresh.digest() == digest == load_city(FOLDER).digest()


def test_another_word_is_another_digest() -> None:
    unit = replace(quzhou().units[0], name_en="other")
    assert replace(quzhou(), units=(unit, *quzhou().units[1:])).digest() != quzhou().digest()


@pytest.mark.parametrize(
    "change",
    [{"format": 1}, {"format": None}, {"surprise": 1}, {"units": [{"unit_id": "x"}]}, {"phases": [A_STRANGE_ROW]}],
)
def test_a_document_of_another_shape_is_not_read(change: dict[str, object]) -> None:
    with pytest.raises(CityDocumentUnreadable):
        City.from_document({**quzhou().to_document(), **change})


# -- folders that cannot be used ---------------------------------------------------------------------------------------

Change = Callable[[str], str]


def faults_of(tmp_path: Path, **changes: Change) -> list[Fault]:
    """The faults of Quzhou's folder with some files changed; ``units_csv`` is units.csv."""
    folder = tmp_path / "city"
    shutil.copytree(FOLDER, folder)
    for name, change in changes.items():
        path = folder / ".".join(name.rsplit("_", 1))
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(CityFolderUnusable) as caught:
        load_city(folder)
    return list(caught.value.faults)


def test_an_empty_folder_lists_every_file_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(CityFolderUnusable) as caught:
        load_city(tmp_path)
    assert {fault.file for fault in caught.value.faults} == {
        path.name for path in FOLDER.iterdir() if path.suffix in (".csv", ".toml", ".geojson")
    }


def test_all_faults_of_all_files_are_told_at_once_with_file_row_and_column(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        units_csv=lambda text: text.replace("quzhou_daily,衢州日报社", "quzhou_daily,").replace(",post,", ",post,"),
        deadline_tiers_csv=lambda text: text.replace("natural_hours,1,4", "lunar_hours,soon,-4"),
        city_toml=lambda text: text.replace("verify_hours = 8", 'verify_hours = "eight"'),
        responsibilities_csv=lambda text: text.replace("power,C0105", "powder,C0105"),
    )
    told = {(fault.file, fault.row, fault.column) for fault in faults}
    assert told == {
        ("city.toml", 0, "limits.verify_hours"),
        ("deadline_tiers.csv", 2, "unit_of_handling"),
        ("deadline_tiers.csv", 2, "acknowledge_within"),
        ("deadline_tiers.csv", 2, "handle_within"),
        ("responsibilities.csv", line_of("responsibilities.csv", "power,C0105"), "unit_id"),
        ("units.csv", 27, "name_zh"),
    }
    assert all(fault.zh and fault.en for fault in faults)


def line_of(name: str, start: str) -> int:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(start))


def test_a_file_that_cannot_be_read_does_not_accuse_those_who_refer_to_it(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, units_csv=lambda text: text.replace("unit_id,name_zh", "unit_id,name"))
    assert {(fault.file, fault.column) for fault in faults} == {("units.csv", "name_zh"), ("units.csv", "name")}


def test_a_row_that_cannot_be_read_does_not_accuse_those_who_refer_to_it(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, units_csv=lambda text: text.replace("telecom,市电信公司", "telecom,"))
    assert [(fault.file, fault.column) for fault in faults] == [("units.csv", "name_zh")]


@pytest.mark.parametrize(
    ("file", "old", "new", "column"),
    [
        ("units_csv", ",terminal,", ",terminus,", "role"),
        ("units_csv", "\npost,", "\npower,", "unit_id"),
        ("units_csv", "\npost,", "\np o,", "unit_id"),
        ("units_csv", "unit_id,name_zh", "unit_id,name", "name_zh"),
        ("units_csv", "area_phase", "aera_phase", "aera_phase"),
        ("units_csv", "source\n", "valid_to\n", "source"),
        ("categories_csv", ",component,公用设施", ",thing,公用设施", "kind"),
        ("categories_csv", "cover,A,", "cover,Z,", "deadline_tier"),
        ("categories_csv", "C0102,", "C0101,", "code"),
        ("responsibilities_csv", "C0105,电力井盖,lead", "C0105,电力井盖,head", "duty"),
        ("responsibilities_csv", "maintained_as=municipal", "maintained=municipal", "condition_typed"),
        ("responsibilities_csv", "zone=old_city_wall", "zone=", "condition_typed"),
        ("responsibilities_csv", "power,C0105", "power,C9999", "category_code"),
        ("responsibilities_csv", "四(五)(14).2", "", "source"),
        ("deadline_tiers_csv", "working_days,8,3", "working_days,8,2.5", "handle_within"),
        ("deadline_tiers_csv", "working_hours,4,8", "working_hours,4,nan", "handle_within"),
        ("districts_csv", "juhua,juhua,kecheng", "juhua,juhua,nobody", "coordinated_by"),
        ("districts_csv", "juhua,juhua,kecheng", "nowhere,juhua,kecheng", "area_id"),
        ("components_csv", "118.8705", "218.8705", "longitude"),
        ("components_csv", ",telecom,telecom,", ",telecom,nobody,", "maintainer_unit_id"),
        ("phases_csv", "2013-01-01", "2013-13-01", "valid_from"),
        ("calendar_csv", "source\n", "source\n2026-11-24,off,x,x,,,y\n", "kind"),
        ("calendar_csv", "source\n", "source\nsoon,holiday,x,x,,,y\n", "day"),
        ("city_toml", 'division_code = "330800"', 'division_code = "3308"', "division_code"),
        ("city_toml", "Asia/Shanghai", "Asia/Quzhou", "time_zone"),
        ("city_toml", '["08:30", "12:00"]', '["08:30", "14:00"]', "calendar.hours"),
        ("city_toml", "cell_metres = 100", "cell_metres = 0", "grid.cell_metres"),
        ("city_toml", '["collector"]', '["anybody"]', "intake.accept_sources"),
        ("city_toml", "accept_by_rule = true", "accept_by_rule = 1", "intake.accept_by_rule"),
        ("city_toml", "due_soon_share = 0.75", "due_soon_share = 75", "limits.due_soon_share"),
        ("city_toml", "extensions_max = 2", "extension_max = 2", "limits.extension_max"),
        ("areas_geojson", '"area_id": "kecheng"', '"area_id": "juhua"', "area_id"),
        ("areas_geojson", "[[[118.85, 28.93]", "[[[118.85, 28.94]", "geometry"),
        ("areas_geojson", '"type": "Polygon"', '"type": "Point"', "geometry"),
    ],
)
def test_each_fault_is_told_at_its_column(tmp_path: Path, file: str, old: str, new: str, column: str) -> None:
    assert old in (FOLDER / ".".join(file.rsplit("_", 1))).read_text(encoding="utf-8")
    faults = faults_of(tmp_path, **{file: lambda text: text.replace(old, new, 1)})
    assert column in {fault.column for fault in faults}
    assert ".".join(file.rsplit("_", 1)) in {fault.file for fault in faults if fault.column == column}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("units_csv", 'unit_id,"name'),
        ("areas_geojson", "{"),
        ("areas_geojson", "[]"),
        ("city_toml", "= 3"),
        ("units_csv", ""),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_a_fault_not_a_crash(tmp_path: Path, file: str, content: str) -> None:
    assert faults_of(tmp_path, **{file: lambda _: content})


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    shutil.copytree(FOLDER, folder)
    (folder / "units.csv").write_bytes((FOLDER / "units.csv").read_text(encoding="utf-8").encode("gb18030"))
    with pytest.raises(CityFolderUnusable, match="UTF-8"):
        load_city(folder)


def test_a_key_may_have_rows_one_after_another_but_not_at_once(tmp_path: Path) -> None:
    def twice(first_to: str, second_from: str) -> Change:
        head = "post,市邮政局,Postal Bureau,terminal,,,1,,"
        return lambda text: text.replace(f"{head},,", f"{head},{first_to},三\n{head}{second_from},,", 1)

    good = tmp_path / "good"
    shutil.copytree(FOLDER, good)
    path = good / "units.csv"
    path.write_text(twice("2026-06-30", "2026-07-01")(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert len(load_city(good).units) == 33
    faults = faults_of(tmp_path, units_csv=twice("2026-06-30", "2026-06-30"))
    assert [(fault.column, fault.row) for fault in faults] == [("unit_id", line_of("units.csv", "post,") + 1)]


def test_a_category_whose_tier_ends_before_it_is_a_fault(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        deadline_tiers_csv=lambda text: text.replace("construction,assumed,,", "construction,assumed,,2026-12-31"),
    )
    assert [(fault.file, fault.column) for fault in faults] == [("categories.csv", "deadline_tier")]


def test_a_city_without_a_command_centre_is_unusable(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, units_csv=lambda text: text.replace(",command_center,", ",terminal,"))
    assert any("command_center" in fault.en for fault in faults)


def test_units_whose_parents_run_in_a_circle_are_a_fault(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        units_csv=lambda text: text.replace("Postal Bureau,terminal,", "Postal Bureau,terminal,power").replace(
            "Electric Power Bureau,terminal,", "Electric Power Bureau,terminal,post"
        ),
    )
    assert {fault.column for fault in faults} == {"parent_unit_id"}
