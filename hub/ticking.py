"""The hub's own message to itself: time has passed for a case. It enters the intake like any other."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import ClassVar

from contracts.envelope import Message, Mode, Sender
from contracts.messages import Body

HUB = "hub"
"""Who acts where a rule decides and no unit."""


class Tick(Body):
    """Nobody can send it: no door knows its contract."""

    contract: ClassVar[str] = "hub.tick/1.0"
    kind: ClassVar[str] = "hub.tick"


def tick_of(case_id: int, version: int, mode: Mode, now: datetime) -> Message:
    """The tick for a case at a version: the same, however many processes send it."""
    digest = hashlib.sha256(f"hub.tick {case_id} {version}".encode()).digest()
    return Message(
        message_id=f"tick-{case_id}-{version}",
        source="/cityhub/clock",
        contract=Tick.contract,
        sender=Sender(HUB, HUB, HUB),
        body=Tick(),
        keys=(digest[:16],),
        fingerprint=digest,
        received_at=now,
        case_id=case_id,
        mode=mode,
    )
