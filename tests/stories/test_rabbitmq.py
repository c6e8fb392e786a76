"""A unit on RabbitMQ whose program is amqplib on node, a real broker, a real hub: a day, and its accidents."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
import pytest_asyncio

from hub.demo.broker import Broker, running_broker
from hub.demo.broker_node import BrokerFault, scripts_folder
from tests.builders import a_place
from tests.node_packages import node_folder
from tests.stories.conftest import ROOT, RunningHub, start_hub, stop_hub, wait_for

pytestmark = pytest.mark.story

YOUNG_SECONDS = 4.0
"""So long after it came into use a quorum queue of RabbitMQ 3.10 may lose its leader for good with a power cut, as
docs/rabbitmq.md tells administrators. The stories kill older ones."""

LEAD, COLLECTOR = "housing_construction", "collection"
PROFILE = {
    "unit": LEAD,
    "connections": [{"name": "main", "transport": "rabbitmq", "rabbitmq": {}, "receives": ["case.dispatch"]}],
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fragile() -> AsyncIterator[Broker]:
    """A broker of this file's own, which gets killed."""
    try:
        scripts_folder()
    except BrokerFault as fault:
        pytest.skip(str(fault))
    async with running_broker() as running:
        yield running


@dataclass
class Unit:
    """The unit's program, and what it has seen."""

    process: subprocess.Popen[bytes]
    letters: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    sequences: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: int = 0
    connected: int = 0

    def listen(self) -> None:
        """Remember what it says, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if "connected" in said:
                self.connected += 1
            elif "answer" in said:
                self.answers[said["answer"]["message_id"]] = said
            elif "letter" in said:
                assert said["header"] == said["subject"]
                if said["letter"] not in self.letters:
                    self.sequences[said["subject"]].append(int(said["sequence"]))
                else:
                    self.repeats += 1
                self.letters[said["letter"]].add(base64.b64decode(said["body"]))


@contextmanager
def a_unit(broker: Broker, vhost: str, password: str) -> Iterator[Unit]:
    modules = node_folder("amqplib@^0.10") / "node_modules"
    url = f"amqp://{LEAD}.main.1:{quote(password, safe='')}@127.0.0.1:{broker.node.port}/{vhost}"
    process = subprocess.Popen(
        ["node", str(Path(__file__).with_name("amqp_unit.cjs")), url, f"cityhub.{LEAD}.main.out",
         f"cityhub.{LEAD}.main.in"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "NODE_PATH": str(modules)},
    )  # fmt: skip
    unit = Unit(process)
    listening = threading.Thread(target=unit.listen, daemon=True)
    listening.start()
    try:
        yield unit
    finally:
        process.kill()
        process.wait()
        listening.join(5)


@contextmanager
def a_hub(broker: Broker, folder: Path, *others: Broker) -> Iterator[tuple[RunningHub, str, str]]:
    """A hub on a virtual host of its own, its unit live; the unit's password."""
    vhost = f"story-{uuid.uuid4().hex[:8]}"
    url = ",".join(node.url.rpartition("/")[0] + "/" + vhost for node in (broker, *others))
    hub = start_hub(folder / "data", f"--rabbitmq={url}", f"--rabbitmq-management={broker.management_url}")
    try:
        status, applied, _ = hub.call("PUT", f"/api/v1/units/{LEAD}/profile", PROFILE)
        assert status in (200, 201), applied
        (secret,) = applied["secrets"]
        hub.call("POST", f"/api/v1/units/{LEAD}/state", {"state": "live", "reason": "story"})
        yield hub, vhost, secret["secret"]
    finally:
        stop_hub(hub)


def reported(hub: RunningHub, key: str, count: int, name: str) -> list[str]:
    """So many cases for the lead; their numbers."""
    numbers = []
    for n in range(count):
        body = {"category_code": "E0402", "place": a_place(), "description": f"自来水管破裂 {name} {n}"}
        status, case, _ = hub.call("POST", "/api/v1/cases", body, key, **{"idempotency-key": f"{name}-{n}"})
        assert status in (200, 201), case
        numbers.append(case["case_number"])
    return numbers


