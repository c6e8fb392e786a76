"""A case's journey for tests: messages at moments of the city's clock, and the log that they leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.city import Directory
from contracts.envelope import Message
from contracts.messages import Body
from hub.cases import Case, Entry
from tests.builders import CLEAR, COMMAND, LEAD, a_context, a_message, a_report, decided

ZONE = ZoneInfo("Asia/Shanghai")

Making = Callable[[Case], Message]


def local(text: str) -> datetime:
    """A moment of Quzhou, like ``2026-09-28 16:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def directory_at(moment: datetime) -> Directory:
    """Quzhou as it is in force."""
    return a_context(now=moment).directory


@dataclass(slots=True)
class Journey:
    """A case under way. ``now`` is the moment of the last step."""

    now: datetime
    case: Case
    log: list[Entry] = field(default_factory=list)

    @staticmethod
    def begun(at: datetime | str, category: str = CLEAR, **more: Any) -> Journey:
        """A collector reports; what is clear is dispatched at once."""
        moment = local(at) if isinstance(at, str) else at
        decision = decided(a_report(category, **more), None, a_context(now=moment))
        return Journey(moment, decision.case, list(decision.entries))

    def then(self, at: datetime | str, message: Message | Making, **known: Any) -> Journey:
        """One message more, decided at a moment; ``known`` goes into its context."""
        self.now = local(at) if isinstance(at, str) else at
        made = message if isinstance(message, Message) else message(self.case)
        decision = decided(made, self.case, a_context(now=self.now, **known))
        self.case = decision.case
        self.log += decision.entries
        return self

    def centre(self, at: datetime | str, body: Body) -> Journey:
        """The command centre says something."""
        return self.then(at, lambda case: a_message(body, COMMAND, case))

    def unit(self, at: datetime | str, body: Body, unit: str = LEAD, **more: Any) -> Journey:
        """A unit says something."""
        return self.then(at, lambda case: a_message(body, unit, case), **more)


def tier_of(directory: Directory, tier: str) -> str:
    """A category of this tier that one unit leads without a condition, inside the main city."""
    return next(
        code
        for code, category in directory.categories.items()
        if category.tier == tier and _sole(directory.leads.get(code, ()))
    )


def _sole(leads: Sequence[Any]) -> bool:
    return len(leads) == 1 and not leads[0].conditions
