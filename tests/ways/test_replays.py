"""Claims on replaying the refused shelf, with a real PostgreSQL: read again, once, with who and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.own_format import OwnFormats
from contracts.arrival import Arrival, said_by_event
from contracts.cloudevents import parse_event
from contracts.envelope import Sender
from contracts.problem import Problem, Violation
from hub.reception import SHELF_BYTES_MAX, Reception
from hub.replays import Replays
from hub.store import reading, shelf
from hub.store.reading import AttachmentRow
from tests.builders import a_report
from tests.ways.conftest import House, answered

pytestmark = pytest.mark.way

LEAD = "housing_construction"
NOW = datetime.now(UTC)
EVENT = "application/cloudevents+json"


def a_profile(codes: list[str], source: dict[str, Any]) -> dict[str, Any]:
    return {
        "unit": LEAD,
        "connections": [
            {
                "name": "own",
                "transport": "pull",
                "receives": [],
                **source,
                "mapping": {
                    "codes": [
                        {
                            "name": "result",
                            "unknown": "park",
                            "pairs": [{"ours": "done", "theirs": code} for code in codes],
                        }
                    ],
                    "in": [
                        {
                            "contract": "case.feedback",
                            "fields": [
                                {"to": "envelope.case_number", "from": "no"},
                                {"to": "description", "from": "text"},
                                {"to": "result", "from": "code", "codes": "result"},
                            ],
                        }
                    ],
                },
            }
        ],
    }


async def a_desk(house: House) -> tuple[Replays, Reception]:
    reception = Reception(house.pool, await house.an_intake(), house.refresher.registry, house.say)
    registry, clock = house.refresher.registry, house.refresher.clock
    return Replays(house.pool, reception, registry, clock, OwnFormats(), house.say), reception


async def a_case(house: House) -> str:
    return answered((await (await house.an_intake()).receive([a_report()]))[0]).case_number


async def shelved(reception: Reception, raw: bytes, said: Any, content_type: str, door: str = "/x") -> Problem:
    sender = Sender(LEAD, f"{LEAD}.own", "test")
    outcome = (await reception.receive([Arrival(sender, said, raw, content_type, door, NOW)]))[0]
    assert isinstance(outcome, Problem)
    return outcome


async def open_ids(house: House) -> list[int]:
    return [row.refused_id for row in await shelf.listed(house.pool, unit_id=None, before=None, settled=False, limit=9)]


@pytest.mark.parametrize("source", [{"inbound": {}}, {"poll": {"endpoint": "http://unit.example/x"}}])
async def test_a_parked_document_takes_effect_once_its_code_is_known(house: House, source: dict[str, Any]) -> None:
    replays, reception = await a_desk(house)
    number = await a_case(house)
    await house.goes_live(a_profile(["1"], source))
    own, connection = OwnFormats(), house.refresher.registry().connections[f"{LEAD}.own"]
    raw = json.dumps({"no": number, "text": "已修复", "code": "7"}).encode()
    await shelved(reception, raw, own.read(connection, raw).said, "application/json")
    (refused_id,) = await replays.waiting("mapping_parked", LEAD, 0)
    with pytest.raises(Problem) as still:
        await replays.replay(refused_id, "first")
    assert still.value.kind == "mapping_parked"
    # What lies on the shelf is not put there again.
    assert await open_ids(house) == [refused_id]
    await house.goes_live(a_profile(["1", "7"], source))
    done = await replays.replay(refused_id, "second")
    assert (done.case_number, done.repeated) == (number, False)
    with pytest.raises(Problem) as again:
        await replays.replay(refused_id, "third")
    assert again.value.kind == "already_settled" and again.value.fields["settled_by"] == "second"
    assert await open_ids(house) == []
    acts = await house.pool.fetch("SELECT by, reason FROM operations WHERE verb = 'refused.replay' ORDER BY 1")
    assert [tuple(row) for row in acts] == [
        ("first", "refused: mapping_parked"),
        ("second", f"replayed: {number} v{done.version}"),
    ]


async def test_an_event_takes_effect_once_the_hub_has_what_it_names(house: House) -> None:
    replays, reception = await a_desk(house)
    number = await a_case(house)
    raw = json.dumps(
        {
            "specversion": "1.0",
            "id": "e-1",
            "source": "/unit",
            "type": "case.feedback",
            "subject": number,
            "data": {"description": "已修复", "photos": ["att_late"]},
        }
    ).encode()
    refusal = await shelved(reception, raw, said_by_event(parse_event(raw)), EVENT)
    assert refusal.kind == "attachment_unknown"
    row = AttachmentRow("att_late", LEAD, b"x" * 32, "image/png", 1, 1, 1)
    await reading.add_attachment(house.pool, row)
    (refused_id,) = await open_ids(house)
    assert (await replays.replay(refused_id, "somebody")).case_number == number
    # The unit that sends it again is told what it was told, and nothing happens twice.
    again = Arrival(Sender(LEAD, f"{LEAD}.own", "test"), said_by_event(parse_event(raw)), raw, EVENT, "/x", NOW)
    assert isinstance((await reception.receive([again], shelve=False))[0], Problem)


@pytest.mark.parametrize(
    ("raw", "content_type", "kind"),
    [
        (b'{"no":"x"}', "application/json", "document_invalid"),
        (b"x" * (SHELF_BYTES_MAX + 1), EVENT, "document_invalid"),
        (b"{}", EVENT, "not_a_message"),
    ],
)
async def test_what_cannot_be_read_says_why_and_stays(house: House, raw: bytes, content_type: str, kind: str) -> None:
    replays, reception = await a_desk(house)
    broken = Problem("contract_broken", violations=(Violation("#", "坏", "bad"),))
    await shelved(reception, raw, broken, content_type)
    (refused_id,) = await open_ids(house)
    with pytest.raises(Problem) as refusal:
        await replays.replay(refused_id, "somebody")
    assert refusal.value.kind == kind and refusal.value.sentences()[0]
    assert await open_ids(house) == [refused_id]


async def test_there_is_nothing_under_a_number_that_nobody_gave(house: House) -> None:
    replays, _ = await a_desk(house)
    with pytest.raises(Problem) as refusal:
        await replays.replay(999, "somebody")
    assert refusal.value.kind == "not_found"
