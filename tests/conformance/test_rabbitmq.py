"""The RabbitMQ adapter meets the suite, over a unit's own broker, and the claims that only a broker can break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from adapters.guard import OutboundGuard
from adapters.rabbitmq.adapter import RabbitAdapter
from adapters.rabbitmq.brokers import Brokers
from adapters.rabbitmq.source import RabbitSource
from contracts.nouns import Receipt
from contracts.port import Unauthorised, Unavailable
from contracts.ways.rabbitmq import names_of
from hub.demo.broker import Broker
from tests.conformance.adapter_suite import AdapterSuite, Behaviour, MovingClock, a_letter
from tests.conformance.rabbit_unit import RabbitUnit, a_rabbit_unit
from tests.values import replace
from tests.ways.conftest import until
from tests.ways.rabbit import LOCAL, Bookmark, Ground, NamedSecrets, Receives, a_connection, a_ground, running
from tests.ways.rabbit import a_letter as a_whole_letter


@pytest.fixture(scope="module")
def partner(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitUnit]:
    """A unit's broker, shared by the claims of this file."""
    with a_rabbit_unit(broker, tmp_path_factory.mktemp("unit")) as unit:
        yield unit


@pytest.fixture
async def adapter(clock: MovingClock, broker: Broker) -> AsyncIterator[RabbitAdapter]:
    """An adapter that may call this machine."""
    secrets = NamedSecrets(right=broker.node.password, wrong="not the password")
    brokers = Brokers((), secrets, OutboundGuard(allow=LOCAL), "test")
    yield RabbitAdapter(brokers, lambda _event, **_fields: None, now=clock)
    await brokers.close()


class TestRabbitMQ(AdapterSuite):
    """The suite over RabbitMQ."""


async def test_a_letter_is_an_event_with_its_attributes_as_headers(broker: Broker) -> None:
    async with a_ground(broker) as ground:
        telecom = a_connection("telecom")
        await ground.grant(telecom)
        letter = a_whole_letter(7)
        await RabbitAdapter(ground.brokers, ground.say).deliver(telecom, letter)
        with ground.client("telecom.main.1") as channel:
            method, properties, body = channel.basic_get(names_of("telecom.main").queue_out)
        assert method is not None and body == letter.body
        assert properties.content_type.startswith("application/cloudevents+json")
        assert properties.delivery_mode == 2
        assert (properties.message_id, properties.correlation_id) == (letter.letter_id, letter.case_number)
        headers = properties.headers
        assert headers["cloudEvents:id"] == letter.letter_id
        assert headers["cloudEvents:subject"] == letter.case_number
        assert headers["cloudEvents:type"] == "case.dispatch"
        assert headers["cloudEvents:basedonversion"] == 3
        assert headers["cloudEvents:traceparent"] == letter.traceparent
        assert not [name for name in headers if "data" in name.removeprefix("cloudEvents:dataschema")]


async def test_without_a_broker_of_the_hubs_the_lane_is_paused_and_says_what_to_set(adapter: RabbitAdapter) -> None:
    with pytest.raises(Unauthorised, match="--rabbitmq"):
        await adapter.deliver(a_connection("telecom"), a_letter())


OUT = names_of("telecom.main").queue_out


async def test_a_queue_that_is_not_there_yet_is_made_for_the_next_try(broker: Broker) -> None:
    async with a_ground(broker) as ground:
        telecom, adapter = a_connection("telecom"), RabbitAdapter(ground.brokers, ground.say)
        with pytest.raises(Unavailable) as failed:
            await adapter.deliver(telecom, a_letter())
        assert not failed.value.in_doubt, "it came back: the unit surely has nothing"
        assert [said["what"] for said in ground.heard("broker.changed")] == [f"+{OUT}"]
        assert (await adapter.deliver(telecom, a_letter())).receipt is Receipt.RECEIVED
        assert not ground.heard("queue.provided_again"), "nobody deleted it"


