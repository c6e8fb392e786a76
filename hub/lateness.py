"""Whose fault a late answer is: the hub's or the network's time is not the unit's, and a late proof may count. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.facts import Fault, LateProof, Lost


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a dispatch reached its unit, in city time. ``cut_off``: from the first try that met no answer, if one did."""

    written_at: datetime
    tried_at: datetime | None = None
    cut_off_at: datetime | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A time over which the hub had marked a connection as cut off; ``until`` is None while it is."""

    connection_id: str
    since: datetime
    until: datetime | None = None


GRACE = timedelta(minutes=1)
"""What delivery always takes; less is not told."""


def lost_time(delivery: Delivery | None, now: datetime, had_at: datetime | None = None) -> tuple[Lost, ...]:
    """What the hub and the network lost of the unit's time before it had the dispatch.

    ``had_at`` is when it acknowledged: then it had the dispatch, however the letter fared.
    """
    if delivery is None:
        return ()
    lost = []
    last = now if had_at is None else min(now, had_at)
    tried = min(delivery.tried_at or last, last)
    if tried - delivery.written_at > GRACE:
        lost.append(Lost(Fault.HUB, delivery.written_at, tried))
    if delivery.cut_off_at is not None:
        until = min(delivery.received_at or last, last)
        if until - delivery.cut_off_at > GRACE:
            lost.append(Lost(Fault.NETWORK, delivery.cut_off_at, until))
    return tuple(lost)


def late_proof(
    effective_at: datetime | None, due_at: datetime, now: datetime, outages: Sequence[Outage], hours: float
) -> LateProof | None:
    """Whether an answer that came after its time counts as of the sender's own (补传).

    The sender's time is before the deadline, the hub had marked its connection as cut off over that moment, and the
    answer came within so many hours of the connection's return.
    """
    if effective_at is None or effective_at > due_at:
        return None
    for outage in outages:
        back = outage.until or now
        if outage.since <= effective_at <= back and now - back <= timedelta(hours=hours):
            return LateProof(outage.connection_id, outage.since, outage.until)
    return None
