"""Claims on the refused shelf, with a real PostgreSQL: what comes again after a crash lies there once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from contracts.arrival import Arrival, Said
from contracts.envelope import Sender
from contracts.messages import Feedback
from contracts.problem import Problem
from hub.reception import Reception
from hub.store import shelf
from hub.store.shelf import RefusedRow
from tests.values import replace
from tests.ways.conftest import House

pytestmark = pytest.mark.way

WATER = Sender("water", "water.main", "water.main")
FIRST = Arrival(
    WATER, Problem("document_invalid", "列不全", "a column is missing"), b'{"no":7}', "json", "poll", datetime.now(UTC)
)
LATER = replace(FIRST, received_at=FIRST.received_at + timedelta(minutes=1))


def apart(*arrivals: Arrival) -> list[Arrival]:
    """As they come each by itself: no two share their bytes in memory."""
    return [replace(each, raw=bytes(bytearray(each.raw))) for each in arrivals]


async def a_reception(house: House) -> Reception:
    return Reception(house.pool, await house.an_intake(), house.refresher.registry, house.say)


async def lying(house: House, *, settled: bool = False) -> list[RefusedRow]:
    return await shelf.listed(house.pool, unit_id=None, before=None, settled=settled, limit=99)


async def settled(house: House, how: str | None) -> None:
    async with house.pool.acquire() as conn:
        (row,) = await lying(house)
        assert await shelf.settle(conn, row.refused_id, "somebody", how)


async def test_what_is_fetched_again_after_a_crash_lies_there_once_and_is_said_once(house: House) -> None:
    for again in (FIRST, LATER):
        # Each process has a reception of its own: nothing is remembered but what is stored.
        assert isinstance((await (await a_reception(house)).receive([again]))[0], Problem)
    assert len(await lying(house)) == len(house.heard("message.shelved")) == 1


async def test_two_processes_that_refuse_the_same_page_at_once_shelve_each_row_once(house: House) -> None:
    one, two = await a_reception(house), await a_reception(house)
    page = [replace(FIRST, raw=f"row {number}".encode()) for number in range(40)]
    await asyncio.gather(*(each.receive(rows) for each in (one, two) for rows in (page, page[::-1], page)))
    assert len(await lying(house)) == len(page)


async def test_what_differs_in_anything_lies_there_by_itself(house: House) -> None:
    reception = await a_reception(house)
    others = [
        replace(FIRST, raw=b'{"no":8}'),
        replace(FIRST, door="file"),
        replace(FIRST, sender=replace(WATER, connection_id="water.desk")),
        replace(FIRST, sender=replace(WATER, unit_id="gas")),
    ]
    await reception.receive(apart(FIRST, *others))
    assert len(await lying(house)) == 1 + len(others)


async def test_two_messages_of_one_content_under_two_ids_are_two(house: House) -> None:
    reception, body = await a_reception(house), Feedback(description="已修复")
    said = [Said(body, message_id, "/unit", "no case at all") for message_id in ("a", "b", "b")]
    await reception.receive(apart(*(replace(FIRST, said=each) for each in said)))
    assert len(await lying(house)) == 2


async def test_it_is_shown_with_the_reason_of_the_last_time(house: House) -> None:
    reception = await a_reception(house)
    await reception.receive([FIRST])
    await reception.receive([replace(LATER, said=Problem("mapping_parked", "未知代码", "an unknown code"))])
    (row,) = await lying(house)
    assert (row.kind, row.problem) == ("mapping_parked", "mapping_parked: an unknown code")


async def test_what_was_replayed_does_not_come_back_and_what_was_laid_aside_does(house: House) -> None:
    reception = await a_reception(house)
    await reception.receive([FIRST])
    await settled(house, None)
    await reception.receive([LATER])
    await settled(house, "replayed: 330800-20261123-000042 v3")
    await reception.receive([LATER])
    assert await lying(house) == []
    assert len(await lying(house, settled=True)) == 2
