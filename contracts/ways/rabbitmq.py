"""RabbitMQ: the hub's broker with a user and queues for the unit, or a broker that the unit runs itself."""

from __future__ import annotations

from enum import StrEnum

from contracts.model import Model


class QueueKind(StrEnum):
    """What kind of queues the unit has on the hub's broker."""

    QUORUM = "quorum"
    CLASSIC = "classic"


class RabbitSettings(Model):
    """Which broker, which queues."""

    queues: QueueKind = QueueKind.QUORUM
