"""The yardstick writes the rows that the hub writes, whatever the month."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench.yardstick import transactions_per_second
from hub.store import batches
from tests.builders import a_report
from tests.ways.conftest import House, answered

pytestmark = pytest.mark.way

TABLES = ("cases", "entries", "letters", "raw_messages", "case_visibility", "messages_seen", "attempts")


async def test_it_writes_into_any_month_what_a_delivered_report_leaves(house: House) -> None:
    intake = await house.an_intake()
    case = answered((await intake.receive([a_report("E0104")]))[0]).case_id
    counted = {table: f"SELECT count(*) FROM {table} WHERE case_id = $1" for table in TABLES}
    ours = {table: (await house.ask(query, case))[0] for table, query in counted.items()}
    async with house.pool.acquire() as conn:
        await batches.ensure_month(conn, 203102)
    assert await transactions_per_second(house.dsn, datetime(2031, 2, 14, tzinfo=UTC), 1, clients=1) > 0
    (other,) = await house.ask("SELECT min(case_id) FROM cases WHERE case_id >= 2031020000000000")
    theirs = {table: (await house.ask(query, other))[0] for table, query in counted.items()}
    # Nobody has delivered our letter yet: its attempt is the one row more.
    assert theirs == ours | {"attempts": 1}
