"""Builders for tests: a city, a registry, messages, and a day's moment. They arrange; tests claim."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from contracts.city import City, load_city
from contracts.envelope import Message, Sender
from contracts.messages import (
    Acceptance,
    Acknowledgement,
    Body,
    Closing,
    DispatchRequest,
    Feedback,
    Finding,
    Rejection,
    Report,
    Return,
    ReturnReason,
    Verification,
)
from contracts.nouns import UnitState
from contracts.profile import Profile
from hub.case_numbers import case_id
from hub.cases import Case
from hub.decide import Context, decide
from hub.decision import Decision
from hub.registry import Registry, UnitInForce, build
from tests.values import replace

QUZHOU = Path(__file__).parent.parent / "contracts" / "cities" / "quzhou"
MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Quzhou: a working hour of a working day."""

COLLECTOR, COMMAND, LEAD = "collection", "command_center", "housing_construction"
CLEAR, UNCLEAR = "E0402", "C0107"
"""A category with one lead (burst water main), and one with four (telecommunication manhole cover)."""


@cache
def quzhou() -> City:
    """The shipped city."""
    return load_city(QUZHOU)


def a_registry(*profiles: dict[str, Any], state: UnitState = UnitState.LIVE) -> Registry:
    """The registry of Quzhou with these profiles in force."""
    made = [Profile.model_validate_json(json.dumps(profile)) for profile in profiles]
    return build(quzhou(), 1, {each.unit: UnitInForce.of(each, 1, state) for each in made}, 1)


def a_context(registry: Registry | None = None, now: datetime = MORNING, **more: Any) -> Context:
    """What deciding may know at a moment."""
    registry = registry or a_registry()
    more.setdefault("new_ids", ids())
    return Context(now, registry, registry.directory(now), **more)


def ids(day: int = 20261123) -> Iterator[int]:
    """New case ids of a day."""
    return (case_id(day, serial) for serial in itertools.count(1))


_numbers = itertools.count(1)
_places = itertools.count(1)


def a_message(body: Body, unit: str, case: Case | None = None, key: str | None = None, **more: Any) -> Message:
    """A message as a door makes it."""
    name = key or f"message-{next(_numbers)}"
    content = f"{body.contract}{case.case_id if case else None}{body.model_dump_json(exclude_none=True)}"
    message = Message(
        message_id=name,
        source="/test",
        contract=body.contract,
        sender=Sender(unit, f"{unit}.api", "test"),
        body=body,
        keys=(hashlib.sha256(f"{unit} {name}".encode()).digest()[:16],),
        fingerprint=hashlib.sha256(content.encode()).digest(),
        received_at=datetime.now(UTC),
        case_id=case.case_id if case else None,
        raw=body.model_dump_json().encode(),
    )
    return replace(message, **more)


def a_place() -> dict[str, float]:
    """A place in the main city far enough from all others that no report repeats another."""
    row, column = divmod(next(_places) % 1600, 40)
    return {"longitude": round(118.86 + column * 5e-4, 6), "latitude": round(28.94 + row * 5e-4, 6)}


def a_report(category: str = CLEAR, unit: str = COLLECTOR, key: str | None = None, **more: Any) -> Message:
    """A collector's report inside the main city, each at a place of its own."""
    place = {**a_place(), **more.pop("place", {})}
    fields = {name: more.pop(name) for name in list(more) if name in Report.model_fields}
    body = Report.model_validate_json(
        json.dumps({"category_code": category, "description": "自来水管破裂", "place": place, **fields})
    )
    return a_message(body, unit, key=key, **more)


def decided(message: Message, case: Case | None = None, context: Context | None = None) -> Decision:
    """The decision on a message."""
    return decide(case, message, context or a_context())


def a_case(category: str = CLEAR, context: Context | None = None, **more: Any) -> Case:
    """A case as its report leaves it: dispatched where responsibility is clear."""
    return decided(a_report(category, **more), None, context).case


def after(case: Case, *messages: Message, context: Context | None = None) -> Case:
    """The case after further messages."""
    for message in messages:
        case = decided(message, case, context).case
    return case


def acknowledgement(case: Case, unit: str = LEAD) -> Message:
    return a_message(Acknowledgement(), unit, case)


def feedback(case: Case, unit: str = LEAD, *, final: bool = True, **more: Any) -> Message:
    return a_message(Feedback(description="已修复", final=final), unit, case, **more)


def a_return(case: Case, unit: str = LEAD, reason: ReturnReason = ReturnReason.NOT_RESPONSIBLE) -> Message:
    return a_message(Return(reason_code=reason, reason="非本单位管养"), unit, case)


def verification(case: Case, finding: Finding = Finding.PASSED, unit: str = COLLECTOR) -> Message:
    return a_message(Verification(finding=finding, description="看过了"), unit, case)


def dispatch_to(case: Case, unit_id: str, **more: Any) -> Message:
    return a_message(DispatchRequest(unit_id=unit_id, reason="核实权属", **more), COMMAND, case)


def acceptance(case: Case, **more: Any) -> Message:
    return a_message(Acceptance(**more), COMMAND, case)


def rejection(case: Case) -> Message:
    return a_message(Rejection(reason="已恢复"), COMMAND, case)


def closing(case: Case) -> Message:
    return a_message(Closing(reason="照片清楚"), COMMAND, case)


def later(minutes: float, registry: Registry | None = None) -> Context:
    """A context some minutes after the morning."""
    return a_context(registry, MORNING + timedelta(minutes=minutes))
