"""Reading for people and partners: cases, entries, letters, the change feed, photos. Dataclasses come out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.envelope import Mode
from contracts.nouns import Letter
from hub.case_numbers import number_of
from hub.cases import Case, Entry
from hub.codec import case_from, fact_from
from hub.letters import WaitingLetter
from hub.life_cycle import State, Step
from hub.store.lanes import waiting
from hub.store.pool import Pool
from hub.store.sql import statements

SQL = statements("reading")

NO_BOUND = 2**62


@dataclass(frozen=True, slots=True)
class SeenCase:
    """A case as somebody may see it; ``until_position`` where their sight ended."""

    case: Case
    sees: bool
    until_position: int | None = None


@dataclass(frozen=True, slots=True)
class LogBounds:
    """The newest position; the one from which nothing is missing; and below which dropped months have left gaps."""

    newest: int
    whole_after: int
    floor: int


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases to list; None means any."""

    states: tuple[State, ...] | None = None
    lead_unit_id: str | None = None
    area_id: str | None = None
    category_code: str | None = None
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A letter and what became of it."""

    letter: Letter
    outcome: str | None
    status: int | None
    attempts: int
    ended_at: datetime | None
    said: str | None
    retry_at: datetime | None
    buried_at: datetime | None
    held_because: str | None
    is_held: bool

    @property
    def state(self) -> str:
        """waiting, held, dead, delivered, refused or cancelled."""
        if self.buried_at is not None:
            return "dead"
        if self.is_held:
            return "held"
        return {"received": "delivered", "processed": "delivered"}.get(self.outcome or "", self.outcome or "waiting")


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try at a letter, with the answer."""

    attempt: int
    outcome: str
    status: int | None
    digest: bytes
    answer: bytes
    reason: str
    taken_at: datetime
    sent_at: datetime
    ended_at: datetime
    holder: str


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane as an operator sees it. ``waiting`` is counted up to a bound."""

    connection_id: str
    unit_id: str
    breaker: str
    paused_at: datetime | None
    paused_reason: str | None
    running: bool
    waiting: int
    held: int
    dead: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class BacklogRow:
    """What one unit has in hand."""

    unit_id: str
    open: int
    late: int
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """A photo: who sent it, what it is."""

    attachment_id: str
    unit_id: str
    sha256: bytes
    media_type: str
    size_bytes: int
    width: int | None
    height: int | None
    stored_at: datetime | None = None


async def case(pool: Pool, case_id: int, unit_id: str | None) -> SeenCase | None:
    """A case; ``unit_id`` None sees everything. ``sees`` is false where the unit never saw it."""
    row = await pool.fetchrow(SQL["case"], case_id, unit_id or "")
    if row is None:
        return None
    sees = unit_id is None or row["from_position"] is not None
    return SeenCase(case_from(row["body"]), sees, row["until_position"] if unit_id else None)


async def cases(pool: Pool, unit_id: str | None, wanted: CaseFilter, before: int | None, limit: int) -> list[SeenCase]:
    """Cases newest first, before a case id."""
    values: list[Any] = [
        before or NO_BOUND,
        list(wanted.states) if wanted.states is not None else None,
        wanted.lead_unit_id,
        wanted.area_id,
        wanted.category_code,
        wanted.mode,
        limit,
    ]
    if unit_id is None:
        return [SeenCase(case_from(row["body"]), True) for row in await pool.fetch(SQL["cases_all"], *values)]
    rows = await pool.fetch(SQL["cases_seen"], *values, unit_id)
    return [SeenCase(case_from(row["body"]), True, row["until_position"]) for row in rows]


async def entries(pool: Pool, case_id: int, unit_id: str | None, after: int, limit: int) -> list[Entry]:
    """The log of a case after a sequence; a unit gets its own part."""
    return [_entry(row) for row in await pool.fetch(SQL["entries"], case_id, after, unit_id, limit)]


async def whole_log(pool: Pool, case_id: int, until_position: int | None = None) -> list[Entry]:
    """Every entry of a case, in order, or those up to the position at which somebody's sight ended."""
    log: list[Entry] = []
    while len(page := await entries(pool, case_id, None, log[-1].sequence if log else 0, 1000)) > 0:
        log += page
    return [entry for entry in log if until_position is None or (entry.position or 0) <= until_position]


async def changes(
    pool: Pool, after: int, unit_id: str | None, *, limit: int, scan: int
) -> tuple[list[Entry], int, bool]:
    """Entries after a position in commit order: (entries, how far it looked, whether there may be more).

    Looks at most ``scan`` entries ahead, so a page costs the same however little of the log is the caller's.
    """
    async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        ahead = await conn.fetchrow(SQL["scanned"], after, scan)
        assert ahead is not None
        if ahead["reached"] is None:
            return [], after, False
        rows = await conn.fetch(SQL["changes"], after, ahead["reached"], unit_id, limit)
    found = [_entry(row) for row in rows]
    if len(found) == limit:
        return found, found[-1].position or after, True
    return found, ahead["reached"], ahead["entries"] == scan


