"""What a person sees of the demo's day: how far it is, stages, each unit's letters, who is late; at its end a table."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from hub.demo.checks import Verdict
from hub.demo.hub_client import CityTime
from hub.demo.tally import UnitTally
from hub.demo.view import STAGES, View, show_units, show_verdict
from hub.demo.watch import Picture

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def entry(number: int, state: str, stage: str, unit: str, due: str | None = None) -> dict[str, Any]:
    order = {"order": {"unit_id": unit, "due_at": due}} if due else {}
    told = {"case_number": f"330800-20261123-{number:06}", "state": state, "stage": stage, "unit_id": unit}
    return {**told, "known_at": NOON.isoformat(), "step_name": f"步骤 {state}", "fact": order}


def letter(unit: str, way: str, state: str) -> dict[str, str]:
    return {"unit_id": unit, "connection_id": f"{unit}.{way}", "state": state}


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=140, height=60)


def drawn(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_picture_of_a_moment(console: Console) -> None:
    picture = Picture()
    picture.take(entry(1, "dispatched", "handle", "telecom", "2026-11-23T03:00:00+00:00"))
    picture.take(entry(2, "dispatched", "handle", "power", "2026-11-23T09:00:00+00:00"))
    picture.take(entry(3, "closed", "evaluate", "power"))
    letters = {"1": letter("telecom", "main", "delivered"), "2": letter("power", "main", "waiting")}
    view = View(
        3, {"telecom": "电信", "power": "供电"}, {"telecom.main": "rest", "power.main": "soap"},
        CityTime(NOON, 60.0), picture, letters,
    )  # fmt: skip
    console.print(view.frame())
    lines = drawn(console).splitlines()
    assert "2026-11-23 12:00" in lines[1] and "×60" in lines[1]
    assert "1/3" in lines[2] and "━" in lines[2]
    for words in STAGES.values():
        assert any(words in line for line in lines)
    (handling,) = [line for line in lines if STAGES["handle"] in line]
    assert handling.split(STAGES["handle"])[1].split()[0] == "2"
    (telecom,) = [line for line in lines if " 电信 " in line and "330800" not in line and "步骤" not in line]
    assert telecom.split("电信")[1].split()[:4] == ["1", "·", "1", "1"], "one letter, arrived; one case in hand, late"
    (power,) = [line for line in lines if " 供电 " in line and "步骤" not in line]
    assert power.split("供电")[1].split()[:4] == ["1", "1", "1", "·"]
    assert any("REST 推送" in line for line in lines) and any("SOAP" in line for line in lines)


def test_the_table_at_the_end_adds_up(console: Console) -> None:
    show_units(console, {
        "telecom": UnitTally("电信", dispatched=5, in_time=3, late=1, returned=1, rework=1, letters=9, redelivered=2),
        "power": UnitTally("供电", dispatched=2, in_time=1, open=1, letters=3),
    })  # fmt: skip
    lines = drawn(console).splitlines()
    (total,) = [line for line in lines if "合计 total" in line]
    numbers = [cell.strip(" │┃") for cell in total.split("│")]
    assert [cell for cell in numbers if cell] == ["合计 total", "7", "4", "1", "1", "1", "1", "12", "2"]


def test_the_verdict_names_what_does_not_hold(console: Console) -> None:
    show_verdict(console, Verdict(lost=("330800-20261123-000001: 没有反馈 nothing came back",)))
    told = drawn(console)
    assert "✗ 不丢失" in told and "330800-20261123-000001" in told and "✓ 每案有序" in told
