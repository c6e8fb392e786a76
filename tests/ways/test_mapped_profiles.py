"""A profile with a mapping: applied, exported, applied again, and refused with its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.mapping import mapper_of
from contracts.nouns import UnitState
from contracts.problem import Problem
from hub.app import onboarding_of
from hub.onboarding import Onboarding
from hub.settings import read
from tests.ways.conftest import House

pytestmark = pytest.mark.way

SHIPPED = Path(__file__).parents[2] / "adapters/profiles/telecom_rest/profile.yaml"


async def a_desk(house: House, tmp_path: Path) -> Onboarding:
    return await onboarding_of(read({"data": str(tmp_path)}, {}), await house.a_pool())


def a_profile() -> str:
    """The telecom's, as if it pulled."""
    head, _, tail = SHIPPED.read_text(encoding="utf-8").partition("    transport: rest\n")
    receives, _, rest = tail.partition("    rest:\n")
    return f"{head}    transport: pull\n{receives}    mapping:{rest.partition('    mapping:')[2]}"


async def test_a_profile_is_exported_as_it_can_be_applied_again(house: House, tmp_path: Path) -> None:
    desk = await a_desk(house, tmp_path)
    applied = await desk.apply(a_profile(), "test")
    text = await desk.export("telecom")
    assert "contract: case.dispatch" in text
    again = await desk.apply(text, "test")
    assert again.version == applied.version


async def test_a_live_connection_carries_its_mapping_to_its_adapter(house: House, tmp_path: Path) -> None:
    desk = await a_desk(house, tmp_path)
    await desk.apply(a_profile(), "test")
    await desk.set_state("telecom", UnitState.LIVE, "test", "")
    connection = desk.registry().connections["telecom.rest"]
    assert mapper_of(connection.settings).writes == {"case.dispatch", "case.reminder"}


async def test_a_rule_that_cannot_work_is_not_applied(house: House, tmp_path: Path) -> None:
    desk = await a_desk(house, tmp_path)
    lines = a_profile().splitlines()
    wrong = next(n for n, line in enumerate(lines) if "from: unit_id" in line or "from: case_number" in line)
    lines[wrong] = lines[wrong].replace("case_number", "case_nummer")
    with pytest.raises(Problem) as problem:
        await desk.apply("\n".join(lines), "test")
    (violation,) = problem.value.violations
    assert f"line {wrong + 1}: " in violation.en and "case_nummer" in violation.en
    with pytest.raises(Problem):
        await desk.export("telecom")
