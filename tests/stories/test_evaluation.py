"""Clocks and evaluation as partners and the command centre meet them: over HTTP, and by the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.stories.conftest import ROOT, RunningHub
from tests.stories.test_interface import report

pytestmark = pytest.mark.story

UNITS = ("collection", "housing_construction", "telecom", "kecheng", "command_center", "city_government")


@pytest.fixture(scope="module")
def keys(hub: RunningHub) -> dict[str, str]:
    return {unit: hub.key_of(unit) for unit in UNITS}


@pytest.fixture(scope="module")
def closed(hub: RunningHub, keys: dict[str, str]) -> str:
    """The number of a case that its unit handled at once."""
    number = report(hub, keys)
    for what, body, unit in (
        ("acknowledgement", {}, "housing_construction"),
        ("feedback", {"description": "已修复"}, "housing_construction"),
        ("verification", {"finding": "passed"}, "collection"),
    ):
        assert hub.call("POST", f"/api/v1/cases/{number}/{what}", body, keys[unit])[0] == 200
    return number


def evaluation(hub: RunningHub, key: str, query: str = "") -> tuple[int, Any]:
    # The period is named by its days: the story may run over midnight at a month's end.
    status, said, _ = hub.call("GET", f"/api/v1/evaluation?from=2026-01-01&until=2027-12-31{query}", key=key)
    return status, said


def figure(row: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in row["figures"] if each["indicator"] == name)
    return found


def test_a_case_tells_whose_time_it_was(hub: RunningHub, keys: dict[str, str], closed: str) -> None:
    status, said, _ = hub.call("GET", f"/api/v1/cases/{closed}/clock", key=keys["housing_construction"])
    assert status == 200
    (dispatch,) = said["dispatches"]
    assert (dispatch["unit_id"], dispatch["ending"], dispatch["standing"]) == (
        "housing_construction", "answered", "in_time",
    )  # fmt: skip
    assert dispatch["limit_seconds"] == 4 * 3600
    assert [each["owner"] for each in said["intervals"]][:1] == ["unit"]
    assert all(one["until"] == two["since"] for one, two in zip(said["intervals"], said["intervals"][1:], strict=False))


def test_a_unit_reads_no_clock_of_a_case_that_is_not_its_own(
    hub: RunningHub, keys: dict[str, str], closed: str
) -> None:
    assert hub.call("GET", f"/api/v1/cases/{closed}/clock", key=keys["telecom"])[0] == 404
    assert hub.call("GET", "/api/v1/cases/nonsense/clock", key=keys["telecom"])[0] == 404


def test_a_unit_that_lost_the_case_reads_its_own_part_as_it_then_was(hub: RunningHub, keys: dict[str, str]) -> None:
    number, lead = report(hub, keys), "housing_construction"
    back = {"reason_code": "not_responsible", "reason": "电信井"}
    assert hub.call("POST", f"/api/v1/cases/{number}/return", back, keys[lead])[0] == 200
    told = {"unit_id": "telecom", "reason": "查实"}
    assert hub.call("POST", f"/api/v1/cases/{number}/dispatch", told, keys["command_center"])[0] == 200
    said = hub.call("GET", f"/api/v1/cases/{number}/clock", key=keys[lead])[1]
    assert [(each["unit_id"], each["ending"], each["standing"]) for each in said["dispatches"]] == [
        (lead, "returned", "off")
    ]
    assert said["dispatches"][0]["returns"][0]["founded"] is True
    assert {each["unit_id"] for each in said["intervals"]} == {lead}
    seen = hub.call("GET", f"/api/v1/cases/{number}/clock", key=keys["telecom"])[1]
    assert [each["unit_id"] for each in seen["dispatches"]] == [lead, "telecom"]


@pytest.mark.parametrize("unit", ["command_center", "city_government"])
def test_the_command_centre_and_the_city_see_all_rows(
    hub: RunningHub, keys: dict[str, str], closed: str, unit: str
) -> None:
    status, said = evaluation(hub, keys[unit], "&cases=on_time_rate")
    assert status == 200 and len(said["items"]) >= 28
    lead = next(each for each in said["items"] if each["key"] == "housing_construction")
    rate = figure(lead, "on_time_rate")
    assert closed in rate["cases"] and set(rate["cases"]) <= set(rate["of_cases"])
    # Other stories use this hub too: a case that was dispatched again to the same unit is due once more.
    assert rate["denominator"] >= len(rate["of_cases"]) > 0
    accepted = figure(said["total"], "acceptance_rate")
    assert accepted["shown"] == f"{accepted['numerator'] / accepted['denominator']:.1%}" != "0.0%"
    assert said["formula"]["version"] == "1"


def test_a_unit_sees_its_own_row_and_its_groups_ranks(hub: RunningHub, keys: dict[str, str], closed: str) -> None:
    status, said = evaluation(hub, keys["housing_construction"], "&cases=due")
    assert status == 200 and [each["key"] for each in said["items"]] == ["housing_construction"]
    assert "total" not in said
    ranks = {each["key"]: each for each in said["ranks"]}
    assert "kecheng" not in ranks and ranks["housing_construction"]["rank"] == 1
    assert all(set(each) <= {"key", "name", "group", "rank", "score"} for each in ranks.values())
    assert evaluation(hub, keys["housing_construction"], "&by=category")[0] == 403


def test_the_groups_and_the_dimensions(hub: RunningHub, keys: dict[str, str], closed: str) -> None:
    key = keys["command_center"]
    assert {each["group"] for each in evaluation(hub, key, "&group=utilities")[1]["items"]} == {"utilities"}
    assert "E0402" in {each["key"] for each in evaluation(hub, key, "&by=category")[1]["items"]}
    own = evaluation(hub, keys["collection"], "&by=collector")[1]["items"]
    assert {each["key"].partition("/")[0] for each in own} == {"collection"}


@pytest.mark.parametrize("query", ["?period=2026-13", "?from=2026-11-01", "?period=2026-11&cases=sunny", "?known_at=x"])
def test_a_wrong_question_is_answered_with_what_is_wrong(hub: RunningHub, keys: dict[str, str], query: str) -> None:
    status, said, _ = hub.call("GET", f"/api/v1/evaluation{query}", key=keys["command_center"])
    assert status == 422 and said["type"].endswith("query_invalid")


def test_as_known_at_a_cursor_the_figures_come_out_again(hub: RunningHub, keys: dict[str, str], closed: str) -> None:
    cursor, more = None, True
    while more:
        after = f"?after={cursor}" if cursor else ""
        said = hub.call("GET", f"/api/v1/changes{after}", key=keys["command_center"])[1]
        cursor, more = said["cursor"], said["more"]
    first = evaluation(hub, keys["command_center"], f"&known_at={cursor}")[1]
    report(hub, keys)
    assert evaluation(hub, keys["command_center"], f"&known_at={cursor}")[1] == first
    assert evaluation(hub, keys["command_center"])[1]["total"] != first["total"]


def test_both_stand_in_the_openapi(hub: RunningHub) -> None:
    paths = hub.call("GET", "/openapi.json")[1]["paths"]
    assert "get" in paths["/api/v1/evaluation"] and "get" in paths["/api/v1/cases/{number}/clock"]


def evaluate(hub: RunningHub, *more: str) -> subprocess.CompletedProcess[bytes]:
    period = ("--from", "2026-01-01", "--until", "2027-12-31")
    return subprocess.run(
        [sys.executable, "-P", "-m", "hub.cli", "evaluate", *period, f"--data={hub.data}", *more],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_the_command_line_gives_every_form(hub: RunningHub, closed: str, tmp_path: Path) -> None:
    assert "市住建局" in evaluate(hub).stdout.decode()
    assert json.loads(evaluate(hub, "--format=json").stdout)["formula"]["version"] == "1"
    told = evaluate(hub, "--format=csv").stdout
    assert told.startswith(b"\xef\xbb\xbf")
    heads, english, *rows = csv.reader(io.StringIO(told.decode("utf-8-sig")))
    assert heads[0] == "单位" and english[0] == "unit" and len(rows) >= 28
    book = tmp_path / "figures.xlsx"
    assert evaluate(hub, "--format=xlsx", f"--out={book}").returncode == 0
    with zipfile.ZipFile(book) as parts:
        assert "市住建局" in parts.read("xl/sharedStrings.xml").decode()
    assert evaluate(hub, "--format=xlsx").returncode == 2


def test_the_command_line_opens_an_indicator_down_to_its_cases(hub: RunningHub, closed: str, tmp_path: Path) -> None:
    assert closed in evaluate(hub, "--cases=on_time_rate").stdout.decode()
    told = json.loads(evaluate(hub, "--cases=due", "--format=json").stdout)
    assert closed in figure(told["total"], "due")["cases"]
    rows = list(csv.reader(io.StringIO(evaluate(hub, "--cases=handled", "--format=csv").stdout.decode("utf-8-sig"))))
    assert ["housing_construction", "市住建局", closed, "是 yes"] in rows
    wrong = evaluate(hub, "--cases=sunny")
    assert wrong.returncode == 2 and "on_time_rate" in wrong.stderr.decode()


def test_who_sees_all_takes_it_as_a_file_and_a_unit_does_not(
    hub: RunningHub, keys: dict[str, str], closed: str
) -> None:
    def asked(key: str, form: str) -> tuple[int, str, Any]:
        question = f"/api/v1/evaluation?from=2026-01-01&until=2027-12-31&cases=handled&format={form}"
        status, body, headers = hub.call("GET", question, key=key)
        return status, headers["content-type"], body

    status, kind, body = asked(keys["command_center"], "csv")
    assert (status, kind) == (200, "text/csv; charset=utf-8") and closed in body.decode("utf-8-sig")
    status, kind, body = asked(keys["command_center"], "xlsx")
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        assert status == 200 and {"xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"} <= set(parts.namelist())
    assert asked(keys["housing_construction"], "csv")[0] == 403
    assert asked(keys["command_center"], "docx")[0] == 422