async def log_bounds(pool: Pool) -> LogBounds:
    """How far the log reaches."""
    row = await pool.fetchrow(SQL["head"])
    assert row is not None
    return LogBounds(row["newest"], max(row["floor"], row["oldest"] - 1), row["floor"])


async def letters(
    pool: Pool, division: str, *, unit_id: str | None, case_id: int | None, before: int | None, limit: int
) -> list[LetterRow]:
    """Letters newest first."""
    rows = await pool.fetch(SQL["letters"], before or NO_BOUND, unit_id, case_id, limit)
    return [_letter(row, division) for row in rows]


async def dead_letters(
    pool: Pool, division: str, *, unit_id: str | None = None, after: int = 0, limit: int = 100
) -> list[LetterRow]:
    """The dead-letter shelf, oldest letter first."""
    return [_letter(row, division) for row in await pool.fetch(SQL["dead_letters"], unit_id, after, limit)]


async def letter(pool: Pool, division: str, position: int) -> WaitingLetter | None:
    """One letter with its entry."""
    row = await pool.fetchrow(SQL["letter"], position)
    return waiting(row, division) if row else None


async def attempts(pool: Pool, case_id: int, position: int) -> list[AttemptRow]:
    """Every try at a letter."""
    rows = await pool.fetch(SQL["attempts"], case_id, position)
    return [AttemptRow(**{**dict(row), "digest": bytes(row["digest"]), "answer": bytes(row["answer"])}) for row in rows]


async def open_stages(pool: Pool, mode: Mode) -> dict[State, int]:
    """All open cases by state."""
    return {State(row["state"]): row["cases"] for row in await pool.fetch(SQL["open_stages"], mode)}


async def backlog(pool: Pool, now: datetime, mode: Mode) -> list[BacklogRow]:
    """What each unit has in hand; late by the city clock ``now``."""
    return [BacklogRow(**dict(row)) for row in await pool.fetch(SQL["backlog"], now, mode)]


async def lanes(pool: Pool, bound: int = 10_000) -> list[LaneRow]:
    """Every lane with what waits on it."""
    return [
        LaneRow(
            row["connection_id"],
            row["unit_id"],
            row["breaker"],
            row["paused_at"],
            row["paused_reason"],
            bool(row["is_held"] and row["holder"]),
            row["waiting"],
            row["held"],
            row["dead"],
            row["oldest"],
        )
        for row in await pool.fetch(SQL["lanes"], bound)
    ]


async def attachment(pool: Pool, attachment_id: str) -> AttachmentRow | None:
    """An attachment by its id."""
    row = await pool.fetchrow(SQL["attachment"], attachment_id)
    return AttachmentRow(**{**dict(row), "sha256": bytes(row["sha256"])}) if row else None


async def add_attachment(pool: Pool, row: AttachmentRow) -> None:
    """Keep a new attachment; its file is on the disk already."""
    await pool.execute(
        SQL["add_attachment"],
        row.attachment_id,
        row.unit_id,
        row.sha256,
        row.media_type,
        row.size_bytes,
        row.width,
        row.height,
    )


async def attachment_seen(pool: Pool, case_id: int, unit_id: str | None, attachment_id: str) -> bool:
    """Whether an entry of the case that the unit may read has the attachment among its photos."""
    found: bool = await pool.fetchval(SQL["attachment_seen"], case_id, unit_id, attachment_id)
    return found


def _entry(row: Any) -> Entry:
    step = Step(row["fact"])
    return Entry(
        case_id=row["case_id"],
        sequence=row["sequence"],
        step=step,
        state=State(row["state"]),
        mode=Mode(row["mode"]),
        unit_id=row["unit_id"],
        connection_id=row["connection_id"],
        effective_at=row["effective_at"],
        known_at=row["known_at"],
        directory_version=row["directory_version"],
        fact=fact_from(step, row["body"]),
        audience=tuple(row["audience"]),
        actor=row["actor"],
        on_behalf_of=row["on_behalf_of"],
        message_key=row["message_key"].bytes if row["message_key"] else None,
        message_digest=bytes(row["message_digest"]) if row["message_digest"] else None,
        personal_id=str(row["personal_id"]) if row["personal_id"] else None,
        traceparent=row["traceparent"],
        position=row["position"],
    )


def _letter(row: Any, division: str) -> LetterRow:
    return LetterRow(
        Letter(
            position=row["position"],
            connection_id=row["connection_id"],
            unit_id=row["unit_id"],
            case_id=row["case_id"],
            case_number=number_of(row["case_id"], division),
            entry_sequence=row["entry_sequence"],
            contract=row["contract"],
            unit_sequence=row["unit_sequence"],
            urgent=row["urgent"],
            mode=Mode(row["mode"]),
            written_at=row["written_at"],
            due_at=row["due_at"],
        ),
        row["outcome"],
        row["status"],
        row["attempt"] or 0,
        row["ended_at"],
        row["said"],
        row["retry_at"],
        row["buried_at"],
        row["held_because"],
        row["is_held"],
    )
