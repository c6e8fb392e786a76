"""Whose fault a late answer is: the hub's or the network's time is not the unit's, and a late proof may count. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.facts import Fault, LateProof, Lost
from hub.spans import Span, without


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a dispatch reached its unit, in city time. ``cut_off``: from the first try that met no answer, if one did.

    ``rests`` are times in which the unit took no letters by its own profile.
    """

    written_at: datetime
    tried_at: datetime | None = None
    cut_off_at: datetime | None = None
    received_at: datetime | None = None
    rests: tuple[Span, ...] = ()


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

    ``had_at`` is when it acknowledged: then it had the dispatch, however the letter fared. A wait that the unit itself
    asked for (its maintenance window, its calendar) is neither's.
    """
    if delivery is None:
        return ()
    last = now if had_at is None else min(now, had_at)
    spent = [(Fault.HUB, delivery.written_at, min(delivery.tried_at or last, last))]
    if delivery.cut_off_at is not None:
        spent.append((Fault.NETWORK, delivery.cut_off_at, min(delivery.received_at or last, last)))
    return tuple(
        Lost(fault, span.since, span.until)
        for fault, since, until in spent
        if since < until
        for span in without([Span(since, until)], delivery.rests)
        if span.until - span.since > GRACE
    )


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
