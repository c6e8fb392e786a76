"""The intake on a real database: what is answered is committed, once, in order, whatever else happens."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from contracts.messages import Acknowledgement
from contracts.problem import Problem
from hub.cases import fold
from tests.builders import LEAD, a_message, a_report
from tests.ways.conftest import House, answered

pytestmark = pytest.mark.way


async def test_a_report_is_registered_accepted_and_dispatched_in_one_batch(house: House) -> None:
    intake = await house.an_intake()
    answer = answered((await intake.receive([a_report()]))[0])
    log = await house.log(answer.case_id)
    assert [entry.step.value for entry in log] == ["report", "accept", "dispatch"]
    assert [entry.position for entry in log] == list(range(answer.position - 2, answer.position + 1))
    assert len(house.heard("batch.committed")) == 1
