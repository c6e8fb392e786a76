"""Every dispatch with its unit's own time and how it stands to its deadline (处置计时). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.city import Directory, TimeUnit
from hub.cases import Entry
from hub.clocks.told import Draft, Ending, ProofJudged, Return, Standing, tell
from hub.deadlines import moved
from hub.facts import Fault
from hub.lateness import Delivery
from hub.spans import Span, measured, merged, put_off, time_unit, without


@dataclass(frozen=True, slots=True)
class Record:
    """One dispatch and what became of it. Each round of rework is a record of its own; one insisted on stays one.

    ``spent`` is the unit's own time and ``limit`` what it had, both in ``time``; ``elapsed`` is ``spent`` and what was
    not the unit's: ``stood`` (suspended, rightly disputed), ``lost_by_hub``, ``lost_by_network``. ``platform`` and
    ``name`` are of a department's part: whose it is, and what its platform calls it.
    """

    unit_id: str
    number: int
    round: int
    duty: str
    tier: str
    time: TimeUnit
    dispatched_at: datetime
    due_at: datetime
    allowed_until: datetime
    ending: Ending
    spent: timedelta
    stood: timedelta
    lost_by_hub: timedelta
    lost_by_network: timedelta
    limit: timedelta
    acknowledge_by: datetime | None = None
    acknowledged_at: datetime | None = None
    ended_at: datetime | None = None
    known_at: datetime | None = None
    second: bool = False
    substitute: bool = False
    insisted: bool = False
    returns: tuple[Return, ...] = ()
    late_proof: ProofJudged | None = None
    passed: bool | None = None
    verified_at: datetime | None = None
    platform: str | None = None
    name: str | None = None

    @property
    def elapsed(self) -> timedelta:
        """Everything between dispatch and end, in the tier's kind of time."""
        return self.spent + self.stood + self.lost_by_hub + self.lost_by_network

    @property
    def founded_return(self) -> bool:
        """Whether it was rightly sent back: it should not have gone to this unit."""
        return any(each.founded for each in self.returns)

    def standing(self, at: datetime) -> Standing:
        """How it stood to its deadline at a moment, by what is known of it."""
        if self.ending is Ending.VOIDED or self.ending is Ending.RETURNED:
            return Standing.OFF
        ended = self.ended_at
        if ended is not None and ended <= at:
            if self.ending is Ending.ANSWERED:
                return Standing.IN_TIME if ended <= self.allowed_until else Standing.LATE
            # Taken away in time it is nobody's fault; after its time it stays unhandled.
            return Standing.OVERDUE if ended > self.allowed_until else Standing.OFF
        return Standing.OVERDUE if at > self.allowed_until else Standing.RUNNING


def records(
    log: Sequence[Entry], directory: Directory, now: datetime, delivery: Delivery | None = None
) -> tuple[Record, ...]:
    """Every dispatch of a case, in the order of its dispatching, as of ``now``.

    ``delivery`` tells of the last dispatch to a lead how it reached its unit, for a case that is still live.
    """
    told = tell(log, now, delivery)
    return tuple(_record(draft, directory, told.until) for draft in told.drafts)


def _record(draft: Draft, directory: Directory, now: datetime) -> Record:
    until = draft.over_at or now
    stood = draft.stood(until)
    hub, network = (draft.lost_to(fault, until) for fault in (Fault.HUB, Fault.NETWORK))
    due = draft.due_at
    if draft.suspended_since is not None:
        # While it is suspended its deadline recedes with time.
        due = moved(directory, draft.tier, due, draft.suspended_since, until)
    lost = measured(directory, draft.tier, merged((*hub, *network)))
    whole = Span(draft.dispatched_at, until)
    return Record(
        unit_id=draft.unit_id,
        number=draft.number,
        round=draft.round,
        duty=draft.duty,
        tier=draft.tier,
        time=time_unit(directory, draft.tier),
        dispatched_at=draft.dispatched_at,
        due_at=due,
        allowed_until=put_off(directory, draft.tier, due, lost),
        ending=draft.ending,
        spent=measured(directory, draft.tier, without((whole,), (*stood, *hub, *network))),
        stood=measured(directory, draft.tier, stood),
        lost_by_hub=measured(directory, draft.tier, hub),
        lost_by_network=measured(directory, draft.tier, network),
        limit=measured(
            directory, draft.tier, without((Span(draft.dispatched_at, max(due, draft.dispatched_at)),), stood)
        ),
        acknowledge_by=draft.acknowledge_by,
        acknowledged_at=draft.acknowledged_at,
        ended_at=draft.over_at,
        known_at=draft.ended_at,
        second=draft.second,
        substitute=draft.substitute,
        insisted=draft.insisted,
        returns=tuple(draft.returns),
        late_proof=draft.late_proof,
        passed=draft.passed,
        verified_at=draft.verified_at,
        platform=draft.platform,
        name=draft.name,
    )
