"""The shipped profiles over RabbitMQ, each over a real broker: what the unit reads, what of it the hub understands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.checks import ConnectionChecks
from adapters.guard import OutboundGuard
from adapters.rabbitmq.adapter import RabbitAdapter
from adapters.rabbitmq.brokers import Brokers
from adapters.rabbitmq.source import RabbitSource
from contracts.arrival import Said
from contracts.messages import Feedback
from contracts.nouns import Connection
from contracts.port import Refused, Unauthorised
from contracts.problem import Problem
from contracts.profile import Profile
from contracts.profile_text import read_profile
from contracts.ways.rabbitmq import names_of
from hub.demo.broker import Broker
from hub.demo.broker_node import LOOPBACK
from hub.registry import connections_of
from tests.values import replace
from tests.ways.conftest import until
from tests.ways.rabbit import (
    CASE,
    Bookmark,
    Ground,
    NamedSecrets,
    Receives,
    a_ground,
    a_letter,
    fetched,
    publish,
    running,
)

pytestmark = pytest.mark.way

PROFILES = Path(__file__).parents[2] / "adapters/profiles"


def the_connection(name: str) -> Connection:
    profile = read_profile((PROFILES / name / "profile.yaml").read_text(encoding="utf-8"))[0]
    (connection,) = connections_of(profile, 1)
    return connection


def sample(name: str) -> bytes:
    return (PROFILES / name).read_bytes()


@pytest_asyncio.fixture
async def ground(broker: Broker) -> AsyncIterator[Ground]:
    async with a_ground(broker, NamedSecrets(**{"broker-password": broker.node.password})) as made:
        yield made


async def test_a_telecom_on_the_hubs_broker_speaks_as_the_hub_does(ground: Ground) -> None:
    connection = the_connection("telecom_rabbitmq")
    await ground.grant(connection)
    names, user = names_of(connection.connection_id), f"{connection.connection_id}.1"
    await RabbitAdapter(ground.brokers, ground.say).deliver(connection, a_letter())
    reception = Receives()
    with ground.client(user) as channel:
        taken = fetched(channel, names.queue_out)
        assert taken is not None and taken[1] == a_letter().body
        publish(channel, names.exchange_in, sample("telecom_rabbitmq/in.case.feedback.json"))
    source = RabbitSource(ground.brokers, ground.say, lambda: 1)
    async with running(source.collect(connection, Bookmark(), reception)):
        await until(lambda: reception.arrivals)
    said = reception.arrivals[0].said
    assert isinstance(said, Said) and isinstance(said.body, Feedback) and said.case_number == CASE


def the_broadcaster(ground: Ground) -> Connection:
    """The shipped profile, its broker here: the host and the login are all that differs."""
    connection = the_connection("broadcaster_broker")
    node = ground.broker.node
    here = {"host": LOOPBACK, "port": node.port, "tls": False, "vhost": ground.vhost, "user": node.user}
    own = {**connection.settings["broker"], **here}
    return replace(connection, settings={**connection.settings, "broker": own})


def a_broadcaster(ground: Ground) -> None:
    """The unit's own queues and exchange, as its engineers made them."""
    with ground.client() as channel:
        channel.exchange_declare("gd.szcg", "direct", durable=True)
        for queue, key in (("orders", "order.new"), ("cancelled", "order.cancel")):
            channel.queue_declare(queue, durable=True)
            channel.queue_bind(queue, "gd.szcg", key)
        channel.queue_declare("gd.to.cityhub", durable=True)


async def test_a_broadcaster_with_its_own_broker_reads_its_own_xml(ground: Ground) -> None:
    a_broadcaster(ground)
    connection = the_broadcaster(ground)
    await RabbitAdapter(ground.brokers, ground.say).deliver(connection, a_letter())
    with ground.client() as channel:
        taken = fetched(channel, "orders")
    assert taken is not None
    properties, body = taken
    assert "gb18030" in properties.content_type.lower()
    assert f"<CaseNo>{CASE}</CaseNo>".encode() in body and "人行道".encode("gb18030") in body
    assert properties.message_id == a_letter().letter_id


async def test_what_a_broadcaster_says_is_mapped_and_its_queue_is_only_read(ground: Ground) -> None:
    a_broadcaster(ground)
    connection, reception = the_broadcaster(ground), Receives()
    with ground.client() as channel:
        for name in ("acknowledgement", "feedback"):
            body = sample(f"broadcaster_broker/in.case.{name}.xml")
            publish(channel, "", body, key="gd.to.cityhub", content_type="text/xml", message_id=f"gd-{name}")
        publish(channel, "", b"<Reply><State>?</State></Reply>", key="gd.to.cityhub", content_type="text/xml")
    source = RabbitSource(ground.brokers, ground.say, lambda: 1)
    async with running(source.collect(connection, Bookmark(), reception)):
        await until(lambda: len(reception.arrivals) == 3)
        with ground.client() as admin:
            await until(lambda: admin.queue_declare("gd.to.cityhub", passive=True).method.message_count == 0)
    assert reception.ids == ["gd-acknowledgement", "gd-feedback"]
    feedback, poison = reception.arrivals[1].said, reception.arrivals[2].said
    assert isinstance(feedback, Said) and isinstance(feedback.body, Feedback)
    assert feedback.body.description == "光交箱门已修复并上锁"
    assert isinstance(poison, Problem) and poison.kind == "mapping_failed"


async def test_a_letter_that_the_mapping_does_not_take_is_refused_and_names_the_line(ground: Ground) -> None:
    a_broadcaster(ground)
    letter = replace(a_letter(), contract="case.reminder/1.0")
    with pytest.raises(Refused, match=r"case\.reminder"):
        await RabbitAdapter(ground.brokers, ground.say).deliver(the_broadcaster(ground), letter)


async def test_a_broker_inside_the_citys_network_is_reached_only_where_the_settings_allow_it(ground: Ground) -> None:
    careful = Brokers((), NamedSecrets(), OutboundGuard(), "test")
    with pytest.raises(Unauthorised, match="loopback"):
        await RabbitAdapter(careful, ground.say).deliver(the_broadcaster(ground), a_letter())
    profile: dict[str, Any] = {
        "unit": "radio_tv",
        "connections": [
            {
                "name": "broker",
                "transport": "rabbitmq",
                "rabbitmq": {
                    "broker": {"host": "10.1.2.3", "user": "u", "secret": "s", "publish": {"routing_key": "k"}}
                },
            }
        ],
    }
    (entry,) = Profile.model_validate(profile, strict=False).connections
    (fault,) = await ConnectionChecks(OutboundGuard()).faults(entry)
    assert fault.place == ("rabbitmq", "broker", "host") and "private" in fault.en


async def test_a_secret_that_is_not_there_is_named(ground: Ground) -> None:
    connection = the_broadcaster(ground)
    own = {**connection.settings["broker"], "secret": "forgotten"}
    with pytest.raises(Unauthorised, match="forgotten"):
        await RabbitAdapter(ground.brokers, ground.say).deliver(
            replace(connection, settings={**connection.settings, "broker": own}), a_letter()
        )
