"""A lane's account: what it has in hand, what of it is held, and the report by which the store learns of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hub.delivery.breaker import Breaker
from hub.delivery.outcomes import Outcomes
from hub.delivery.stream import Stream
from hub.letters import WaitingLetter
from hub.store.lanes import Held, LaneReport, Lease

REASON_MAX = 500


@dataclass(slots=True)
class Account:
    """The letters between the lane's cursors and the unit; ``held`` counts by case. ``written`` hears of each report
    that is written, or (false) whose lane is no longer ours."""

    lease: Lease
    outcomes: Outcomes
    breaker: Callable[[], Breaker]
    written: Callable[[LaneReport, bool], None]
    urgent: Stream = field(init=False)
    ordinary: Stream = field(init=False)
    in_hand: set[int] = field(default_factory=set)
    held: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.urgent = Stream(True, self.lease.done_urgent, self.lease.taken_urgent)
        self.ordinary = Stream(False, self.lease.done_ordinary, self.lease.taken_ordinary)

    def report(self) -> LaneReport:
        """The open report, to be filled."""
        report = self.outcomes.report(self._empty_report, self._written)
        breaker = self.breaker()
        report.breaker, report.failures = breaker.position.value, breaker.failures
        return report

    def settle(self, waiting: WaitingLetter, report: LaneReport) -> None:
        """The unit has it."""
        letter = waiting.letter
        if waiting.held:
            report.settled.append((letter.case_id, letter.position))
            left = self.held.get(letter.case_id, 1) - 1
            if left > 0:
                self.held[letter.case_id] = left
            else:
                self.held.pop(letter.case_id, None)
        else:
            self._finish(letter.position, letter.urgent, report)

    def hold(
        self, waiting: WaitingLetter, due: datetime | None, reason: str, *, buried: bool = False, attempts: int = 0
    ) -> None:
        """It is tried again at ``due``; without it behind an earlier letter of its case, or once a person says so."""
        letter, report = waiting.letter, self.report()
        report.held.append(Held(letter, due, max(attempts, waiting.attempts), kept(reason), buried))
        if not waiting.held:
            self.held[letter.case_id] = self.held.get(letter.case_id, 0) + 1
            self._finish(letter.position, letter.urgent, report)

    def _finish(self, position: int, urgent: bool, report: LaneReport) -> None:
        stream = self.urgent if urgent else self.ordinary
        stream.finish(position)
        report.done_urgent, report.done_ordinary = self.urgent.done, self.ordinary.done

    def _empty_report(self) -> LaneReport:
        return LaneReport(self.lease.connection_id, self.lease.fencing, self.urgent.done, self.ordinary.done)

    def _written(self, report: LaneReport, ours: bool) -> None:
        # Only now: until the outcome is written, the held table may still show a letter as due.
        self.in_hand.difference_update(item.letter.position for item in report.tried)
        self.in_hand.difference_update(item.letter.position for item in report.held)
        self.written(report, ours)


def kept(reason: str) -> str:
    """A reason as the store can keep it: a fault may quote whatever came over the wire."""
    return reason[:REASON_MAX].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
