"""The register's rules: reading sheets as offices write them, what a file changes, which cases must move."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.city import Component, Directory
from contracts.coordinates import from_wgs84
from contracts.messages import CoordinateSystem, Finding, ReturnReason
from contracts.problem import Problem
from hub.cases import Case
from hub.decide import Context
from hub.decision import Decision
from hub.life_cycle import State, Step
from hub.register.changes import Difference, Kind, difference, rewriting
from hub.register.columns import NAMES, bare_name
from hub.register.entries import Entry, Line, Told
from hub.register.moves import move_of
from hub.register.reading import Given, Read, read_file
from hub.responsibility import REWORK, Rule
from hub.ticking import tick_of
from tests.builders import (
    MORNING,
    UNCLEAR,
    a_case,
    a_context,
    a_return,
    acknowledgement,
    after,
    decided,
    dispatch_to,
    feedback,
    quzhou,
    verification,
)
from tests.values import replace

FIRST = date(2026, 1, 1)
TODAY = date(2026, 11, 23)
SHANGHAI = ZoneInfo("Asia/Shanghai")
CODE = "3308020107123456"
ENGLISH = ("component_code", "category_code", "owner_unit_id", "longitude", "latitude")
GOOD = {"component_code": CODE, "category_code": "C0107", "owner_unit_id": "telecom", "longitude": "118.87",
        "latitude": "28.95"}  # fmt: skip


@cache
def directory() -> Directory:
    return quzhou().at(TODAY)


def a_sheet(*rows: Mapping[str, str], names: Sequence[str] | None = None) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(names or columns)
    writer.writerows([[row.get(column, "") for column in columns] for row in rows])
    return made.getvalue()


def read(sheet: str | bytes, system: CoordinateSystem = CoordinateSystem.WGS84) -> Read:
    raw = sheet.encode() if isinstance(sheet, str) else sheet
    return read_file(raw, "census.csv", Given(directory(), TODAY, system))


def only_line(sheet: str | bytes, **more: CoordinateSystem) -> Line:
    found = read(sheet, **more)
    assert found.faults == ()
    (line,) = found.lines
    return line


# -- reading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_sheet_is_read_in_whatever_a_spreadsheet_writes(encoding: str) -> None:
    chinese = {NAMES[column][0]: told for column, told in GOOD.items()} | {"来源": "二〇二六年普查"}
    line = only_line(a_sheet(chinese).encode(encoding))
    assert (line.component_code, line.told.owner_unit_id, line.source) == (CODE, "telecom", "二〇二六年普查")
    assert line.valid_from == TODAY and line.valid_to is None and line.number == 2


def test_units_and_categories_may_be_named_in_chinese() -> None:
    unit, category = directory().units["telecom"], directory().categories["C0107"]
    line = only_line(a_sheet(GOOD | {"owner_unit_id": unit.name_zh, "category_code": category.name_zh}))
    assert (line.told.owner_unit_id, line.told.category_code) == ("telecom", "C0107")


def test_a_place_in_another_datum_becomes_wgs_84() -> None:
    there = from_wgs84(118.87, 28.95, CoordinateSystem.GCJ02)
    shifted = GOOD | {"longitude": repr(there.longitude), "latitude": repr(there.latitude)}
    for line in (
        only_line(a_sheet(shifted | {"坐标系": "GCJ-02"})),
        only_line(a_sheet(shifted), system=CoordinateSystem.GCJ02),
    ):
        assert (line.told.longitude, line.told.latitude) == (118.87, 28.95)
    assert only_line(a_sheet(GOOD | {"坐标系": "2000 国家大地坐标系"})).told.longitude == 118.87


def test_a_place_tells_its_area_where_the_sheet_does_not() -> None:
    assert only_line(a_sheet(GOOD)).told.area_id == directory().area_at(118.87, 28.95)


@pytest.mark.parametrize(
    ("column", "told", "said"),
    [
        ("component_code", "", "不能为空"),
        ("component_code", "3.30802E+15", "设为文本"),
        ("component_code", "井盖 7", "不是部件编码"),
        ("category_code", "E0402", "没有这种部件类别"),
        ("owner_unit_id", "某公司", "没有该单位"),
        ("maintainer_unit_id", "某公司", "没有该单位"),
        ("longitude", "118°52'", "不是十进制度数"),
        ("longitude", "nan", "不可能存在"),
        ("latitude", "", "不能为空"),
        ("system", "BD-09", "应为"),
        ("area_id", "nowhere", "没有该区域"),
        ("valid_from", "2026-02-30", "不是日期"),
        ("valid_to", "2026-11-22", "早于"),
    ],
)
def test_a_fault_is_named_by_line_and_column_in_both_languages(column: str, told: str, said: str) -> None:
    found = read(a_sheet(GOOD, GOOD | {"component_code": "K2", column: told}))
    (fault,) = found.faults
    assert (fault.row, fault.column, found.refused, found.rows) == (3, column, 1, 2)
    assert said in fault.zh and fault.en.isascii() == told.isascii()


def test_every_fault_is_told_at_once() -> None:
    found = read(a_sheet(GOOD | {"owner_unit_id": "x", "latitude": "y"}, GOOD | {"category_code": "z"}))
    assert [(fault.row, fault.column) for fault in found.faults] == [
        (2, "owner_unit_id"), (2, "latitude"), (3, "category_code"),
    ]  # fmt: skip


def test_a_code_stands_once_in_a_file() -> None:
    (fault,) = read(a_sheet(GOOD, GOOD)).faults
    assert fault.row == 3 and "第 2 行" in fault.zh


def test_columns_that_the_register_does_not_know_are_named_and_left_alone() -> None:
    found = read(a_sheet(GOOD | {"材质": "铸铁", "照片": "1.jpg"}))
    assert found.not_read == ("材质", "照片") and not found.faults


def test_a_missing_or_second_column_is_a_fault_of_the_file() -> None:
    assert [fault.column for fault in read("部件编码,类别编码\n1,2\n").faults] == [
        "owner_unit_id", "longitude", "latitude",
    ]  # fmt: skip
    (fault,) = read(a_sheet(GOOD | {"部件编码": "2"})).faults
    assert (fault.row, fault.column) == (1, "部件编码")


def test_a_line_is_numbered_where_it_begins_even_after_a_cell_of_two_lines() -> None:
    found = read(a_sheet(GOOD | {"来源": "第一行\n第二行"}, GOOD | {"component_code": "?"}))
    assert [fault.row for fault in found.faults] == [4]


def test_a_name_is_kept_without_the_folders_of_somebodys_disk() -> None:
    assert bare_name("C:\\普查\\井盖.csv") == bare_name("/home/li/井盖.csv") == "井盖.csv"


def test_the_sample_in_the_documentation_is_a_good_file() -> None:
    found = read((Path(__file__).parents[2] / "docs" / "components.sample.csv").read_bytes())
    assert found.faults == () and len(found.lines) == 3


@given(st.binary(max_size=300))
def test_any_bytes_are_lines_or_faults(raw: bytes) -> None:
    found = read(raw)
    assert bool(found.faults) != bool(found.lines)


@given(st.text(max_size=60), st.sampled_from(sorted(NAMES)))
def test_any_cell_is_read_or_named_as_a_fault(told: str, column: str) -> None:
    found = read(a_sheet(GOOD | {column: told}).encode("utf-8", "replace"))
    assert all(fault.zh and fault.en for fault in found.faults)
    assert found.faults or len(found.lines) == 1


@given(st.text('汽车站牌井盖路灯一二三ABC123 ,"', min_size=1, max_size=40))
def test_every_encoding_of_a_sheet_reads_alike(told: str) -> None:
    sheet = a_sheet(GOOD | {"来源": "普查" + told})
    read_as = [read(sheet.encode(encoding)) for encoding in ("utf-8", "utf-8-sig", "gb18030")]
    assert read_as[0] == read_as[1] == read_as[2]
    assert read_as[0].lines[0].source == ("普查" + told).strip()


# -- what a file changes -----------------------------------------------------------------------------------------------

DAYS = [FIRST + timedelta(days=count) for count in range(12)]
OWNERS = ("telecom", "mobile", "unicom")
Known = dict[str, list[Entry]]


def a_line(owner: str, since: date, until: date | None = None, code: str = CODE) -> Line:
    return Line(2, code, Told("C0107", owner, None, None, 118.87, 28.95, None), since, until, "普查")


def take(known: Known, lines: Sequence[Line], number: int = 1) -> tuple[Known, Difference]:
    """What is believed after an import."""
    found = difference(lines, known)
    written = rewriting(found, number, "census.csv", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number))
    believed = {code: [each for each in entries if each not in written.ended] for code, entries in known.items()}
    for entry in written.begun:
        believed.setdefault(entry.component_code, []).append(entry)
    return believed, found


def owner_on(known: Known, day: date, code: str = CODE) -> str | None:
    found = [entry for entry in known.get(code, ()) if entry.in_force(day)]
    assert len(found) <= 1, "two entries speak of one day"
    return found[0].told.owner_unit_id if found else None


@st.composite
def some_lines(draw: st.DrawFn) -> list[Line]:
    codes = draw(st.lists(st.sampled_from(["A", "B", "C"]), unique=True, max_size=3))
    lines = []
    for code in codes:
        since = draw(st.sampled_from(DAYS))
        until = draw(st.none() | st.sampled_from([day for day in DAYS if day >= since]))
        lines.append(a_line(draw(st.sampled_from(OWNERS)), since, until, code))
    return lines


FILES = st.lists(some_lines(), max_size=6)


@given(FILES)
def test_no_two_entries_speak_of_one_day_whatever_is_imported(files: list[list[Line]]) -> None:
    known: Known = {}
    for number, lines in enumerate(files, 1):
        known, _ = take(known, lines, number)
        for entries in known.values():
            for day in DAYS:
                assert sum(entry.in_force(day) for entry in entries) <= 1


@given(FILES, some_lines())
def test_a_line_speaks_for_its_days_and_for_no_day_before(files: list[list[Line]], lines: list[Line]) -> None:
    known: Known = {}
    for number, earlier in enumerate(files, 1):
        known, _ = take(known, earlier, number)
    later, found = take(known, lines, 99)
    for change in found.changes:
        line = change.line
        for day in DAYS:
            now = owner_on(later, day, line.component_code)
            if day < line.valid_from:
                assert now == owner_on(known, day, line.component_code)
            elif change.until is None or day <= change.until:
                assert now == line.told.owner_unit_id


@given(FILES, some_lines())
def test_the_same_file_again_is_unchanged(files: list[list[Line]], lines: list[Line]) -> None:
    known: Known = {}
    for number, each in enumerate([*files, lines], 1):
        known, _ = take(known, each, number)
    again, found = take(known, lines, 99)
    assert again == known
    assert {change.kind for change in found.changes} <= {Kind.UNCHANGED}


def test_each_kind_of_change_is_told_apart() -> None:
    known, _ = take({}, [a_line("telecom", FIRST, code=code) for code in ("A", "B", "C")])
    moved = replace(a_line("telecom", TODAY, code="B"), told=replace(a_line("telecom", TODAY).told, longitude=118.9))
    lines = [
        a_line("telecom", TODAY, code="A"),
        moved,
        a_line("mobile", TODAY, code="C"),
        a_line("power", TODAY, code="D"),
    ]
    _, found = take(known, lines, 2)
    assert [change.kind for change in found.changes] == [Kind.UNCHANGED, Kind.CHANGED, Kind.CHANGED_OWNER, Kind.ADDED]
    assert found.counts() == dict.fromkeys(Kind, 1)


def test_a_later_interval_that_is_known_already_stands() -> None:
    known, _ = take({}, [a_line("telecom", FIRST)])
    known, _ = take(known, [a_line("unicom", DAYS[9])], 2)
    known, _ = take(known, [a_line("mobile", DAYS[4])], 3)
    assert [owner_on(known, DAYS[day]) for day in (3, 4, 8, 9)] == ["telecom", "mobile", "mobile", "unicom"]


# -- which cases must move ---------------------------------------------------------------------------------------------


def entry(owner: str, since: date = FIRST) -> Component:
    told = Told("C0107", owner, None, None, 118.87, 28.95, None)
    return Entry(CODE, told, since, None, "普查", 3, "census.csv", 17, MORNING).component()


def by_register(owner: str = "telecom") -> Context:
    return a_context(components={CODE: entry(owner)})


def a_case_on_it(owner: str = "telecom") -> Case:
    return a_case(UNCLEAR, by_register(owner), component_code=CODE)


def test_the_entry_in_force_decides_and_is_named() -> None:
    order = a_case_on_it().dispatches[-1].order
    assert (order.unit_id, order.rule) == ("telecom", Rule.REGISTER)
    assert order.sources == (f"部件台账 register {CODE} 2026-01-01/; import 3, census.csv:17; 普查",)


def test_a_case_with_the_former_owner_moves() -> None:
    case = a_case_on_it()
    for state in (case, after(case, acknowledgement(case, "telecom"))):
        move = move_of(state, entry("mobile", TODAY + timedelta(days=2)), SHANGHAI)
        assert move is not None
        assert (move.from_unit_id, move.to_unit_id, move.rightly_sent) == ("telecom", "mobile", True)


RETURNED = {
    "in coordination": (ReturnReason.NOT_RESPONSIBLE, State.IN_COORDINATION),
    "waiting for the centre": (ReturnReason.NOT_FOUND, State.RETURNED),
}


@pytest.mark.parametrize("how", RETURNED)
def test_a_case_that_the_former_owner_returned_goes_to_the_owner_that_the_mended_register_names(how: str) -> None:
    reason, state = RETURNED[how]
    case = a_case_on_it()
    case = after(case, a_return(case, "telecom", reason))
    assert case.state is state
    still = by_register("telecom")
    with pytest.raises(Problem, match="nothing_due"):
        ticked(case, still)
    decision = ticked(case, by_register("mobile"))
    (entry,) = decision.entries
    assert (entry.step, decision.case.state) == (Step.DISPATCH, State.DISPATCHED)
    order = decision.case.dispatches[-1].order
    assert (order.unit_id, order.rule, order.insisted) == ("mobile", Rule.REGISTER, False)
    assert "import 3, census.csv:17" in order.sources[0]
    assert decision.case.coordination is None


def test_rework_of_a_former_owner_goes_to_the_present_one() -> None:
    case = a_case_on_it()
    for step in (feedback, lambda case, _: verification(case, Finding.FAILED)):
        case = after(case, step(case, "telecom"))
    assert (case.state, case.dispatches[-1].order.rule) == (State.DISPATCHED, REWORK)
    decision = ticked(case, by_register("mobile"))
    assert [entry.step for entry in decision.entries] == [Step.RECALL, Step.DISPATCH]
    assert decision.case.lead_unit_id == "mobile"


def test_rework_of_a_unit_that_a_person_chose_stays_with_it() -> None:
    case = a_case_on_it()
    case = after(case, dispatch_to(case, "power"))
    for step in (feedback, lambda case, _: verification(case, Finding.FAILED)):
        case = after(case, step(case, "power"))
    assert move_of(case, entry("mobile"), SHANGHAI) is None


def ticked(case: Case, context: Context) -> Decision:
    """What time alone comes to for the case."""
    return decided(tick_of(case.case_id, case.version, case.mode, context.now), case, context)


def test_a_case_sent_after_the_day_of_a_mended_entry_was_never_the_old_owners() -> None:
    move = move_of(a_case_on_it(), entry("mobile", TODAY), SHANGHAI)
    assert move is not None and not move.rightly_sent


def test_what_stays_where_it_is() -> None:
    case, now = a_case_on_it(), entry("mobile")
    stays = {
        "same owner": move_of(case, entry("telecom", TODAY), SHANGHAI),
        "no entry": move_of(case, None, SHANGHAI),
        "answered": move_of(after(case, feedback(case, "telecom")), now, SHANGHAI),
        "sent by hand": move_of(after(case, dispatch_to(case, "power")), now, SHANGHAI),
        "not by the register": move_of(a_case(component_code=CODE), now, SHANGHAI),
    }
    assert {why for why, move in stays.items() if move is not None} == set()
