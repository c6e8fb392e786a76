"""What a unit's own books say of its month (台账): counted by the actors as they act, never read from the hub's log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """One unit's month. Drills are not in it.

    ``dispatched`` orders to lead, rework and what was insisted on not counted again; ``second_dispatched`` those of
    them that another unit had before. ``in_time`` and ``late`` are answers against the deadline that the unit knew,
    each round of rework for itself; ``in_time`` includes ``late_proofs``, which counted as of their own time.
    """

    dispatched: int = 0
    second_dispatched: int = 0
    acknowledged_late: int = 0
    in_time: int = 0
    late: int = 0
    late_proofs: int = 0
    returned_founded: int = 0
    returned_unfounded: int = 0
    rework: int = 0
    extensions: int = 0
    suspensions: int = 0
    disputes: int = 0
    reminded: int = 0
