"""The one way in: every message, whatever brought it, ends in ``Intake.receive``.

Messages that arrive while the last batch commits form the next one; there is no timer. A batch is loaded and decided,
then written in one transaction, but only if what it was decided on still holds; then each sender is answered, and none
before. Who was overtaken by another batch begins again, and holds its cases then.
"""

from __future__ import annotations

import asyncio
from collections import ChainMap, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter

import asyncpg

from contracts.bends import ExtensionRequest
from contracts.city import Component
from contracts.envelope import Message
from contracts.messages import Body, Feedback, Report
from contracts.problem import Problem
from hub.case_numbers import case_id, day_of, month_of, parse
from hub.cases import Case
from hub.clock import CityClock, machine_now
from hub.decide import Context
from hub.decision import Loaded, Outbox
from hub.folding import Fold, Outcome, placed
from hub.nearby import Nearby, stretches_of
from hub.registry import Registry
from hub.say import Say
from hub.store import batches, register
from hub.store.pool import CLASHED, LOST, Pool, heed_end
from hub.ticking import Tick

ROWS_MAX = 400
BYTES_MAX = 4 * 1024 * 1024
WAITING_MAX = 20_000
BESIDE_MIN = 16
"""So many must wait before a batch is begun beside one that is under way: a small one costs as much as a large one."""

PATIENCE_SECONDS = 0.1
"""Longer than this nobody waits for a batch that is stuck behind somebody's lock."""

RETRY_SECONDS = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0)


@dataclass(slots=True)
class _Waiting:
    messages: Sequence[Message]
    answered: asyncio.Future[list[Outcome]]
    size: int