def in_use(broker: Broker, vhost: str) -> bool:
    """Whether the broker itself knows the queues as used; of one younger it may not find the leader after a kill."""
    url = urlsplit(broker.management_url)
    named = base64.b64encode(f"{unquote(url.username or '')}:{unquote(url.password or '')}".encode()).decode()
    asked = f"http://{url.hostname}:{url.port}/api/queues/{vhost}"
    request = urllib.request.Request(asked, headers={"authorization": f"Basic {named}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            queues = {each["name"]: each.get("message_stats", {}) for each in json.load(answer)}
    except urllib.error.HTTPError:
        # The hub has not made its virtual host yet.
        return False
    return all(queues.get(f"cityhub.{LEAD}.main.{name}", {}).get("ack", 0) > 0 for name in ("out", "inbox"))


def told_of(hub: RunningHub, broker: Broker, vhost: str) -> Any:
    """What ``units broker`` says of the unit."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "hub.cli", "units", "broker", LEAD, "--json", f"--data={hub.data}"],
        capture_output=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CITYHUB_RABBITMQ": broker.url.rpartition("/")[0] + "/" + vhost,
        },
        check=True,
    )
    return json.loads(done.stdout)


def reworked(hub: RunningHub, key: str, numbers: list[str]) -> None:
    """The collector finds each of them not handled: they are dispatched again."""
    for number in numbers:
        body = {"finding": "failed", "description": "仍渗水"}
        status, case, _ = hub.call("POST", f"/api/v1/cases/{number}/verification", body, key)
        assert status == 200, case


def states(hub: RunningHub, numbers: list[str]) -> set[str]:
    return {hub.call("GET", f"/api/v1/cases/{number}")[1]["state"] for number in numbers}


def handled(hub: RunningHub, numbers: list[str]) -> bool:
    """Whether every feedback has arrived: all cases wait for the collector."""
    return states(hub, numbers) == {"in_verification"}


def test_a_case_goes_round_over_rabbitmq(broker: Broker, tmp_path: Path) -> None:
    with a_hub(broker, tmp_path) as (hub, vhost, password), a_unit(broker, vhost, password) as unit:
        collector = hub.key_of(COLLECTOR)
        numbers = reported(hub, collector, 10, "round")
        wait_for(lambda: handled(hub, numbers), 60)
        wait_for(lambda: len(unit.answers) >= 20)
        assert {answer["kind"] for answer in unit.answers.values()} == {"cityhub.answer"}
        assert {answer["answer"]["case_number"] for answer in unit.answers.values()} == set(numbers)
        status, case, _ = hub.call("POST", f"/api/v1/cases/{numbers[0]}/verification", {"finding": "passed"}, collector)
        assert (status, case["state"]) == (200, "closed")
        assert told_of(hub, broker, vhost) == [
            {
                "connection_id": f"{LEAD}.main",
                "host": "127.0.0.1",
                "port": broker.node.port,
                "vhost": vhost,
                "tls": False,
                "users": [f"{LEAD}.main.1"],
                "reads_queue": f"cityhub.{LEAD}.main.out",
                "writes_exchange": f"cityhub.{LEAD}.main.in",
            }
        ]
        assert len(unit.letters) == 10 and all(len(bodies) == 1 for bodies in unit.letters.values())


@pytest.mark.asyncio(loop_scope="session")
async def test_a_broker_killed_in_the_middle_of_the_day_loses_nothing(fragile: Broker, tmp_path: Path) -> None:
    with a_hub(fragile, tmp_path) as (hub, vhost, password), a_unit(fragile, vhost, password) as unit:
        collector = hub.key_of(COLLECTOR)
        numbers = await asyncio.to_thread(reported, hub, collector, 20, "before")
        await asyncio.to_thread(wait_for, lambda: in_use(fragile, vhost), 60)
        await asyncio.sleep(YOUNG_SECONDS)
        reporting = asyncio.create_task(asyncio.to_thread(reported, hub, collector, 40, "meanwhile"))
        await fragile.kill()
        numbers += await reporting
        await fragile.start()
        await asyncio.to_thread(wait_for, lambda: handled(hub, numbers), 120)
        # Each case's second letter meets the second accident.
        reworking = asyncio.create_task(asyncio.to_thread(reworked, hub, collector, numbers))
        await fragile.kill()
        await reworking
        await fragile.start()
        await asyncio.to_thread(wait_for, lambda: handled(hub, numbers), 120)
        assert in_order(unit, numbers), unit
        assert {len(seen) for seen in unit.sequences.values()} == {2}
        assert unit.connected >= 3


def test_a_hub_killed_between_publishing_and_the_confirmation_repeats_but_loses_nothing(
    broker: Broker, tmp_path: Path
) -> None:
    with a_hub(broker, tmp_path) as (hub, vhost, password), a_unit(broker, vhost, password) as unit:
        collector = hub.key_of(COLLECTOR)
        numbers: list[str] = []
        for kill in range(3):
            numbers += reported(hub, collector, 25, f"kill-{kill}")
            # While letters go out and answers come in.
            os.kill(wait_for(lambda: lanes_of(hub)), signal.SIGKILL)
        wait_for(lambda: handled(hub, numbers), 120)
        assert in_order(unit, numbers), unit


def lanes_of(hub: RunningHub) -> int | None:
    """The process that runs the lanes and the sources; for a moment after its death there is none."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--slot=l0" in arguments and any(str(hub.data).encode() in each for each in arguments):
                return int(folder.name)
    return None


def in_order(unit: Unit, numbers: list[str]) -> bool:
    """Whether every case's letters were seen, in their order, each under one id with the same bytes each time."""
    return (
        set(unit.sequences) == set(numbers)
        and all(seen == sorted(seen) for seen in unit.sequences.values())
        and all(len(bodies) == 1 for bodies in unit.letters.values())
    )


async def test_a_queue_deleted_under_way_is_made_again_and_what_follows_arrives(broker: Broker, tmp_path: Path) -> None:
    with a_hub(broker, tmp_path) as (hub, vhost, password), a_unit(broker, vhost, password) as unit:
        collector = hub.key_of(COLLECTOR)
        first = await asyncio.to_thread(reported, hub, collector, 5, "first")
        await asyncio.to_thread(wait_for, lambda: handled(hub, first), 60)
        for name in ("out", "inbox"):
            await broker.ctl("-p", vhost, "delete_queue", f"cityhub.{LEAD}.main.{name}")
        second = await asyncio.to_thread(reported, hub, collector, 5, "second")
        unit.process.kill()
        with a_unit(broker, vhost, password) as again:
            await asyncio.to_thread(wait_for, lambda: handled(hub, second), 60)
            assert set(again.sequences) >= set(second)
        log = (tmp_path / "data.log").read_text()
        assert "queue.provided_again" in log


@pytest.mark.asyncio(loop_scope="session")
async def test_a_broker_without_memory_takes_nothing_for_a_while_and_nothing_is_lost(
    fragile: Broker, tmp_path: Path
) -> None:
    with a_hub(fragile, tmp_path) as (hub, vhost, password), a_unit(fragile, vhost, password) as unit:
        collector = hub.key_of(COLLECTOR)
        first = await asyncio.to_thread(reported, hub, collector, 3, "first")
        await asyncio.to_thread(wait_for, lambda: handled(hub, first), 60)
        await fragile.ctl("set_vm_memory_high_watermark", "absolute", "1MB")
        try:
            second = await asyncio.to_thread(reported, hub, collector, 10, "alarm")
            await asyncio.to_thread(wait_for, lambda: "alarm" in (tmp_path / "data.log").read_text(), 60)
        finally:
            await fragile.ctl("set_vm_memory_high_watermark", "0.4")
        await asyncio.to_thread(wait_for, lambda: handled(hub, second), 120)
        assert in_order(unit, first + second), unit


@pytest.mark.asyncio(loop_scope="session")
async def test_a_node_lost_in_a_cluster_loses_nothing(fragile: Broker, tmp_path: Path) -> None:
    others = [fragile.sibling(), fragile.sibling()]
    try:
        await asyncio.gather(*(node.start() for node in others))
        for node in others:
            await node.join(fragile)
        survivor, lost = others
        with a_hub(lost, tmp_path, survivor) as (hub, vhost, password), a_unit(survivor, vhost, password) as unit:
            collector = hub.key_of(COLLECTOR)
            numbers = await asyncio.to_thread(reported, hub, collector, 20, "before")
            await asyncio.to_thread(wait_for, lambda: handled(hub, numbers[:3]), 60)
            reporting = asyncio.create_task(asyncio.to_thread(reported, hub, collector, 30, "meanwhile"))
            await lost.kill()
            numbers += await reporting
            await asyncio.to_thread(wait_for, lambda: handled(hub, numbers), 120)
            assert in_order(unit, numbers), unit
            kind = await survivor.ctl("-q", "-p", vhost, "list_queues", "name", "type")
            assert f"cityhub.{LEAD}.main.out\tquorum" in kind
    finally:
        for node in others:
            await node.close()
