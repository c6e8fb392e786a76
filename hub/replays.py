"""Replaying (重放) what lies on the refused shelf: the kept bytes are read again by the profile as it is now.

The message keeps its own id (one that was decided and refused gets another, always the same), and the moment at which
it came: replayed twice, or sent again by the unit, it takes effect once. Who replayed what, and when, is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from contracts.arrival import Answer, Arrival, said_by_event
from contracts.cloudevents import parse_event
from contracts.envelope import Sender
from contracts.nouns import Connection
from contracts.own_format import Heard, OwnFormat
from contracts.problem import Problem
from hub.clock import CityClock
from hub.reception import SHELF_BYTES_MAX, SHELVED, Reception
from hub.registry import Registry
from hub.say import Say
from hub.store import shelf
from hub.store.pool import Pool
from hub.store.registry import add_operation
from hub.store.shelf import RefusedRow

STRUCTURED = "application/cloudevents+json"
FETCHED = frozenset({"poll", "file"})
"""Sources whose documents are kept as JSON, whatever the unit wrote."""


@dataclass(frozen=True, slots=True)
class Replays:
    """Reads refused messages again."""

    pool: Pool
    reception: Reception
    registry: Callable[[], Registry]
    clock: Callable[[], CityClock]
    own: OwnFormat
    say: Say

    async def replay(self, refused_id: int, by: str) -> Answer:
        """The answer to a refused message that takes effect now. Raises ``Problem`` where it still does not."""
        row = await shelf.one(self.pool, refused_id)
        if row is None:
            raise Problem("not_found", f"拒收架上没有 {refused_id}。", f"There is no {refused_id} on the shelf.")
        if row.settled_at is not None:
            raise Problem("already_settled", fields={"settled_by": row.settled_by, "settled_as": row.settled_as})
        outcome = await self._again(row)
        if isinstance(outcome, Problem):
            async with self.pool.acquire() as conn:
                await add_operation(conn, by, "refused.replay", str(refused_id), f"refused: {outcome.kind}")
            raise outcome
        how = f"replayed: {outcome.case_number} v{outcome.version}"
        async with self.pool.acquire() as conn, conn.transaction():
            if await shelf.settle(conn, refused_id, by, how):
                await add_operation(conn, by, "refused.replay", str(refused_id), how)
        self.say("message.replayed", unit_id=row.unit_id, refused_id=refused_id, case_number=outcome.case_number, by=by)
        return outcome

    async def waiting(self, kind: str, unit_id: str | None, after: int, limit: int = 200) -> list[int]:
        """What waits on the shelf, in the order in which it came."""
        return await shelf.open_ids(self.pool, kind, unit_id, after, limit)

    async def _again(self, row: RefusedRow) -> Answer | Problem:
        raw = row.body or b""
        if len(raw) > SHELF_BYTES_MAX:
            return Problem(
                "document_invalid",
                f"原文超过 {SHELF_BYTES_MAX // 1024} KiB,没有完整保存;请单位重发。",
                f"It has more than {SHELF_BYTES_MAX // 1024} KiB and was not kept whole: let the unit send it again.",
            )
        heard = self._heard(row, raw)
        said = heard.said
        if isinstance(said, Problem):
            return said
        if row.kind in SHELVED:
            # It was decided, so its id stands for the refusal for ever: the unit that sends it again gets that.
            said = replace(said, message_id=f"{said.message_id}.replay-{row.refused_id}")
        if said.time is None:
            # It counts from when it came, not from when somebody mended the profile.
            said = replace(said, time=self.clock().at(row.received_at))
        sender = Sender(row.unit_id, row.connection_id or f"{row.unit_id}.api", row.credential_id)
        arrival = Arrival(sender, said, heard.raw, row.content_type, row.door, row.received_at, heard.photos)
        return (await self.reception.receive([arrival], shelve=False))[0]

    def _heard(self, row: RefusedRow, raw: bytes) -> Heard:
        connection = self.registry().connections.get(row.connection_id)
        if row.content_type.partition(";")[0].strip().lower() == STRUCTURED:
            try:
                return Heard(said_by_event(parse_event(raw)), raw)
            except Problem as problem:
                return Heard(problem, raw)
        if connection is not None and _is_mapped(connection):
            if connection.source in FETCHED:
                return self.own.read_values(connection, raw)
            return self.own.read(connection, raw, row.content_type)
        none = Problem(
            "document_invalid",
            f"连接 {row.connection_id or '—'} 没有可读此原文的映射(单位已停用,或档案中没有 mapping)。",
            f"The connection {row.connection_id or '—'} has no mapping that could read it: it is not live, or its "
            "profile has none.",
        )
        return Heard(none, raw)


def _is_mapped(connection: Connection) -> bool:
    return "mapping_of" in connection.settings
