"""SOAP on a real database: a profile kept with its WSDL, letters by a lane to a service in another process, photos."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from adapters.guard import OutboundGuard
from adapters.http.authentication import Authenticator
from adapters.http.calls import HttpCalls
from adapters.soap import SoapAdapter, SoapCalls
from auth.master_keys import load_or_create
from auth.redaction import Secret
from auth.sealing import Sealer
from contracts.nouns import Connection, Transport
from contracts.problem import Problem
from contracts.profile_files import with_files
from hub.app import onboarding_of
from hub.attachments import Attachments
from hub.cases import Case
from hub.delivery.lanes import Lanes
from hub.safe import Safe
from hub.settings import read
from tests.builders import COLLECTOR, a_report
from tests.conformance.soap_unit import PASSWORD, WSDL, SoapUnit, a_soap_unit
from tests.ways.conftest import House, answered, until

pytestmark = pytest.mark.way

WATER = Path(__file__).parents[2] / "adapters/profiles/water_asmx"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoapUnit]:
    """A unit's SOAP system."""
    with a_soap_unit(tmp_path_factory.mktemp("unit")) as unit:
        yield unit


def the_water_profile() -> str:
    text = (WATER / "profile.yaml").read_text(encoding="utf-8")
    return with_files(text, lambda name: (WATER / name).read_text(encoding="utf-8"))


async def test_a_profile_is_kept_with_its_wsdl_and_comes_out_as_it_can_be_applied_again(
    house: House, tmp_path: Path
) -> None:
    desk = await onboarding_of(read({"data": str(tmp_path)}, {}), await house.a_pool())
    applied = await desk.apply(the_water_profile(), "test")
    exported = await desk.export("water_resources")
    assert yaml.safe_load(exported)["connections"][0]["soap"]["wsdl"] == (WATER / "water.wsdl").read_text("utf-8")
    assert (await desk.apply(exported, "test")).version == applied.version


async def test_an_operation_that_the_wsdl_lacks_is_refused_with_its_line(house: House, tmp_path: Path) -> None:
    desk = await onboarding_of(read({"data": str(tmp_path)}, {}), await house.a_pool())
    lines = the_water_profile().replace("operation: SubmitCase", "operation: Submit", 1).split("\n")
    line = next(number for number, text in enumerate(lines, 1) if "operation: Submit}" in text)
    with pytest.raises(Problem) as refused:
        await desk.apply("\n".join(lines), "test")
    (violation,) = refused.value.violations
    assert f"line {line}: " in violation.en and "SubmitCase" in violation.en
    assert violation.pointer == "#/connections/0/soap/calls/0/operation"


@asynccontextmanager
async def a_soap_lane(house: House, connection: Connection, tmp_path: Path, **more: Any) -> AsyncIterator[None]:
    """The collector's lane to a SOAP system, its password in the safe, as long as the block runs."""
    safe = Safe(house.pool, Sealer(load_or_create(tmp_path / "master.keys")))
    await safe.put(COLLECTOR, "soap-password", Secret(PASSWORD))
    soap: dict[str, Any] = {
        "wsdl": WSDL,
        "endpoint": connection.settings["endpoint"],
        "calls": [{"contract": "case.status", "operation": "deliver", "event": "event"}],
        "security": {"user": "cityhub", "secret": "soap-password"},
    }
    profile = {"name": "main", "transport": "soap", "soap": soap, "receives": ["case.status"], **more}
    await house.goes_live({"unit": COLLECTOR, "connections": [profile]})
    http = HttpCalls(OutboundGuard((ip_network("127.0.0.0/8"),)), "0.1.0")
    adapter = SoapAdapter(SoapCalls(Authenticator(safe, http)), Attachments(tmp_path, house.pool, 1 << 20))
    pools = await house.a_pool("lanes"), await house.a_pool("takes")
    adapters = {Transport.SOAP: adapter}
    lanes = Lanes(*pools, house.refresher.registry, house.refresher.clock, adapters, "one", house.say)
    running = asyncio.create_task(lanes.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await adapter.close()
        await http.close()


async def a_case(house: House) -> Case:
    """A case with two letters to the collector."""
    intake = await house.an_intake()
    return await house.case(answered((await intake.receive([a_report("E0104")]))[0]).case_id)


async def test_a_lane_delivers_a_cases_letters_by_soap_with_a_secret_from_the_safe(
    house: House, partner: SoapUnit, tmp_path: Path
) -> None:
    connection = partner.connection("processes")
    async with a_soap_lane(house, connection, tmp_path):
        case = await a_case(house)
        await until(lambda: len(house.heard("letter.delivered")) == 2)
        seen = await partner.seen(connection, at_least=2)
    events = [orjson.loads(letter.body) for letter in seen]
    assert [event["subject"] for event in events] == [case.case_number] * 2
    assert [event["id"] for event in events] == [letter.letter_id for letter in seen]


async def test_a_service_that_answers_too_late_has_each_letter_once_in_effect_and_in_order(
    house: House, partner: SoapUnit, tmp_path: Path
) -> None:
    connection = partner.connection("late_at_first")
    async with a_soap_lane(house, connection, tmp_path, timeout_seconds=0.5):
        await a_case(house)
        await until(lambda: len(house.heard("letter.delivered")) == 2, 30)
        seen = await partner.seen(connection, at_least=3)
    first, again, second = (letter.letter_id for letter in seen)
    assert first == again != second
    assert seen[0].body == seen[1].body


async def test_an_adapter_gets_the_bytes_of_a_photo_by_its_id(house: House, tmp_path: Path) -> None:
    attachments = Attachments(tmp_path, house.pool, 1 << 20)
    row = await attachments.keep(COLLECTOR, PNG)
    photo = await attachments.photo(row.attachment_id)
    assert (photo.media_type, photo.content) == ("image/png", PNG)
    with pytest.raises(KeyError):
        await attachments.photo("att_none")
    attachments._path(row.sha256.hex()).unlink()
    with pytest.raises(KeyError):
        await attachments.photo(row.attachment_id)
