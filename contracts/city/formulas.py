"""How a city evaluates (评价考核办法): what is counted, indicators, score and groups, as versioned values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.city.row import Certainty


class Tally(StrEnum):
    """What can be counted (计数); every indicator is made of these."""

    DISPATCHED = "dispatched"
    RIGHTLY_DISPATCHED = "rightly_dispatched"
    SECOND_DISPATCHED = "second_dispatched"
    DUE = "due"
    HANDLED = "handled"
    HANDLED_IN_TIME = "handled_in_time"
    HANDLED_LATE = "handled_late"
    OVERDUE = "overdue"
    RETURNED = "returned"
    RETURNED_UNFOUNDED = "returned_unfounded"
    VERIFIED = "verified"
    FIRST_VERIFIED = "first_verified"
    FIRST_PASSED = "first_passed"
    REWORKED = "reworked"
    REPORTED = "reported"
    ACCEPTED = "accepted"
    DUE_TO_CLOSE = "due_to_close"
    CLOSED = "closed"
    CLOSED_IN_TIME = "closed_in_time"
    VERIFICATION_DUE = "verification_due"
    VERIFIED_IN_TIME = "verified_in_time"


TALLY_WORDS: dict[Tally, tuple[str, str]] = {
    Tally.DISPATCHED: (
        "期内派给牵头单位的次数;返工不另计,重申原派遣不另计",
        "dispatches to a lead unit in the period; rework and an order insisted on are not counted again",
    ),
    Tally.RIGHTLY_DISPATCHED: ("其中未被正当退回的", "of these, the ones not rightly returned"),
    Tally.SECOND_DISPATCHED: (
        "其中改派自另一单位的(二次派遣),计在新单位名下",
        "of these, the ones taken from another unit (二次派遣); counted with the new unit",
    ),
    Tally.DUE: (
        "处置时限(含延期、挂账、争议的顺延)落在期内的派遣,每轮返工各计一次;已正当退回、退回待裁定、按时撤回、作废的不计;"
        "尚未到期且未处置的不计",
        "dispatches whose deadline, as it was moved, lies in the period, each round of rework for itself; not those "
        "rightly returned, returned and undecided, recalled in time or void, nor what is neither due yet nor handled",
    ),
    Tally.HANDLED: ("其中到期末已反馈办结的", "of these, answered by the period's end"),
    Tally.HANDLED_IN_TIME: (
        "其中按期的:枢纽、网络耽误的时间予以扣除,补传成立的按其自身时间",
        "of these, in time: what the hub or the network lost is set off, an accepted late proof counts as of its own "
        "time",
    ),
    Tally.HANDLED_LATE: ("其中超期的", "of the handled, the late ones"),
    Tally.OVERDUE: ("应处置数中到期末仍未处置的", "of the due, unhandled at the period's end"),
    Tally.RETURNED: ("期内的退回次数", "returns in the period"),
    Tally.RETURNED_UNFOUNDED: ("其中被驳回(重申原派遣)的", "of these, overruled: the unit got it again"),
    Tally.VERIFIED: ("期内对其处置结果的核查次数", "verifications of its work in the period"),
    Tally.FIRST_VERIFIED: ("其中每次派遣的首次核查", "of these, the first one of each dispatch"),
    Tally.FIRST_PASSED: ("首次核查即通过的", "first verifications that passed"),
    Tally.REWORKED: ("核查未通过、返工的", "verifications that failed: rework"),
    Tally.REPORTED: ("期内上报的", "reports in the period"),
    Tally.ACCEPTED: ("其中已立案的", "of these, accepted"),
    Tally.DUE_TO_CLOSE: (
        "应在期内结案的:末次派遣的处置时限再加核查时限落在期内;作废的不计",
        "due to close in the period: the last dispatch's deadline and the time for verifying end in it; not void ones",
    ),
    Tally.CLOSED: ("其中到期末已结案的", "of these, closed by the period's end"),
    Tally.CLOSED_IN_TIME: ("其中在该时限前结案的", "of these, closed within that time"),
    Tally.VERIFICATION_DUE: ("核查时限落在期内的核查任务", "verifications asked for that were due in the period"),
    Tally.VERIFIED_IN_TIME: ("其中按时完成的", "of these, done in time"),
}
"""What each tally means, for people."""


class Reckoning(StrEnum):
    """How an indicator is reckoned: so many, a share, or over the own time of what its numerator counts."""

    COUNT = "count"
    RATE = "rate"
    MEAN = "mean"
    PERCENTILE = "percentile"


TIMED = frozenset({Tally.HANDLED, Tally.HANDLED_IN_TIME, Tally.HANDLED_LATE})
"""What has a handling time, of which a mean or a percentile can be taken."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure (指标). ``percentile`` only where it is reckoned so."""

    indicator_id: str
    zh: str
    en: str
    reckoning: Reckoning
    numerator: Tally
    denominator: Tally | None = None
    percentile: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Like units, ranked among each other."""

    group_id: str
    zh: str
    en: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """One version of how the city evaluates, in force from a day until the next one begins.

    ``weights`` are points of rates, by indicator.
    """

    version: str
    valid_from: date
    certainty: Certainty
    source: str
    indicators: tuple[Indicator, ...]
    weights: tuple[tuple[str, int], ...]
    groups: tuple[Group, ...]

    @property
    def points(self) -> int:
        """The full score."""
        return sum(points for _, points in self.weights)

    def group_of(self, unit_id: str) -> Group | None:
        """The group in which a unit is ranked."""
        return next((group for group in self.groups if unit_id in group.units), None)