@dataclass(slots=True)
class Intake:
    """Receives messages in batches. ``workers`` batches are under way at once, each on its own connection."""

    pool: Pool
    registry: Callable[[], Registry]
    clock: Callable[[], CityClock]
    say: Say
    workers: int = 2
    _queue: deque[_Waiting] = field(default_factory=deque)
    _rows_waiting: int = 0
    _under_way: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _numbers: _Numbers = field(default_factory=lambda: _Numbers())
    _months: set[int] = field(default_factory=set)

    def start(self) -> None:
        """Begin to take batches."""
        self._tasks = [asyncio.create_task(self._work(), name=f"intake-{n}") for n in range(self.workers)]

    async def stop(self) -> None:
        """Finish what was taken; what still waits is told to come again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._queue:
            waiting = self._queue.popleft()
            if not waiting.answered.done():
                waiting.answered.set_result([Problem("overloaded", retry_after_seconds=2)] * len(waiting.messages))

    async def receive(self, messages: Sequence[Message]) -> list[Outcome]:
        """Decide messages and answer each, in order, once its batch is committed. Never raises for what was sent."""
        if not messages:
            return []
        if self._rows_waiting + len(messages) > WAITING_MAX:
            return [Problem("overloaded", retry_after_seconds=1)] * len(messages)
        waiting = _Waiting(
            messages, asyncio.get_running_loop().create_future(), sum(len(message.raw) for message in messages)
        )
        self._queue.append(waiting)
        self._rows_waiting += len(messages)
        self._arrived.set()
        return await waiting.answered

    # -- taking a batch ------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            await self._turn()
            taken = self._take()
            self._under_way += 1
            try:
                await self._settle(taken)
            except asyncio.CancelledError:
                for waiting in taken:
                    if not waiting.answered.done():
                        waiting.answered.set_result(
                            [Problem("overloaded", retry_after_seconds=2)] * len(waiting.messages)
                        )
                raise
            finally:
                self._under_way -= 1
                self._arrived.set()

    async def _turn(self) -> None:
        """Until there is something to take, and enough of it where another batch is under way."""
        while not self._queue or (self._under_way and self._rows_waiting < BESIDE_MIN):
            self._arrived.clear()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS if self._queue else None):
                    await self._arrived.wait()
            except TimeoutError:
                if self._queue:
                    return

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        rows = size = 0
        while self._queue:
            head = self._queue[0]
            if taken and (rows + len(head.messages) > ROWS_MAX or size + head.size > BYTES_MAX):
                break
            self._queue.popleft()
            rows += len(head.messages)
            size += head.size
            if not head.answered.done():
                taken.append(head)
        self._rows_waiting -= rows
        return taken

    async def _settle(self, taken: list[_Waiting]) -> None:
        messages = [message for waiting in taken for message in waiting.messages]
        outcomes = await self._decided(messages)
        at = 0
        for waiting in taken:
            count = len(waiting.messages)
            if not waiting.answered.done():
                waiting.answered.set_result(outcomes[at : at + count])
            at += count

    # -- one batch -----------------------------------------------------------------------------------------------

    async def _decided(self, messages: Sequence[Message]) -> list[Outcome]:
        """Commit one batch, again where the store was lost or in the way, by halves where a message spoils it."""
        if not messages:
            # All who sent them have gone.
            return []
        overtaken = False
        for pause in RETRY_SECONDS:
            if pause:
                await asyncio.sleep(pause)
            began = perf_counter()
            try:
                outcomes = await self._once(messages, hold=overtaken)
            except batches.Overtaken as fault:
                self.say("batch.overtaken", reason=str(fault), messages=len(messages))
                overtaken = True
                continue
            except CLASHED as fault:
                self.say("batch.retried", reason=type(fault).__name__, messages=len(messages))
                continue
            except LOST as fault:
                heed_end()
                # The commit may or may not have taken effect. The next try looks the keys up first, so a message that
                # was committed gets its first answer and none takes effect twice.
                self.say("batch.retried", reason=type(fault).__name__, messages=len(messages))
                continue
            except Exception as fault:  # one message spoils the batch: find it by halving
                return await self._halved(messages, fault)
            self.say("batch.committed", messages=len(messages), seconds=perf_counter() - began)
            return outcomes
        return [Problem("store_unavailable", retry_after_seconds=5)] * len(messages)

    async def _halved(self, messages: Sequence[Message], fault: Exception) -> list[Outcome]:
        if len(messages) == 1:
            message = messages[0]
            self.say("message.failed", contract=message.contract, unit_id=message.sender.unit_id, fault=fault)
            return [Problem("internal")]
        self.say("batch.halved", messages=len(messages), reason=type(fault).__name__)
        middle = len(messages) // 2
        return [*await self._decided(messages[:middle]), *await self._decided(messages[middle:])]

    async def _once(self, messages: Sequence[Message], *, hold: bool) -> list[Outcome]:
        registry, clock = self.registry(), self.clock()
        machine = machine_now()
        now = clock.at(machine)
        day = day_of(now, registry.zone)
        first_serial = await self._serials(day, sum(1 for message in messages if message.kind == "case.report"))
        async with self.pool.acquire() as conn, conn.transaction() if hold else nullcontext():
            loaded, grounds = await self._load(conn, messages, registry, now, hold=hold)
            outbox = Outbox()
            context = Context(
                now=now,
                registry=registry,
                directory=registry.directory(now),
                attachments=loaded.attachments,
                new_ids=_ids(day, first_serial),
                near=loaded.near,
                others=ChainMap(outbox.cases, dict(loaded.cases)),
                deliveries=loaded.deliveries,
                outages=loaded.outages,
                components=loaded.components,
            )
            fold = Fold(loaded, context, outbox)
            outcomes = [fold.decide(message) for message in messages]
            fold.set_alarms()
            grounds.alone = loaded.near.alone
            base = await batches.write(conn, fold.outbox, grounds, now, machine, registry.directory_version)
        places = {(entry.case_id, entry.sequence): base + index for index, entry in enumerate(fold.outbox.entries)}
        return [placed(outcome, places) for outcome in outcomes]

    async def _load(
        self,
        conn: asyncpg.pool.PoolConnectionProxy,
        messages: Sequence[Message],
        registry: Registry,
        now: datetime,
        *,
        hold: bool,
    ) -> tuple[Loaded, batches.Grounds]:
        """Everything that deciding may ask for, set-wise, and what of it must still be so when it is written."""
        rules = registry.city.rules
        reports = [message.body for message in messages if isinstance(message.body, Report)]
        stretches = stretches_of(reports, registry.directory(now).grid, rules.duplicate_metres)
        keys = {key for message in messages for key in message.keys}
        ids = {message.case_id for message in messages if message.case_id is not None}
        ids |= {number for message in messages for number in _named(message.body, registry.division_code)}
        reported_since = now - timedelta(hours=rules.duplicate_hours)
        from_case = case_id(day_of(reported_since, registry.zone), 0)
        division = registry.division_code
        found = await batches.load(conn, keys, ids, stretches, reported_since, from_case, division, hold=hold)
        cases, near = found.cases, Nearby()
        for cell, other in found.near:
            near.add(cell, other)
        grounds = batches.Grounds(
            near_since=reported_since,
            near_from=from_case,
            day=now.astimezone(registry.zone).date(),
            versions={each: case.version for each, case in cases.items()},
            near=[other.case_id for _, other in found.near],
            metres=rules.duplicate_metres,
        )
        components = await _components(conn, messages, cases.values(), grounds)
        photos = {photo for message in messages for photo in getattr(message.body, "photos", ())}
        attachments = await batches.known_attachments(conn, photos) if photos else {}
        late = {
            case.case_id: case.lead.order.unit_id
            for message in messages
            if isinstance(message.body, Feedback | ExtensionRequest | Tick)
            and (case := cases.get(message.case_id or 0)) is not None
            if case.lead is not None and case.due_at is not None and case.due_at <= now
        }
        if not late:
            return Loaded(cases, found.remembered, attachments, near, {}, {}, components), grounds
        clock = self.clock()
        since = machine_now() - timedelta(hours=rules.late_proof_hours)
        deliveries = await batches.deliveries(conn, late, registry.fetched, clock)
        outages = await batches.outages(conn, set(late.values()), since, clock)
        return Loaded(cases, found.remembered, attachments, near, deliveries, outages, components), grounds

    async def _serials(self, day: int, wanted: int) -> int:
        if wanted == 0:
            return 0
        month = month_of(case_id(day, 1))
        if month not in self._months:
            async with self.pool.acquire() as conn:
                if await batches.ensure_month(conn, month):
                    self.say("partition.created", month=month)
            self._months.add(month)
        while (first := self._numbers.take(day, wanted)) is None:
            block = max(16, 4 * wanted)
            async with self.pool.acquire() as conn:
                self._numbers.add(day, await batches.take_numbers(conn, day, block), block)
        return first


@dataclass(slots=True)
class _Numbers:
    """The block of serials in hand. What is left of a block when the day turns or the process ends is a gap."""

    day: int = 0
    next_serial: int = 0
    end: int = 0

    def take(self, day: int, wanted: int) -> int | None:
        if day != self.day or self.next_serial + wanted > self.end:
            return None
        first, self.next_serial = self.next_serial, self.next_serial + wanted
        return first

    def add(self, day: int, first: int, count: int) -> None:
        self.day, self.next_serial, self.end = day, first, first + count


async def _components(
    conn: asyncpg.pool.PoolConnectionProxy,
    messages: Sequence[Message],
    cases: Iterable[Case],
    grounds: batches.Grounds,
) -> Mapping[str, Component]:
    """The register's entries in force for the components that reports and cases name; noted among the grounds."""
    codes = {message.body.component_code for message in messages if isinstance(message.body, Report)}
    named = {code for code in (*codes, *(case.reported.component_code for case in cases)) if code}
    if not named:
        return {}
    found = await register.in_force(conn, named, grounds.day)
    grounds.components, grounds.entry_ids = named, [entry.entry_id for entry in found.values()]
    return {code: entry.component() for code, entry in found.items()}


def _named(body: Body, division: str) -> Iterator[int]:
    """The cases that a message names besides its own."""
    for number in (getattr(body, "original", None), getattr(body, "duplicate_of", None)):
        case = parse(number, division) if number else None
        if case is not None:
            yield case


def _ids(day: int, first_serial: int) -> Iterator[int]:
    serial = first_serial
    while True:
        yield case_id(day, serial)
        serial += 1
