"""What a connection has on the hub's broker: its queues and its exchange, as the settings of its profile say. Pure,
but for ``declare``, which makes what is missing, and ``consumers``, which counts who reads.

The out queue is the unit's to read; what it will not take or lets expire goes to the dead queue. What the unit writes
to the exchange lands in the in queue, whatever its routing key; what the hub fails at again and again goes to the dead
queue too. Limits are policies, as they change; what never changes is the queues' own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pika.channel import Channel

from adapters.rabbitmq.faults import channel_closed
from adapters.rabbitmq.link import Link
from contracts.port import Unavailable
from contracts.ways.rabbitmq import BrokerNames, QueueKind, QueueLimits, names_of

DECLARE_SECONDS = 10.0
EXCHANGE_TYPE = "fanout"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it is declared, and the policy that limits it."""

    name: str
    arguments: Mapping[str, Any]
    policy: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything of one connection."""

    names: BrokerNames
    queues: tuple[Queue, ...] = field(default=())


def topology_of(connection_id: str, settings: Mapping[str, Any]) -> Topology:
    """What a connection with these settings (a profile's ``rabbitmq`` section) must have."""
    names = names_of(connection_id)
    kind = QueueKind(settings.get("queues", QueueKind.QUORUM))
    limits = QueueLimits.model_validate(settings.get("limits", {}))
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": names.queue_dead}
    policy = _policy(kind, limits)
    if limits.ttl_seconds is None:
        out = into = policy
    else:
        out, into = {**policy, "message-ttl": limits.ttl_seconds * 1000}, policy
    own = {"x-queue-type": kind.value}
    return Topology(
        names,
        (
            Queue(names.queue_dead, own, {key: policy[key] for key in ("max-length", "max-length-bytes", "overflow")}),
            Queue(names.queue_out, {**own, **dead}, out),
            Queue(names.queue_in, {**own, **dead}, into),
        ),
    )


def _policy(kind: QueueKind, limits: QueueLimits) -> dict[str, Any]:
    made: dict[str, Any] = {
        "max-length": limits.length_max,
        "max-length-bytes": limits.bytes_max,
        # A full queue says no, and the sender keeps what it has: dropping the oldest would break the order of cases.
        "overflow": "reject-publish",
    }
    if kind is QueueKind.QUORUM:
        made |= {"delivery-limit": limits.delivery_limit, "dead-letter-strategy": "at-least-once"}
    return made


async def declare(link: Link, topology: Topology, *, out: bool = True, into: bool = True) -> None:
    """Make what is missing; what is there stays. Raises ``Unauthorised`` where it is there with other settings.

    ``out`` is what letters go to, ``into`` where the unit's messages and dead letters lie. A queue that is read is made
    again only by its reader, once it knows that it was deleted: a quorum queue that is there again within milliseconds
    keeps the old consumer and what it hands to it is lost on the way until that channel ends (RabbitMQ 3.10).
    """
    channel = await link.channel()
    names = topology.names
    sides = {names.queue_out: out, names.queue_in: into, names.queue_dead: into}
    try:
        for queue in topology.queues:
            if sides[queue.name]:
                await _done(
                    channel,
                    lambda said, queue=queue: channel.queue_declare(  # type: ignore[misc]
                        queue.name, durable=True, arguments=dict(queue.arguments), callback=said
                    ),
                )
        if not into:
            return
        await _done(
            channel,
            lambda said: channel.exchange_declare(names.exchange_in, EXCHANGE_TYPE, durable=True, callback=said),
        )
        await _done(channel, lambda said: channel.queue_bind(names.queue_in, names.exchange_in, "", callback=said))
    finally:
        if channel.is_open:
            channel.close()


async def consumers(link: Link, queues: Iterable[str]) -> list[int]:
    """How many read each of these queues. Raises ``Missing`` where one is not there."""
    channel = await link.channel()
    try:
        found = [
            await _done(channel, lambda said, queue=queue: channel.queue_declare(queue, passive=True, callback=said))  # type: ignore[misc]
            for queue in queues
        ]
    finally:
        if channel.is_open:
            channel.close()
    return [each.method.consumer_count for each in found]


async def _done(channel: Channel, call: Callable[[Callable[[Any], None]], Any]) -> Any:
    """What the broker answers to a call."""
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def closed(_channel: Channel, why: BaseException) -> None:
        if not done.done():
            done.set_exception(channel_closed(why))

    channel.add_on_close_callback(closed)
    call(lambda said: None if done.done() else done.set_result(said))
    try:
        async with asyncio.timeout(DECLARE_SECONDS):
            return await done
    except TimeoutError:
        raise Unavailable("消息服务器没有应答 / the broker does not answer") from None
