"""One lane: the letters of one connection, in order per case, parallel across cases up to the unit's limit."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic, perf_counter

from contracts.nouns import Connection, Delivered, Letter
from contracts.port import Adapter, DeliveryFailed, Refused, Unauthorised, Unavailable
from hub.clock import CityClock, machine_now
from hub.delivery.account import Account, kept
from hub.delivery.allowance import Allowance
from hub.delivery.breaker import Breaker, Position
from hub.delivery.outcomes import Outcomes
from hub.delivery.render import RENDERER, render
from hub.delivery.rests import Rests
from hub.delivery.retry import Bury, after_failure
from hub.delivery.slots import Slots
from hub.delivery.stream import Stream
from hub.delivery.windows import Rest
from hub.letters import WaitingLetter
from hub.say import Say
from hub.store import lanes as store
from hub.store.lanes import LaneReport, Lease, Tried
from hub.store.pool import LOST, Pool

IDLE_SECONDS = 5.0
"""How long an idle lane sleeps when nothing wakes it: a lost notification costs this much, never a letter."""

STOP_SECONDS = 5.0


@dataclass(slots=True)
class Lane:
    """Holds a lease and works its letters off until it is stopped or the lease is lost."""

    lease: Lease
    connection: Connection
    adapter: Adapter
    pool: Pool
    takes: Pool
    outcomes: Outcomes
    clock: Callable[[], CityClock]
    division: str
    say: Say
    resting: Callable[[], Rest | None]
    lost: bool = False
    paused: str | None = None
    pausing: bool = False
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _breaker: Breaker = field(default_factory=Breaker)
    _account: Account = field(init=False)
    _chains: dict[int, deque[WaitingLetter]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _pins: list[tuple[bool, int, int, int]] = field(default_factory=list)
    _stopping: bool = False
    _recount: bool = False
    _slots: Slots = field(init=False)
    _allowance: Allowance = field(init=False)
    _rests: Rests = field(init=False)

    def __post_init__(self) -> None:
        self._account = Account(self.lease, self.outcomes, lambda: self._breaker, self._written)
        self._slots = Slots(self.connection.concurrency)
        self._allowance = Allowance(self.connection.per_second)
        self._rests = Rests(self.connection, self.lease.fencing, self.pool, self.clock, self.resting, self.say)
        self.paused = self.lease.paused_reason

    def wake(self, urgent: bool | None = None) -> None:
        """There may be something new: in one stream, or in both."""
        if urgent is not False:
            self._account.urgent.exhausted = False
        if urgent is not True:
            self._account.ordinary.exhausted = False
        self._wake.set()

    def held_changed(self) -> None:
        """An operator replayed or cancelled a held letter."""
        self._recount = True
        self.wake()

    def resume(self) -> None:
        """A person let the lane go on."""
        self.paused = None
        self._breaker = Breaker()
        self.wake()

    async def run(self) -> None:
        """Work until cancelled or the lease is lost."""
        try:
            await self._pin()
            self._account.held = await store.held_by_case(self.pool, self.connection.connection_id)
            await self._recover()
            while not self.lost:
                took = await self._take()
                if not took:
                    await self._sleep()
        finally:
            # What is on the wire may finish; what is cut off is in doubt, and the next holder tries it again.
            self._stopping = True
            if self._tasks and not self.lost:
                await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what to try -----------------------------------------------------------------------------------------------

    async def _pin(self) -> None:
        """Letters from here on are made by today's profile and renderer; those tried before keep theirs."""
        kept = await store.pins(self.pool, self.connection.connection_id)
        for stream in (self._account.urgent, self._account.ordinary):
            last = [pin for pin in kept if pin[0] == stream.urgent][-1:]
            wanted = (self.connection.profile_version, RENDERER)
            if not last or last[0][2:] != wanted:
                await store.pin(self.pool, self.connection.connection_id, stream.urgent, stream.taken, *wanted)
                kept.append((stream.urgent, stream.taken, *wanted))
        self._pins = kept

    def _renderer_of(self, letter: Letter) -> int:
        versions = [pin[3] for pin in self._pins if pin[0] == letter.urgent and pin[1] < letter.position]
        return versions[-1] if versions else RENDERER

    async def _recover(self) -> None:
        for stream in (self._account.urgent, self._account.ordinary):
            if stream.taken > stream.done:
                letters = await store.in_doubt(
                    self.pool,
                    self.connection.connection_id,
                    urgent=stream.urgent,
                    done=stream.done,
                    taken=stream.taken,
                    division=self.division,
                )
                self._admit(stream, letters)
                if not letters:
                    stream.done = stream.taken

    @property
    def _window(self) -> int:
        return max(4 * self.connection.concurrency, 64)

    async def _take(self) -> int:
        """Put the next letters into their cases' chains: held ones that are due, then urgent, then ordinary."""
        self._breaker = self._breaker.at(monotonic())
        if self._recount and not self._account.in_hand:
            # Only while nothing is unwritten; until then a count that is too high costs a detour, never the order.
            self._account.held = await store.held_by_case(self.pool, self.connection.connection_id)
            self._recount = False
        rest = await self._rests.look()
        if self.paused or (rest and rest.urgent) or not self._breaker.admits(len(self._account.in_hand)):
            return 0
        room = self._window - len(self._account.in_hand)
        # However much of the backlog is in hand, there is room for what is urgent.
        rooms = [(self._account.urgent, room + self._window), (self._account.ordinary, 0 if rest else room)]
        if self._breaker.position is Position.HALF_OPEN:
            room, rooms = 1, [(stream, min(room, 1)) for stream, room in rooms]
        took = 0
        if self._account.held and room > 0:
            due = await store.due(
                self.pool,
                self.connection.connection_id,
                self._account.in_hand,
                room,
                self.division,
                urgent_only=rest is not None,
            )
            for waiting in due:
                self._chain(waiting)
            took += len(due)
        for stream, room in rooms:
            if took < room and not stream.exhausted:
                stream.exhausted = True
                letters = await store.take(
                    self.takes,
                    self.connection.connection_id,
                    self.lease.fencing,
                    urgent=stream.urgent,
                    after=stream.taken,
                    limit=room - took,
                    division=self.division,
                )
                stream.exhausted = stream.exhausted and len(letters) < room - took
                self._admit(stream, letters)
                took += len(letters)
        return took

    def _admit(self, stream: Stream, letters: list[WaitingLetter]) -> None:
        for waiting in letters:
            stream.took(waiting.letter.position)
            if waiting.letter.case_id in self._account.held:
                self._account.hold(waiting, None, "behind an earlier letter of its case")
            else:
                self._chain(waiting)

    def _chain(self, waiting: WaitingLetter) -> None:
        self._account.in_hand.add(waiting.letter.position)
        chain = self._chains.get(waiting.letter.case_id)
        if chain is not None:
            chain.append(waiting)
            return
        self._chains[waiting.letter.case_id] = deque([waiting])
        task = asyncio.create_task(self._work_off(waiting.letter.case_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sleep(self) -> None:
        rest = self._rests.now()
        seconds = min(IDLE_SECONDS, self._rests.seconds_of(rest))
        if self._breaker.position is Position.OPEN:
            seconds = min(seconds, max(0.01, self._breaker.until - monotonic()))
        elif self._account.held and not self.paused and not (rest and rest.urgent):
            try:
                at = await store.next_due(
                    self.pool, self.connection.connection_id, self._account.in_hand, urgent_only=rest is not None
                )
            except LOST:
                at = None
            if at is not None:
                seconds = min(seconds, max(0.01, (at - machine_now()).total_seconds()))
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            self._account.urgent.exhausted = self._account.ordinary.exhausted = False
        self._wake.clear()

    # -- trying ----------------------------------------------------------------------------------------------------

    async def _work_off(self, case_id: int) -> None:
        """One case's letters, one after the other; where one must wait, the later ones wait behind it."""
        chain = self._chains[case_id]
        try:
            while chain:
                waiting, taken_at = chain[0], machine_now()
                async with self._slots.slot(waiting.letter.urgent):
                    await self._allowance.spend()
                    if self._stopping or self.lost:
                        return  # neither settled nor held: the next holder finds it in doubt
                    if self.paused or self._breaker.at(monotonic()).position is Position.OPEN:
                        self._put_back(chain, "the connection is down")
                        return
                    if rest := self._rests.waits(urgent=waiting.letter.urgent):
                        self._put_back(chain, rest.reason)
                        return
                    passed = await self._try(waiting, taken_at)
                chain.popleft()
                if not passed:
                    self._put_back(chain, "the connection is down")
                    return
        finally:
            self._chains.pop(case_id, None)

    def _put_back(self, chain: deque[WaitingLetter], why: str) -> None:
        while chain:
            waiting = chain.popleft()
            if waiting.held:
                # It is in the held table and stays due.
                self._account.in_hand.discard(waiting.letter.position)
                continue
            first = waiting.letter.case_id not in self._account.held
            self._account.hold(waiting, machine_now() if first else None, f"not tried: {why}")

    async def _try(self, waiting: WaitingLetter, taken_at: datetime) -> bool:
        letter = waiting.letter
        try:
            rendered = render(letter, waiting.told, self._renderer_of(letter))
        except Exception as bug:
            # Trying again cannot help: a person must look, and the lane goes on with other cases.
            self._account.in_hand.discard(letter.position)
            self._account.hold(waiting, None, f"the hub's own fault: {type(bug).__name__}", buried=True)
            self.say("letter.buried", letter_id=letter.position, unit_id=letter.unit_id, reason=repr(bug)[:500])
            return False
        failure: DeliveryFailed | None = None
        delivered: Delivered | None = None
        sent_at, began = machine_now(), perf_counter()
        try:
            delivered = await self.adapter.deliver(self.connection, rendered)
        except DeliveryFailed as known:
            failure = known
        except Exception as bug:  # an adapter's bug costs an attempt, never the lane
            self.say("adapter.failed", connection_id=letter.connection_id, fault=bug)
            failure = Unavailable(f"the hub's own fault: {type(bug).__name__}")
        tried = Tried(
            letter=letter,
            # A replay begins anew with its patience, never with the numbers: what was on record stays.
            attempt=max(waiting.attempts, waiting.on_record) + 1,
            outcome=delivered.receipt.value if delivered else _outcome_of(failure),
            status=delivered.status if delivered else failure.status if failure else None,
            digest=rendered.digest,
            answer=(delivered.answer if delivered else failure.answer if failure else b"")[:2048],
            reason=kept(failure.reason) if failure else "",
            taken_at=taken_at,
            sent_at=sent_at,
            ended_at=machine_now(),
        )
        if delivered is not None:
            self._delivered(waiting, tried, perf_counter() - began)
            return True
        self._failed(waiting, tried, failure or Unavailable("no answer"))
        return False

    def _delivered(self, waiting: WaitingLetter, tried: Tried, seconds: float) -> None:
        self._answered()
        report = self._account.report()
        report.tried.append(tried)
        self._account.settle(waiting, report)
        self.say(
            "letter.delivered",
            letter_id=tried.letter.position,
            unit_id=tried.letter.unit_id,
            connection_id=tried.letter.connection_id,
            contract=tried.letter.contract,
            case_number=tried.letter.case_number,
            attempt=tried.attempt,
            receipt=tried.outcome,
            seconds=seconds,
            wait_seconds=(tried.ended_at - tried.letter.written_at).total_seconds(),
            traceparent=tried.letter.traceparent,
        )

    def _failed(self, waiting: WaitingLetter, tried: Tried, failure: DeliveryFailed) -> None:
        letter, report, count = waiting.letter, self._account.report(), waiting.attempts + 1
        report.tried.append(tried)
        if isinstance(failure, Refused):
            self._answered()
            self._account.hold(waiting, None, failure.reason, buried=True, attempts=count)
            self.say("letter.buried", **_fields(tried, failure))
            return
        if isinstance(failure, Unauthorised):
            self.paused = report.paused = kept(failure.reason)
            self.pausing = True
            self._account.hold(waiting, machine_now(), failure.reason, attempts=count)
            self.say("lane.paused", connection_id=letter.connection_id, unit_id=letter.unit_id, reason=failure.reason)
            return
        was = self._breaker.position
        self._breaker = self._breaker.failed(monotonic())
        if self._breaker.position is Position.OPEN and was is not Position.OPEN:
            self.say(
                "breaker.opened", connection_id=letter.connection_id, unit_id=letter.unit_id, reason=failure.reason
            )
        wait = after_failure(
            count,
            slack_seconds=self._slack(letter.due_at),
            retry_after_seconds=failure.retry_after_seconds if isinstance(failure, Unavailable) else None,
            chance=random.random(),
            policy=self.connection.retry,
        )
        if isinstance(wait, Bury):
            self._account.hold(waiting, None, wait.reason, buried=True, attempts=count)
            self.say("letter.buried", **_fields(tried, failure))
            return
        due = machine_now() + timedelta(seconds=wait.pause_seconds)
        self._account.hold(waiting, due, failure.reason, attempts=count)
        self.say("letter.held", due_seconds=wait.pause_seconds, **_fields(tried, failure))

    def _answered(self) -> None:
        if self._breaker.position is not Position.CLOSED:
            self.say("breaker.closed", connection_id=self.connection.connection_id, unit_id=self.connection.unit_id)
            self._wake.set()
        self._breaker = self._breaker.answered()

    def _written(self, report: LaneReport, ours: bool) -> None:
        if not ours:
            self.lost = True
        if report.paused:
            self.pausing = False
        self._wake.set()

    def _slack(self, due: datetime | None) -> float | None:
        if due is None:
            return None
        clock = self.clock()
        return clock.machine_span(due - clock.now()).total_seconds()


def _outcome_of(failure: DeliveryFailed | None) -> str:
    match failure:
        case Refused():
            return "refused"
        case Unauthorised():
            return "unauthorised"
        case Unavailable(in_doubt=True):
            return "in_doubt"
    return "unavailable"


def _fields(tried: Tried, failure: DeliveryFailed) -> dict[str, object]:
    return {
        "letter_id": tried.letter.position,
        "unit_id": tried.letter.unit_id,
        "connection_id": tried.letter.connection_id,
        "contract": tried.letter.contract,
        "case_number": tried.letter.case_number,
        "attempt": tried.attempt,
        "reason": failure.reason,
    }
