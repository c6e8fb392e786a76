"""Claims on the hub's broker, with a real one: each unit has a place there, and nothing of another's."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pika
import pytest
import pytest_asyncio

from adapters.rabbitmq.adapter import RabbitAdapter
from contracts.nouns import Connection
from contracts.port import BrokerGrant
from contracts.ways.rabbitmq import names_of
from hub.demo.broker import Broker
from tests.ways.conftest import until
from tests.ways.rabbit import Ground, a_connection, a_ground, a_letter, an_event, fetched, publish

pytestmark = pytest.mark.way

TELECOM, MOBILE = a_connection("telecom"), a_connection("mobile")
OURS, THEIRS = names_of("telecom.main"), names_of("mobile.main")


@pytest_asyncio.fixture
async def ground(broker: Broker) -> AsyncIterator[Ground]:
    async with a_ground(broker) as made:
        yield made


def grants(*connections: Connection, password: str = "secret-of-the-unit") -> list[BrokerGrant]:
    return [
        BrokerGrant(each.connection_id, each.settings, ((f"{each.connection_id}.1", password),)) for each in connections
    ]


async def test_a_unit_reads_its_own_queue_and_writes_to_its_own_exchange(ground: Ground) -> None:
    await ground.grant(TELECOM, MOBILE)
    adapter = RabbitAdapter(ground.brokers, ground.say)
    await adapter.deliver(TELECOM, a_letter())
    with ground.client("telecom.main.1") as channel:
        properties, body = fetched(channel, OURS.queue_out)
        assert (properties.message_id, body) == (a_letter().letter_id, a_letter().body)
        channel.confirm_delivery()
        publish(channel, OURS.exchange_in, an_event(), key="anything at all")
    with ground.client() as admin:
        assert fetched(admin, OURS.queue_in) is not None
        assert fetched(admin, THEIRS.queue_in) is None


async def test_the_time_that_letters_may_lie_holds_for_the_out_queue_alone(ground: Ground) -> None:
    await ground.grant(a_connection("telecom", limits={"ttl_seconds": 60}))
    told = json.loads(await ground.broker.ctl("-p", ground.vhost, "list_policies", "--formatter", "json"))
    times = {json.loads(each["definition"]).get("message-ttl") for each in told if _covers(each, OURS.queue_out)}
    assert times == {60_000}
    others = [each for each in told if _covers(each, OURS.queue_in) or _covers(each, OURS.queue_dead)]
    assert others and all("message-ttl" not in each["definition"] for each in others)


def _covers(policy: dict[str, Any], queue: str) -> bool:
    return re.search(policy["pattern"], queue) is not None


TRESPASSES: dict[str, Any] = {
    "reads another's letters": lambda channel: channel.basic_get(THEIRS.queue_out),
    "reads what another said": lambda channel: channel.basic_get(THEIRS.queue_in),
    "reads its own in queue": lambda channel: channel.basic_get(OURS.queue_in),
    "reads the dead letters": lambda channel: channel.basic_get(OURS.queue_dead),
    "empties its out queue": lambda channel: channel.queue_delete(OURS.queue_out),
    "writes as another": lambda channel: publish(channel, THEIRS.exchange_in, b"{}"),
    "writes into another's out queue": lambda channel: publish(channel, "", b"{}", key=THEIRS.queue_out),
    "writes through the default exchange": lambda channel: publish(channel, "", b"{}", key=OURS.queue_in),
    "makes a queue": lambda channel: channel.queue_declare("mine"),
    "makes an exchange": lambda channel: channel.exchange_declare("mine"),
    "binds its queue elsewhere": lambda channel: channel.queue_bind(OURS.queue_out, THEIRS.exchange_in, ""),
}


@pytest.mark.parametrize("trespass", TRESPASSES)
async def test_a_unit_can_do_nothing_else(ground: Ground, trespass: str) -> None:
    await ground.grant(TELECOM, MOBILE)
    with ground.client("telecom.main.1") as channel:
        channel.confirm_delivery()
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            TRESPASSES[trespass](channel)
        assert refused.value.reply_code == 403


async def test_seen_to_again_nothing_changes(ground: Ground) -> None:
    assert await ground.grant(TELECOM, MOBILE) != []
    assert await ground.grant(TELECOM, MOBILE) == []


async def test_what_somebody_deleted_or_changed_is_mended(ground: Ground) -> None:
    await ground.grant(TELECOM)
    with ground.client() as admin:
        admin.queue_delete(OURS.queue_in)
    await ground.management.put_permissions("telecom.main.1", ".*", ".*", ".*")
    (limits, dead) = sorted(await ground.management.policies())
    await ground.management.delete_policy(limits)
    await until(lambda: _missing_from_the_list(ground))
    changed = await ground.grant(TELECOM)
    assert f"+{OURS.queue_in}" in changed and "~permissions telecom.main.1" in changed
    assert f"+policy {limits}" in changed and f"+policy {dead}" not in changed
    assert await ground.grant(TELECOM) == []


async def _missing_from_the_list(ground: Ground) -> bool:
    return OURS.queue_in not in await ground.management.queues()


async def test_a_changed_limit_is_in_force_without_a_new_queue(ground: Ground) -> None:
    await ground.grant(TELECOM)
    tight = a_connection("telecom", limits={"length_max": 10})
    assert all("policy" in change for change in await ground.grant(tight))
    assert len(await ground.management.policies()) == 2, "the ones before are gone"
    with ground.client() as admin:
        admin.confirm_delivery()

        def is_full() -> bool:
            try:
                publish(admin, "", b"{}", key=OURS.queue_out)
            except pika.exceptions.NackError:
                return True
            return False

        for _ in range(40):
            if is_full():
                break
        assert is_full(), "a full queue says no, and drops nothing"


async def test_units_with_the_same_limits_share_their_policies(ground: Ground) -> None:
    await ground.grant(TELECOM, MOBILE, a_connection("unicom", limits={"length_max": 500}))
    assert len(await ground.management.policies()) == 4


async def test_a_new_password_is_a_new_user_and_the_old_one_goes_with_its_time(ground: Ground) -> None:
    first, second = ("telecom.main.1", "old"), ("telecom.main.2", "new")
    for users in ((first,), (second, first), (second,)):
        await ground.provisioner.reconcile([BrokerGrant("telecom.main", TELECOM.settings, users)], ())
        for name, password in users:
            with ground.client(name, password) as channel:
                channel.basic_get(OURS.queue_out)
    with pytest.raises(pika.exceptions.AMQPConnectionError), ground.client(*first):
        pass


async def test_a_retired_unit_is_gone_at_once_and_what_it_said_is_not(ground: Ground) -> None:
    await ground.grant(TELECOM, MOBILE)
    with ground.client("telecom.main.1") as channel:
        channel.confirm_delivery()
        publish(channel, OURS.exchange_in, an_event())
        await until(lambda: _held(ground, OURS.queue_in))
        await ground.provisioner.reconcile(grants(MOBILE), ["telecom.main"])
        with pytest.raises(pika.exceptions.AMQPError):
            channel.basic_get(OURS.queue_out)
            channel.connection.process_data_events(time_limit=5)
    queues = await ground.management.queues()
    assert OURS.queue_out not in queues and OURS.exchange_in not in await ground.management.exchanges()
    assert OURS.queue_in in queues, "a message that nobody has read yet"
    with ground.client() as admin:
        assert fetched(admin, OURS.queue_in) is not None
    with ground.client("mobile.main.1") as channel:
        channel.basic_get(THEIRS.queue_out)


async def _held(ground: Ground, queue: str) -> bool:
    return bool((await ground.management.queues()).get(queue))


async def test_what_is_not_the_hubs_is_left_alone(ground: Ground) -> None:
    with ground.client() as admin:
        admin.queue_declare("cityhub.other.main.out", durable=True)
        admin.queue_declare("somebody's", durable=True)
    await ground.grant(TELECOM)
    await ground.provisioner.reconcile([], ["telecom.main"])
    queues = await ground.management.queues()
    assert {"cityhub.other.main.out", "somebody's"} <= set(queues)


async def test_a_queue_of_another_kind_is_told_and_holds_up_no_other(ground: Ground) -> None:
    await ground.grant(TELECOM)
    await until(lambda: _listed(ground, OURS.queue_out))
    with ground.client() as admin:
        admin.exchange_delete(OURS.exchange_in)
    changed_kind = a_connection("telecom", queues="classic")
    changes = await ground.provisioner.reconcile(grants(changed_kind, MOBILE), ())
    (failed,) = [change for change in changes if change.failed]
    assert failed.connection_id == "telecom.main" and "delete it once it is empty" in failed.what
    assert THEIRS.queue_out in await ground.management.queues()


async def _listed(ground: Ground, queue: str) -> bool:
    return queue in await ground.management.queues()
