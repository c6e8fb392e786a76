"""Units in their own ways, through the whole hub: a telecom with OAuth 2.0, a post office by SFTP, a polled bus."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from tests.builders import a_place
from tests.conformance.oauth_unit import SECRET, an_oauth_unit
from tests.conformance.polled_unit import a_polled_unit
from tests.conformance.sftp_unit import PASSWORD, an_sftp_unit
from tests.stories.conftest import ROOT, RunningHub, start_hub, stop_hub, wait_for

pytestmark = pytest.mark.story

PROFILES = ROOT / "adapters/profiles"
COLLECTOR, COMMAND = "collection", "command_center"


@dataclass(frozen=True, slots=True)
class City:
    """A running hub, and the keys of those who speak to it."""

    hub: RunningHub
    keys: dict[str, str]

    def connects(self, name: str, unit: str, secret: tuple[str, str], **places: str) -> None:
        """A unit goes live with the shipped profile, its example addresses turned into its real ones."""
        text = (PROFILES / name / "profile.yaml").read_text(encoding="utf-8")
        for example, real in places.items():
            assert example in text
            text = text.replace(example, real)
        subprocess.run(
            [sys.executable, "-P", "-m", "hub.cli", "secrets", "put", unit, secret[0], f"--data={self.hub.data}"],
            input=secret[1].encode(),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            timeout=60,
        )
        self.said("PUT", f"/api/v1/units/{unit}/profile", text.encode())
        self.said("POST", f"/api/v1/units/{unit}/state", {"state": "live", "reason": "验收通过"})

    def said(self, method: str, path: str, body: Any = None, unit: str | None = None) -> Any:
        """The answer to a call that succeeds."""
        status, answer, _ = self.hub.call(method, path, body, self.keys[unit] if unit else None)
        assert status < 300, answer
        return answer

    def dispatched_to(self, unit: str) -> str:
        """The number of a new case that the command centre dispatches to a unit."""
        report = {"category_code": "C0107", "place": a_place(), "description": "人行道通讯井盖破损"}
        number: str = self.said("POST", "/api/v1/cases", report, COLLECTOR)["case_number"]
        told = {"unit_id": unit, "reason": "查实"}
        self.said("POST", f"/api/v1/cases/{number}/dispatch", told, COMMAND)
        return number

    def state(self, number: str) -> str:
        """The state of a case."""
        found: str = self.said("GET", f"/api/v1/cases/{number}", unit=COMMAND)["state"]
        return found


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    hub = start_hub(tmp_path_factory.mktemp("hub") / "data")
    try:
        yield City(hub, {unit: hub.key_of(unit) for unit in (COLLECTOR, COMMAND)})
    finally:
        stop_hub(hub)


def test_a_telecom_gets_its_dispatch_as_a_work_order_of_its_own(city: City) -> None:
    with an_oauth_unit() as telecom:
        city.connects(
            "telecom_rest", "telecom", ("telecom-client", SECRET), **{"https://telecom.example": telecom.url("")}
        )
        number = city.dispatched_to("telecom")
        (order,) = wait_for(lambda: telecom.seen()["calls"])
    assert orjson.loads(order["body"])["order"]["no"] == number
    assert {name.lower() for name in order["headers"]} >= {"authorization", "webhook-id"}


def test_a_post_office_works_a_case_by_files_alone(city: City, tmp_path: Path) -> None:
    text = (PROFILES / "post_file/profile.yaml").read_text(encoding="utf-8")
    host_key = next(line.partition("host_key: ")[2] for line in text.splitlines() if "host_key: " in line)
    with an_sftp_unit(tmp_path) as post:
        there = {"host: sftp.post.example": f"host: 127.0.0.1\n        port: {post.port}", "user: cityhub": "user: hub"}
        city.connects("post_file", "post", ("post-sftp", PASSWORD), **there, **{host_key: post.host_key})
        number = city.dispatched_to("post")
        (file,) = wait_for(lambda: list((tmp_path / "szcg/派遣单").glob("*.csv")))
        assert number in file.read_bytes().decode("gb18030")
        inbox = tmp_path / "szcg/处置反馈"
        wait_for(inbox.is_dir)
        done = datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y/%m/%d %H:%M")
        (inbox / "反馈.csv").write_text(f"{number}|完成|井盖已更换|{done}|投递三组\r\n", encoding="gb18030")
        wait_for(lambda: city.state(number) == "in_verification")
        wait_for((tmp_path / "szcg/回执/反馈.receipt.csv").is_file)


def test_a_bus_company_is_asked_for_what_its_drivers_saw(city: City) -> None:
    with a_polled_unit() as buses:
        place = a_place()
        row = orjson.loads((PROFILES / "bus_polled/in.case.report.json").read_bytes())
        row |= {"gps": {"lng": place["longitude"], "lat": place["latitude"]}, "happenTime": None}
        buses.add("events", row)
        city.connects("bus_polled", "bus_group", ("bus-key", "bus-key-1"), **{"https://bus.example": buses.url("")})

        def reported() -> list[Any]:
            items = city.said("GET", "/api/v1/cases?limit=50", unit=COMMAND)["items"]
            return [item for item in items if item.get("sender_case_id") == "BUS-20261123-17"]

        assert len(wait_for(reported)) == 1
