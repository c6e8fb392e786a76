"""RabbitMQ: the hub's broker with a user and queues for the unit, or a broker that the unit runs itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.model import Code, Line, Model, Optionally, RuleBroken
from contracts.ways.http import SecretName

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]
BrokerName = Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,198}[!-~])?$")]
"""A name on a broker: a vhost, an exchange, a queue, a routing key."""

AMQP_PORT, AMQPS_PORT = 5672, 5671


class QueueKind(StrEnum):
    """What kind of queues the unit has on the hub's broker."""

    QUORUM = "quorum"
    CLASSIC = "classic"


class QueueLimits(Model):
    """What a queue holds at the most, and for how long. What a full queue does not take, its sender keeps."""

    length_max: Annotated[int, Field(ge=10, le=10_000_000)] = 100_000
    bytes_max: Annotated[int, Field(ge=1_000_000, le=100_000_000_000)] = 500_000_000
    ttl_seconds: Optionally[Annotated[int, Field(ge=60, le=31_536_000)]] = None
    delivery_limit: Annotated[int, Field(ge=2, le=1000)] = 20


class PublishRoute(Model):
    """Letters of one contract go elsewhere than the others."""

    contract: Code
    routing_key: BrokerName
    exchange: Optionally[BrokerName] = None


class PublishTarget(Model):
    """Where the unit's broker takes letters. Without an exchange the routing key is a queue's name."""

    routing_key: BrokerName
    exchange: Optionally[BrokerName] = None
    routes: Annotated[tuple[PublishRoute, ...], Field(max_length=40)] = ()


class OwnBroker(Model):
    """A broker that the unit runs: the hub connects out to it. Private addresses only where the settings allow them."""

    host: HostName
    port: Optionally[Annotated[int, Field(ge=1, le=65_535)]] = None
    tls: bool = True
    vhost: BrokerName = "/"
    user: Line
    secret: SecretName
    authority: Optionally[SecretName] = None
    publish: Optionally[PublishTarget] = None
    consume: Optionally[BrokerName] = None

    @model_validator(mode="after")
    def _does_something(self) -> OwnBroker:
        if self.publish is None and self.consume is None:
            raise RuleBroken(
                "单位自己的消息服务器须有 publish 或 consume", "a broker of the unit's own has publish, consume or both"
            )
        return self


class RabbitSettings(Model):
    """Which broker, which queues. ``prefetch`` is how many of the unit's messages the hub holds unanswered."""

    queues: QueueKind = QueueKind.QUORUM
    limits: QueueLimits = QueueLimits()
    prefetch: Annotated[int, Field(ge=1, le=2000)] = 200
    broker: Optionally[OwnBroker] = None

    @model_validator(mode="after")
    def _says_one_broker(self) -> RabbitSettings:
        if self.broker is not None and (self.queues is not QueueKind.QUORUM or self.limits != QueueLimits()):
            raise RuleBroken(
                "queues 和 limits 属于枢纽的消息服务器,单位自己的消息服务器不用它们",
                "queues and limits are of the hub's broker: a unit's own broker has its own",
            )
        return self


@dataclass(frozen=True, slots=True)
class BrokerNames:
    """What a connection has on the hub's broker: it writes to ``exchange_in`` and reads ``queue_out``, nothing else."""

    exchange_in: str
    queue_in: str
    queue_out: str
    queue_dead: str


PREFIX = "cityhub."
"""What the hub made on its broker begins so; it looks at, and deletes, nothing else."""


def names_of(connection_id: str) -> BrokerNames:
    """The names of a connection's exchange and queues. Permissions go by name alone, so no two are alike."""
    base = PREFIX + connection_id
    return BrokerNames(f"{base}.in", f"{base}.inbox", f"{base}.out", f"{base}.dead")


def user_of(connection_id: str, version: int) -> str:
    """The connection's user; each version of its password is a user of its own, so that one follows without a gap."""
    return f"{connection_id}.{version}"