async def test_a_queue_that_somebody_deleted_is_made_again_and_said(broker: Broker) -> None:
    async with a_ground(broker) as ground:
        await ground.grant(telecom := a_connection("telecom"))
        adapter = RabbitAdapter(ground.brokers, ground.say)
        await adapter.deliver(telecom, a_letter())
        with ground.client() as admin:
            admin.queue_delete(OUT)
        with pytest.raises(Unavailable) as failed:
            await adapter.deliver(telecom, a_letter())
        assert not failed.value.in_doubt, "it came back: the unit surely has nothing"
        assert [said["queue"] for said in ground.heard("queue.provided_again")] == [OUT]
        assert (await adapter.deliver(telecom, a_letter())).receipt is Receipt.RECEIVED


async def test_what_the_hub_reads_is_made_again_by_its_reader_alone(broker: Broker) -> None:
    """There again within milliseconds, a quorum queue would go on handing messages to the consumer of the old one."""
    async with a_ground(broker) as ground:
        await ground.grant(telecom := a_connection("telecom"))
        adapter = RabbitAdapter(ground.brokers, ground.say)
        with ground.client() as admin:
            admin.queue_delete(OUT)
            admin.queue_delete(names_of("telecom.main").queue_in)
        with pytest.raises(Unavailable):
            await adapter.deliver(telecom, a_letter())
        with ground.client() as admin:
            admin.queue_declare(OUT, passive=True)
            with pytest.raises(ChannelClosedByBroker, match="404"):
                admin.queue_declare(names_of("telecom.main").queue_in, passive=True)


async def test_queues_that_went_with_another_profile_are_made_for_the_next_one_without_alarm(broker: Broker) -> None:
    async with a_ground(broker) as ground:
        first, third, fifth = (replace(a_connection("telecom"), profile_version=version) for version in (1, 3, 5))
        await ground.grant(first)
        adapter, source = RabbitAdapter(ground.brokers, ground.say), RabbitSource(ground.brokers, ground.say, lambda: 1)
        await adapter.deliver(first, a_letter())
        async with running(source.collect(first, Bookmark(), Receives())):
            await until(lambda: consumed(ground))
        # The second one and the fourth have the unit fetch its letters: the hub itself takes the queues away.
        await ground.provisioner.reconcile([], [first.connection_id])
        async with running(source.collect(third, Bookmark(), Receives())):
            await until(lambda: consumed(ground))
        await ground.provisioner.reconcile([], [first.connection_id])
        with pytest.raises(Unavailable):
            await adapter.deliver(fifth, a_letter())
        assert (await adapter.deliver(fifth, a_letter())).receipt is Receipt.RECEIVED
        assert not ground.heard("queue.provided_again")


def consumed(ground: Ground) -> bool:
    """Whether somebody reads what the unit says."""
    with ground.client() as admin:
        try:
            found = admin.queue_declare(names_of("telecom.main").queue_in, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            return False
    return bool(found.method.consumer_count)


async def test_a_full_queue_refuses_for_now_and_loses_nothing(broker: Broker) -> None:
    async with a_ground(broker) as ground:
        narrow = a_connection("telecom", limits={"length_max": 10})
        await ground.grant(narrow)
        adapter = RabbitAdapter(ground.brokers, ground.say)
        taken, refused = [], 0
        for serial in range(60):
            try:
                await adapter.deliver(narrow, a_letter(serial))
                taken.append(serial)
            except Unavailable as full:
                assert not full.in_doubt
                refused += 1
        assert refused > 0
        with ground.client("telecom.main.1") as channel:
            found = []
            while (got := channel.basic_get(names_of("telecom.main").queue_out, auto_ack=True))[0] is not None:
                found.append(got[1].message_id)
        assert found == [a_letter(serial).letter_id for serial in taken]


async def test_what_closes_one_lanes_channel_leaves_the_others_letters_alone(
    adapter: RabbitAdapter, partner: RabbitUnit
) -> None:
    good, bad = partner.connection(Behaviour.RECEIVES), partner.connection(Behaviour.IS_GONE)
    outcomes = await asyncio.gather(
        *(adapter.deliver(good, a_letter(serial)) for serial in range(100)),
        *(adapter.deliver(bad, a_letter(serial)) for serial in range(5)),
        return_exceptions=True,
    )
    assert [each for each in outcomes[:100] if isinstance(each, BaseException)] == []
    assert all(isinstance(each, Unauthorised) for each in outcomes[100:])
