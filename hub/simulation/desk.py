"""The hub in memory: the real decisions, their log and letters, and what time brings. No store, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.envelope import Message, Mode, Sender
from contracts.messages import Body
from contracts.problem import Problem
from hub.awaiting import next_reminder
from hub.case_numbers import case_id, day_of
from hub.cases import Case, Entry
from hub.decide import Context, decide, something_is_due
from hub.decision import Decision
from hub.lateness import Delivery, Outage
from hub.life_cycle import OVER
from hub.nearby import Nearby, Open, open_case
from hub.registry import Registry
from hub.ticking import tick_of


@dataclass(slots=True)
class Desk:
    """Takes one message after another. ``alarms`` are the moments at which to look at a case again."""

    registry: Registry
    seed: int
    cases: dict[int, Case] = field(default_factory=dict)
    logs: dict[int, list[Entry]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    messages: int = 0
    _near: Nearby = field(default_factory=Nearby)
    _places: dict[int, tuple[list[Open], Open]] = field(default_factory=dict)
    _seen: set[bytes] = field(default_factory=set)
    _ids: dict[int, Iterator[int]] = field(default_factory=dict)

    def message(
        self, body: Body, unit_id: str, now: datetime, case: Case | None = None, mode: Mode = Mode.LIVE, **more: object
    ) -> Message:
        """A message as a door makes it, the same for the same seed and order."""
        self.messages += 1
        key = hashlib.sha256(b"%d %d" % (self.seed, self.messages)).digest()
        return Message(
            message_id=str(self.messages),
            source="/simulation",
            contract=body.contract,
            sender=Sender(unit_id, f"{unit_id}.desk", "simulation"),
            body=body,
            keys=(key[:16],),
            fingerprint=key,
            received_at=now,
            mode=case.mode if case else mode,
            case_id=case.case_id if case else None,
            **more,  # type: ignore[arg-type]
        )

    def receive(
        self,
        message: Message,
        now: datetime,
        *,
        deliveries: Mapping[int, Delivery] | None = None,
        outages: Mapping[str, Sequence[Outage]] | None = None,
    ) -> Decision | None:
        """What the message changed; None where it is refused or came before."""
        if message.keys[0] in self._seen:
            self.repeats += 1
            return None
        context = Context(
            now=now,
            registry=self.registry,
            directory=self.registry.directory(now),
            new_ids=self._new_ids(now),
            near=self._near,
            others=self.cases,
            deliveries=deliveries or {},
            outages=outages or {},
        )
        try:
            decision = decide(self.cases.get(message.case_id or 0), message, context)
        except Problem as problem:
            if problem.kind != "nothing_due":
                self.refused[problem.kind] = self.refused.get(problem.kind, 0) + 1
            return None
        self._seen.add(message.keys[0])
        self._keep(decision)
        return decision

    def tick(self, case: Case, now: datetime) -> Decision | None:
        """What has become due of a case by now."""
        return self.receive(tick_of(case.case_id, case.version, case.mode, now), now)

    def alarm(self, case: Case, now: datetime) -> datetime | None:
        """When time alone next does something to a case."""
        reminder = next_reminder(case, Context(now, self.registry, self.registry.directory(now)).moments)
        return reminder[0] if reminder else None

    def due(self, case: Case, now: datetime) -> bool:
        """Whether a tick would come to anything now."""
        return something_is_due(case, Context(now, self.registry, self.registry.directory(now)))

    def _keep(self, decision: Decision) -> None:
        case = decision.case
        known = self.cases.get(case.case_id)
        self.cases[case.case_id] = case
        self.logs.setdefault(case.case_id, []).extend(decision.entries)
        if known is None and case.state not in OVER:
            told = case.reported
            row = self._near.cases.get((told.category_code, told.location.grid_cell), [])
            mine = next((each for each in row if each.case_id == case.case_id), open_case(case))
            self._places[case.case_id] = (row, mine)
        elif case.state in OVER and case.case_id in self._places:
            row, mine = self._places.pop(case.case_id)
            if mine in row:
                row.remove(mine)

    def _new_ids(self, now: datetime) -> Iterator[int]:
        day = day_of(now, self.registry.zone)
        known = self._ids.get(day)
        if known is None:
            known = self._ids[day] = (case_id(day, serial) for serial in range(1, 10**8))
        return known
