"""A case as its entries say it, and an entry of its log. Pure values; ``hub.history`` makes the one of the others."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from contracts.bends import Level
from contracts.envelope import Mode
from hub.facts import (
    Fact,
    LateProof,
    Order,
    Question,
    Reported,
    Wait,
)
from hub.life_cycle import OVER, State, Step
from hub.spans import Span


class Entry(Struct, frozen=True, omit_defaults=True):
    """One step of a case, for ever: who, by which connection and message, when by both clocks, and what.

    ``effective_at`` is when it was so by the sender's clock, ``known_at`` when the hub knew, both city time.
    ``audience`` are the units, besides the command centre, that may read it.
    """

    case_id: int
    sequence: int
    step: Step
    state: State
    mode: Mode
    unit_id: str
    connection_id: str
    effective_at: datetime
    known_at: datetime
    directory_version: int
    fact: Fact
    audience: tuple[str, ...]
    actor: str | None = None
    on_behalf_of: str | None = None
    message_key: bytes | None = None
    message_digest: bytes | None = None
    personal_id: str | None = None
    traceparent: str | None = None
    position: int | None = None


class Dispatch(Struct, frozen=True, omit_defaults=True):
    """A dispatch and what became of it; overdue is a fact about it, never a state. ``moved_to`` is a later deadline.

    ``stood`` is when the unit's clock rightly stood: the deadline has moved by it already. ``granted``: the deadline is
    a date that the command centre granted (延期).
    """

    order: Order
    acknowledged_at: datetime | None = None
    returned_at: datetime | None = None
    recalled_at: datetime | None = None
    answered_at: datetime | None = None
    moved_to: datetime | None = None
    acknowledge_moved_to: datetime | None = None
    stood: tuple[Span, ...] = ()
    granted: bool = False

    @property
    def due_at(self) -> datetime:
        """Until when it must be handled, by now."""
        return self.moved_to or self.order.due_at

    @property
    def acknowledge_by(self) -> datetime:
        """Until when it must be acknowledged, by now."""
        return self.acknowledge_moved_to or self.order.acknowledge_by

    @property
    def over(self) -> bool:
        """Whether the unit gave it back or had it taken away."""
        return self.returned_at is not None or self.recalled_at is not None


class Pending(Struct, frozen=True, omit_defaults=True):
    """A question that the command centre has not decided yet."""

    question: Question
    unit_id: str
    asked_at: datetime
    until: datetime | None = None


class Suspension(Struct, frozen=True, omit_defaults=True):
    """The case is suspended (挂账): its clock stands since, to be reviewed on a date."""

    since: datetime
    review_at: datetime


class Coordination(Struct, frozen=True, omit_defaults=True):
    """The coordination under way: which level, who leads it, since when and until when.

    ``substitute``: every level has tried, and its leader is to organise substitute handling (代整改).
    """

    level: str
    coordinator: str
    since: datetime
    due_at: datetime
    substitute: bool = False


class SubDispatch(Struct, frozen=True, omit_defaults=True):
    """A department's part, as its platform last told it."""

    department: str
    status: str
    at: datetime
    due_at: datetime | None = None


class Warning(Struct, frozen=True, omit_defaults=True):
    """How loudly whom was reminded of a deadline: 1 due soon, 2 overdue, 3 supervision."""

    wait: Wait
    due_at: datetime
    level: int
    unit_id: str = ""

    def of(self, wait: Wait, unit_id: str) -> bool:
        """Whether it was of this; several units may assist at once, everything else has one whom it waits for."""
        return self.wait is wait and (wait is not Wait.ASSISTANCE or self.unit_id == unit_id)


class Case(Struct, frozen=True, omit_defaults=True):
    """One problem from report to evaluation. ``version`` is the number of its entries."""

    case_id: int
    case_number: str
    version: int
    state: State
    mode: Mode
    reported: Reported
    reported_by: str
    registered_at: datetime
    changed_at: datetime
    since: datetime
    dispatch_by: datetime | None = None
    dispatches: tuple[Dispatch, ...] = ()
    assists: tuple[Dispatch, ...] = ()
    candidates: tuple[str, ...] = ()
    returns: int = 0
    coordination: Coordination | None = None
    last_level: str | None = None
    pending: tuple[Pending, ...] = ()
    extensions: int = 0
    suspension: Suspension | None = None
    sub_dispatches: tuple[SubDispatch, ...] = ()
    warnings: tuple[Warning, ...] = ()
    verifier: str | None = None
    verify_by: datetime | None = None
    verifications: int = 0
    failed_verifications: int = 0
    answer: str | None = None
    photos_after: tuple[str, ...] = ()
    late_proof: LateProof | None = None
    late_proof_accepted: bool | None = None
    duplicate_of: str | None = None
    closed_at: datetime | None = None
    standing: tuple[str, ...] = ()
    letter_counts: tuple[tuple[str, int], ...] = ()
    traceparent: str | None = None

    @property
    def lead(self) -> Dispatch | None:
        """The dispatch in force: the last one, unless it was returned or recalled."""
        if not self.dispatches or self.dispatches[-1].over:
            return None
        return self.dispatches[-1]

    @property
    def lead_unit_id(self) -> str | None:
        """The unit that leads, where one does."""
        lead = self.lead
        return lead.order.unit_id if lead else None

    @property
    def due_at(self) -> datetime | None:
        """Until when the lead unit must have handled it; None while nobody has it and while its clock stands."""
        lead = self.lead
        return lead.due_at if lead and self.state not in OVER and self.suspension is None else None

    def assisting(self, unit_id: str) -> Dispatch | None:
        """The unit's assisting dispatch that is still open."""
        for each in self.assists:
            if each.order.unit_id == unit_id and not each.over and each.answered_at is None:
                return each
        return None

    def pending_question(self, question: Question) -> Pending | None:
        """A question that waits for the command centre."""
        return next((each for each in self.pending if each.question is question), None)

    @property
    def watchers(self) -> frozenset[str]:
        """The units, besides the command centre, that see what happens now: those who stand by the case (its reporter,
        who governs its area), the units that have or last had it, who coordinates, and the one asked to verify."""
        seen = set(self.standing)
        if self.dispatches:
            seen.add(self.dispatches[-1].order.unit_id)
        seen.update(each.order.unit_id for each in self.assists)
        if self.coordination and self.coordination.level != Level.COMMAND_CENTER:
            seen.add(self.coordination.coordinator)
        if self.verifier:
            seen.add(self.verifier)
        return frozenset(seen)

    @property
    def urgent(self) -> bool:
        """Tier A: its letters go before the backlog."""
        return self.reported.tier == "A"
