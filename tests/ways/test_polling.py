"""Polling, against a unit's system in another process and a real PostgreSQL: what was read is once in effect."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.polling import PollSource
from hub.attachments import Attachments
from hub.reception import Reception
from hub.sources import Sources
from tests.conformance.oauth_unit import NamedSecrets
from tests.conformance.polled_unit import PolledUnit, a_polled_unit, a_row
from tests.ways.conftest import House, until

pytestmark = pytest.mark.way

REPORTED = {
    "contract": "case.report",
    "when": [{"path": "kind", "in": ["1", "2", "?"]}],
    "fields": [
        {"to": "category_code", "from": "kind", "codes": "kind"},
        {"to": "description", "from": "text", "required": True},
        {"to": "envelope.id", "from": "no"},
        {"to": "photos", "from": "pics"},
        {"to": "place", "coordinates": {"system": "CGCS2000", "longitude": "lng", "latitude": "lat"}},
    ],
}
CODES = [{"name": "kind", "unknown": "park", "pairs": [{"ours": "E0402", "theirs": "1"}]}]


@pytest.fixture(scope="module")
def unit() -> Iterator[PolledUnit]:
    with a_polled_unit() as unit:
        yield unit


def a_profile(poll: dict[str, Any]) -> dict[str, Any]:
    poll = {"every_seconds": 0.1, "idle_seconds_max": 0.2, **poll}
    mapping = {"codes": CODES, "in": [REPORTED], "photos_at": ["pics"]}
    return {
        "unit": "bus_group",
        "connections": [{"name": "main", "transport": "pull", "receives": [], "poll": poll, "mapping": mapping}],
    }


def by_id(unit: PolledUnit, log: str, limit: int = 100) -> dict[str, Any]:
    return {
        "endpoint": unit.url(f"/by-id/{log}"),
        "query": [{"name": "after", "value": "{cursor}"}, {"name": "limit", "value": "{limit}"}],
        "items": "data.rows",
        "limit": limit,
        "cursor": {"kind": "id", "at": "id"},
    }


def by_time(unit: PolledUnit, log: str, limit: int = 100, overlap_seconds: int = 600) -> dict[str, Any]:
    cursor = {"kind": "time", "at": "at", "date": "%Y-%m-%d %H:%M:%S", "overlap_seconds": overlap_seconds}
    return {
        "endpoint": unit.url(f"/by-time/{log}"),
        "query": [{"name": "since", "value": "{cursor}"}, {"name": "limit", "value": "{limit}"}],
        "limit": limit,
        "cursor": cursor,
    }


@asynccontextmanager
async def polling(house: House, poll: dict[str, Any], holder: str = "one") -> AsyncIterator[Sources]:
    await house.goes_live(a_profile(poll))
    intake = await house.an_intake(holder)
    folder = house.stack.enter_context(TemporaryDirectory())
    photos = Attachments(Path(folder), house.pool, 1 << 20)
    reception = Reception(house.pool, intake, house.refresher.registry, house.say, photos)
    secrets = NamedSecrets({("bus_group", "bus-password"): "p&ss"})
    source = PollSource(secrets, HttpCalls(OutboundGuard((ip_network("127.0.0.0/8"),)), "0.1.0"))
    sources = Sources(house.pool, house.refresher.registry, {"poll": source}, reception, holder, house.say)
    task = asyncio.create_task(sources.run())
    try:
        yield sources
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()


async def reported(house: House) -> list[str]:
    """The descriptions of the cases, sorted."""
    return sorted(await house.ask("SELECT body::jsonb ->> 'description' FROM entries WHERE fact = 'report'"))


def texts(*numbers: int) -> list[str]:
    return sorted(f"站台水管破裂 {number}" for number in numbers)


async def cases(house: House, count: int) -> None:
    async def enough() -> bool:
        found: bool = (await house.ask("SELECT count(*) FROM cases")) == [count]
        return found

    await until(enough)


async def test_records_after_the_last_id_are_read_page_by_page_without_a_pause(house: House, unit: PolledUnit) -> None:
    unit.add("many", *(a_row(number) for number in range(1, 8)))
    poll = {**by_id(unit, "many", limit=3), "every_seconds": 600, "idle_seconds_max": 600}
    async with polling(house, poll):
        await cases(house, 7)
        asked = await asyncio.to_thread(unit.asked, "many", 3)
        assert [each["query"].get("after") for each in asked] == [None, "3", "6"]


async def test_what_comes_later_is_asked_for_from_where_it_stopped_also_by_another_process(
    house: House, unit: PolledUnit
) -> None:
    unit.add("later", a_row(1), a_row(2))
    async with polling(house, by_id(unit, "later"), "one"):
        await cases(house, 2)
        # It asks again once its bookmark has moved.
        await asyncio.to_thread(unit.asked, "later", 2)
    unit.add("later", a_row(3))
    before = len(unit.asked("later"))
    async with polling(house, by_id(unit, "later"), "two"):
        await cases(house, 3)
    assert unit.asked("later")[before]["query"]["after"] == "2"


async def test_a_record_that_is_no_message_goes_to_the_shelf_once_and_stops_nothing(
    house: House, unit: PolledUnit
) -> None:
    unit.add("mixed", a_row(1), a_row(2, kind="?"), a_row(3, kind="9"), a_row(4))
    async with polling(house, by_time(unit, "mixed")):
        await cases(house, 2)
        # Its time lies in the overlap, so it comes again with every round.
        seen = len(unit.asked("mixed"))
        await asyncio.to_thread(unit.asked, "mixed", seen + 3)
    assert sorted(await house.ask("SELECT kind FROM refused_messages")) == ["mapping_failed", "mapping_parked"]
    (raw,) = await house.ask("SELECT body FROM refused_messages WHERE kind = 'mapping_parked'")
    assert "站台水管破裂 2" in raw.decode()


async def test_a_late_record_within_the_overlap_is_found_and_no_other_takes_effect_twice(
    house: House, unit: PolledUnit
) -> None:
    unit.add("late", a_row(1, "2026-11-23 09:00:00"), a_row(2, "2026-11-23 09:20:00"))
    async with polling(house, by_time(unit, "late")):
        await cases(house, 2)
        # It was written down before, and shows only now.
        unit.add("late", a_row(3, "2026-11-23 09:12:00"))
        await cases(house, 3)
    assert unit.asked("late")[-1]["query"]["since"] == "2026-11-23 09:10:00"
    assert await reported(house) == texts(1, 2, 3)


async def test_full_pages_by_time_are_followed_to_their_end(house: House, unit: PolledUnit) -> None:
    unit.add("busy", *(a_row(number, f"2026-11-23 09:00:{number // 2:02}") for number in range(20)))
    async with polling(house, by_time(unit, "busy", limit=6)):
        await cases(house, 20)
    assert await reported(house) == texts(*range(20))


async def test_more_records_of_one_second_than_a_page_has_are_told_and_not_passed_over(
    house: House, unit: PolledUnit
) -> None:
    unit.add("same", *(a_row(number) for number in range(9)))
    async with polling(house, by_time(unit, "same", limit=4)):
        await until(lambda: [each for each in house.heard("source.troubled") if "limit" in each["reason"]])


async def test_a_token_leads_from_page_to_page_and_stays_where_there_is_no_more(house: House, unit: PolledUnit) -> None:
    unit.add("tokens", *(a_row(number) for number in range(5)))
    poll = {
        "endpoint": unit.url("/by-token/tokens"),
        "query": [{"name": "token", "value": "{cursor}"}, {"name": "size", "value": "2"}],
        "items": "items",
        "cursor": {"kind": "page", "next": "next"},
    }
    async with polling(house, poll):
        await cases(house, 5)
        unit.add("tokens", a_row(5))
        await cases(house, 6)
    assert [each["query"].get("token") for each in unit.asked("tokens")[:4]] == [None, "t2", "t4", "t5"]
    assert await reported(house) == texts(*range(6))


async def test_a_unit_that_always_answers_everything_is_read_once(house: House, unit: PolledUnit) -> None:
    unit.add("all", a_row(1), a_row(2))
    async with polling(house, {"endpoint": unit.url("/all/all"), "items": "items"}):
        await cases(house, 2)
        unit.add("all", a_row(3))
        await cases(house, 3)
    assert await reported(house) == texts(1, 2, 3)


async def test_a_soap_service_is_polled_by_a_template_in_its_own_encoding(house: House, unit: PolledUnit) -> None:
    unit.add("soap", a_row(7))
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetNews xmlns="urn:bus">'
        "<user>枢纽</user><password>{secret:bus-password}</password><lastId>{cursor}</lastId></GetNews></s:Body>"
        "</s:Envelope>"
    )
    envelope = '["s:Envelope"]["s:Body"].GetNewsResponse.GetNewsResult.Row'
    poll = {
        "endpoint": unit.url("/soap/soap"),
        "method": "POST",
        "headers": [{"name": "SOAPAction", "value": '"urn:bus/GetNews"'}],
        "body": '<?xml version="1.0" encoding="GBK"?>' + body,
        "body_as": "xml",
        "encoding": "gbk",
        "written_as": {
            "format": "xml",
            "namespaces": [
                {"prefix": "s", "uri": "http://schemas.xmlsoap.org/soap/envelope/"},
                {"prefix": "", "uri": "urn:bus"},
            ],
        },
        "items": envelope,
        "cursor": {"kind": "id", "at": "id"},
    }
    async with polling(house, poll):
        await cases(house, 1)
        unit.add("soap", a_row(8), a_row(9))
        await cases(house, 3)
    call = unit.asked("soap")[0]
    assert "<user>枢纽</user><password>p&amp;ss</password>" in call["body"]
    headers = {name.lower(): text for name, text in call["headers"].items()}
    assert headers["soapaction"] == '"urn:bus/GetNews"' and headers["content-type"] == "text/xml; charset=gbk"
    assert await reported(house) == texts(7, 8, 9)


async def test_a_unit_that_is_down_is_told_and_asked_again_when_it_said(house: House, unit: PolledUnit) -> None:
    unit.add("down", a_row(1))
    unit.goes_down("down")
    async with polling(house, by_id(unit, "down")):
        await until(lambda: house.heard("source.troubled"))
        await cases(house, 1)
        assert await until(lambda: house.ask("SELECT 1 FROM sources WHERE trouble IS NULL AND bookmark <> ''"))


async def test_an_idle_unit_is_asked_ever_more_seldom(house: House, unit: PolledUnit) -> None:
    async with polling(house, {**by_id(unit, "idle"), "every_seconds": 0.1, "idle_seconds_max": 600}):
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.to_thread(unit.asked, "idle", 5)
        # 0.2 + 0.4 + 0.8 + 1.6 s, less a tenth.
        assert loop.time() - began > 2.5


async def test_a_record_that_gives_its_own_number_is_one_message_however_its_text_changes(
    house: House, unit: PolledUnit
) -> None:
    row = a_row(1, no="B-1", clerk="甲")
    unit.add("numbered", row, {**row, "id": "2", "clerk": "乙"})
    async with polling(house, by_id(unit, "numbered")):
        await until(lambda: house.heard("message.repeated"))
    assert await house.ask("SELECT count(*) FROM cases") == [1]


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1" + b"\0" * 20


async def test_pictures_in_a_record_become_attachments_of_the_unit_once(house: House, unit: PolledUnit) -> None:
    picture = base64.b64encode(PNG).decode()
    unit.add(
        "pictures", a_row(1, pics=[picture, ""]), a_row(2, pics=["no picture"]), a_row(3, pics=[picture], kind="?")
    )
    async with polling(house, by_time(unit, "pictures")):
        await cases(house, 1)
        # Its time lies in the overlap, so it comes again with every round.
        seen = len(unit.asked("pictures"))
        await asyncio.to_thread(unit.asked, "pictures", seen + 3)
    (kept,) = await house.ask("SELECT attachment_id FROM attachments WHERE unit_id = 'bus_group'")
    (named,) = await house.ask("SELECT body::jsonb ->> 'photos' FROM entries WHERE fact = 'report'")
    assert json.loads(named) == [kept]
    refused = await house.ask("SELECT kind FROM refused_messages")
    assert sorted(refused) == ["attachment_invalid", "mapping_parked"]
    # What waits for an administrator names the photo; it has not the bytes.
    (raw,) = await house.ask("SELECT body FROM refused_messages WHERE kind = 'mapping_parked'")
    assert json.loads(raw)["pics"] == [kept]
