"""A unit on the hub's broker from its profile to its end: with a real PostgreSQL and a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pika
import pytest
import pytest_asyncio

from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.rabbitmq.management import Management
from adapters.rabbitmq.provisioner import RabbitProvisioner
from contracts.nouns import UnitState
from contracts.ways.rabbitmq import names_of
from hub.app import onboarding_of
from hub.broker_access import broker_address
from hub.demo.broker import Broker
from hub.onboarding import Onboarding
from hub.provisioning import Provisioning
from hub.settings import BadSettings, read
from tests.ways.conftest import House, until
from tests.ways.rabbit import LOCAL, Ground, a_ground, running

pytestmark = pytest.mark.way

PROFILE = """
profile: "1.0"
unit: telecom
connections:
  - {name: main, transport: rabbitmq, rabbitmq: {}}
"""
NAMES = names_of("telecom.main")


@pytest_asyncio.fixture
async def ground(broker: Broker) -> AsyncIterator[Ground]:
    async with a_ground(broker) as made:
        yield made


async def a_desk(house: House, folder: Path) -> Onboarding:
    return await onboarding_of(read({"data": str(folder)}, {}), house.pool)


def may_enter(ground: Ground, user: str, password: str) -> bool:
    """Whether the broker lets this user read the unit's letters."""
    try:
        with ground.client(user, password) as channel:
            channel.basic_get(NAMES.queue_out)
    except pika.exceptions.AMQPError:
        return False
    return True


async def test_a_unit_comes_changes_its_password_rests_and_goes(house: House, ground: Ground, tmp_path: Path) -> None:
    desk = await a_desk(house, tmp_path)
    provisioning = Provisioning(house.pool, desk.safe, house.refresher.units, ground.provisioner, house.say)
    async with running(provisioning.run()):
        ((user, password),) = (await desk.apply(PROFILE, "test")).shown_once
        assert user == "telecom.main.1"
        provisioning.look()
        await until(lambda: may_enter(ground, user, password.reveal()))
        assert (await desk.apply(PROFILE, "test")).shown_once == (), "a password is shown once"

        await desk.set_state("telecom", UnitState.LIVE, "test", "")
        ((newer, another),) = await desk.rotate_signing("telecom.main", "test")
        assert newer == "telecom.main.2" and another.reveal() != password.reveal()
        provisioning.look()
        await until(lambda: may_enter(ground, newer, another.reveal()))
        assert may_enter(ground, user, password.reveal()), "the one before is good for the overlap"

        await desk.set_state("telecom", UnitState.SUSPENDED, "test", "")
        provisioning.look()
        await until(lambda: not may_enter(ground, newer, another.reveal()))
        assert NAMES.queue_out in await ground.management.queues()

        await desk.set_state("telecom", UnitState.LIVE, "test", "")
        provisioning.look()
        await until(lambda: may_enter(ground, newer, another.reveal()))

        await desk.set_state("telecom", UnitState.RETIRED, "test", "")
        provisioning.look()
        await until(lambda: not may_enter(ground, newer, another.reveal()))
        await until(lambda: _gone(ground))
    assert not house.heard("broker.troubled")


async def _gone(ground: Ground) -> bool:
    return NAMES.queue_out not in await ground.management.queues()


async def test_a_broker_that_cannot_be_reached_is_told(house: House, ground: Ground, tmp_path: Path) -> None:
    desk = await a_desk(house, tmp_path)
    await desk.apply(PROFILE, "test")
    calls = HttpCalls(OutboundGuard(allow=LOCAL), "0.1.0")
    nowhere = RabbitProvisioner(
        Management("http://nobody:wrong@127.0.0.1:9", ground.vhost, calls), lambda: ground.brokers.hub("out")
    )
    async with running(Provisioning(house.pool, desk.safe, house.refresher.units, nowhere, house.say).run()):
        (said, *_) = await until(lambda: house.heard("broker.troubled"))
    assert "no connection" in said["reason"] and "wrong" not in said["reason"]
    await calls.close()


def test_an_address_of_the_broker_that_cannot_be_used_stops_the_start_and_is_not_repeated() -> None:
    with pytest.raises(BadSettings) as bad:
        read({"rabbitmq": "http://u:hidden@h", "rabbitmq_management": "amqp://u:hidden@h"}, {})
    assert len(bad.value.faults) == 2
    assert "hidden" not in str(bad.value)
    with pytest.raises(BadSettings, match="goes with rabbitmq"):
        read({"rabbitmq_management": "http://h:15672"}, {})


def test_units_are_told_where_the_broker_is_and_not_the_hubs_own_login() -> None:
    settings = read({}, {"CITYHUB_RABBITMQ": "amqps://hub:hidden@mq.example/city%2Fhub,amqps://hub:hidden@mq2.example"})
    address = broker_address(settings.rabbitmq)
    assert address is not None
    assert (address.host, address.port, address.vhost, address.tls) == ("mq.example", 5671, "city/hub", True)
    assert "hidden" not in repr(settings)
    assert broker_address(()) is None
