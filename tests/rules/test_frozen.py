"""What is frozen: the bytes of letters and of entries, ids and numbers. A change here breaks partners."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cursor import cursor, read_cursor
from contracts.envelope import Mode
from contracts.nouns import Letter
from hub import cases, facts, spans
from hub.case_numbers import SERIALS_PER_DAY, case_id, day_of, month_of, number_of, parse
from hub.cases import Entry
from hub.codec import canonical, fact_text
from hub.delivery.render import RENDERERS, render
from hub.facts import Brief, Dispatched, Location, Order
from hub.letters import Told, letter_id, position_of
from hub.life_cycle import State, Step

AT = datetime(2026, 11, 23, 1, 0, 0, 123456, tzinfo=UTC)
ORDER = Order(1, "telecom", 1, AT, AT, AT, "A", "A: 4 自然小时 natural hours", False, "台账权属", "the register", "register")  # fmt: skip # noqa: E501
PLACE = Location(118.87, 28.95, "x855_y1057", "kecheng", 118.87, 28.95, "WGS84", "上街路口")
FACT = Dispatched(ORDER, Brief("C0107", "通讯井盖", "井盖破损", PLACE, "3308020107000001", ("att_1",)))

LETTER = Letter(
    42, "telecom.main", "telecom", 2026112300000001, "330800-20261123-000001", 3, "case.dispatch/1.0", 1, True,
    Mode.LIVE, AT,
)  # fmt: skip
TOLD = Told(3, Step.DISPATCH, State.DISPATCHED, "hub", AT, AT, fact_text(FACT), None)

GOLDEN_LETTER = (
    '{"specversion":"1.0","id":"ltr_0000000000000042","source":"/cityhub","type":"case.dispatch",'
    '"subject":"330800-20261123-000001","time":"2026-11-23T01:00:00.123456Z","datacontenttype":"application/json",'
    '"dataschema":"https://cityhub.example/contracts/case.dispatch/1.0","mode":"live","basedonversion":3,'
    '"sequence":"00000001","recordedtime":"2026-11-23T01:00:00.123456Z",'
)


def test_renderer_1_makes_these_bytes_for_ever() -> None:
    body = render(LETTER, TOLD, 1).body.decode()
    assert body.startswith(GOLDEN_LETTER)
    assert '"data":{"case_number":"330800-20261123-000001","dispatch_number":1,"unit_id":"telecom","round":1,' in body


def test_the_same_letter_is_the_same_bytes_in_every_renderer_version() -> None:
    for version in RENDERERS:
        first, second = render(LETTER, TOLD, version), render(LETTER, TOLD, version)
        assert (first.body, first.digest) == (second.body, second.digest)
        assert first.digest == hashlib.sha256(first.body).digest()


def test_the_canonical_bytes_of_an_entry_are_fixed() -> None:
    entry = Entry(
        case_id=2026112300000001, sequence=3, step=Step.DISPATCH, state=State.DISPATCHED, mode=Mode.LIVE, unit_id="hub",
        connection_id="hub", effective_at=AT, known_at=AT, directory_version=1, fact=FACT,
        audience=("collection", "telecom"), message_key=b"\1" * 16, message_digest=b"\2" * 32,
        personal_id="00000000-0000-0000-0000-000000000001", position=7,
    )  # fmt: skip
    assert canonical(entry, FACT_TEXT).startswith(
        b'["entry/1",7,2026112300000001,3,"dispatch","dispatched","live","hub","hub",null,null,"01010101'
    )
    assert hashlib.sha256(canonical(entry, FACT_TEXT)).hexdigest() == GOLDEN_ENTRY


FACT_TEXT = (
    '{"order":{"number":1,"unit_id":"telecom","round":1,"dispatched_at":"2026-11-23T01:00:00.123456+00:00","a'
    'cknowledge_by":"2026-11-23T01:00:00.123456+00:00","due_at":"2026-11-23T01:00:00.123456+00:00","tier":"A"'
    ',"reckoned":"A: 4 自然小时 natural hours","provisional":false,"because_zh":"台账权属","because_en":"the register'
    '","rule":"register","sources":[],"duty":"lead","assisting":[]},"brief":{"category_code":"C0107","categor'
    'y_name":"通讯井盖","description":"井盖破损","location":{"longitude":118.87,"latitude":28.95,"grid_cell":"x855_y1'
    '057","area_id":"kecheng","given_longitude":118.87,"given_latitude":28.95,"given_system":"WGS84","address'
    '":"上街路口"},"component_code":"3308020107000001","photos":["att_1"],"finding":null},"by_hand":false}'
)
"""A fact as it was stored when facts had fewer fields."""

GOLDEN_ENTRY = "c055cdde8139c667399d921271f55c53cdaa1df476667a001767f2288546d28b"


@given(st.integers(20200101, 20991231), st.integers(1, SERIALS_PER_DAY - 1))
def test_a_case_number_and_its_id_name_each_other(day: int, serial: int) -> None:
    made = case_id(day, serial)
    assert parse(number_of(made, "330800"), "330800") == made
    assert month_of(made) == day // 100


@pytest.mark.parametrize(
    "text", ["", "330800-20261123-42", "330802-20261123-000042", "330800-20261123-0000042", "330800-20261123-00004２"]
)
def test_what_is_no_number_of_this_city_names_no_case(text: str) -> None:
    assert parse(text, "330800") is None


def test_the_day_of_a_number_is_the_citys_day() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    assert day_of(datetime(2026, 11, 22, 16, 0, tzinfo=UTC), zone) == 20261123
    assert day_of(datetime(2026, 11, 22, 15, 59, tzinfo=UTC), zone) == 20261122


@given(st.integers(1, 2**62))
def test_a_letters_id_and_its_position_name_each_other(position: int) -> None:
    assert position_of(letter_id(position)) == position


@given(st.integers(1, 10**8), st.integers(0, 10**17))
def test_a_cursor_says_its_epoch_and_position(epoch: int, position: int) -> None:
    assert read_cursor(cursor(epoch, position)) == (epoch, position)


@pytest.mark.parametrize("text", ["", "1", "-1-2", "1-", "a-b", "1-2-3", "٣-٣", "1-" + "9" * 30])
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert read_cursor(text) is None


DEFAULTS = Path(__file__).with_name("frozen_defaults.json")


def kept_defaults() -> dict[str, dict[str, Any]]:
    """Class → field → default, of every value that is kept as text: what is as by default is not written."""
    found: dict[str, dict[str, Any]] = {}
    for module in (facts, cases, spans):
        for name, kind in vars(module).items():
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__:
                found[name] = {
                    each.name: msgspec.to_builtins(each.default)
                    for each in msgspec.structs.fields(kind)
                    if each.default is not msgspec.NODEFAULT
                }
    return found


def test_no_default_of_what_is_kept_ever_changes() -> None:
    """A row of last year says nothing of a field that was as by default then: lines are added here, none may change."""
    assert json.loads(json.dumps(kept_defaults())) == json.loads(DEFAULTS.read_text("utf-8"))
