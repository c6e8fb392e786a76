"""How a letter becomes bytes: a CloudEvent in JSON, made of its entry alone, the same bytes for ever.

A change of what is written is a new renderer version beside the old one; lanes pin which version made which letters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, cast

from contracts.cloudevents import write_event
from contracts.messages import Duty
from contracts.nouns import Letter, RenderedLetter
from hub.codec import fact_from
from hub.facts import (
    Assisted,
    Brief,
    Coordinated,
    Decided,
    Dispatched,
    Fact,
    LateProofJudged,
    LinkedDuplicate,
    Order,
    Recalled,
    ReckonedAgain,
    Rejected,
    Reminded,
    Resumed,
    Returned,
    VerificationRequested,
    Verified,
    Voided,
)
from hub.letters import Told, letter_id
from hub.life_cycle import STAGE_OF, Step
from hub.trace import letter_traceparent

CONTRACT_BASE = "https://cityhub.example/contracts/"
"""Contracts are named by absolute URIs, as CloudEvents asks; the hub serves the same paths under ``/contracts/``."""

RENDERER = 1
"""The version that renders new letters."""

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


def render(letter: Letter, told: Told, version: int = RENDERER) -> RenderedLetter:
    """The letter as it goes over the wire. Raises ``ValueError`` where its entry cannot be read."""
    body = RENDERERS[version](letter, told)
    return RenderedLetter(
        letter_id=letter_id(letter.position),
        case_number=letter.case_number,
        contract=letter.contract,
        content_type=CONTENT_TYPE,
        body=body,
        digest=hashlib.sha256(body).digest(),
        traceparent=letter_traceparent(told.traceparent, letter.position),
    )


def _render_1(letter: Letter, told: Told) -> bytes:
    name = letter.contract.partition("/")[0]
    return write_event(
        id=letter_id(letter.position),
        source="/cityhub",
        type=name,
        subject=letter.case_number,
        time=told.effective_at,
        dataschema=CONTRACT_BASE + letter.contract,
        extensions={
            "mode": letter.mode.value,
            "sequence": f"{letter.unit_sequence:08d}",
            "recordedtime": told.known_at,
            "basedonversion": told.sequence,
        },
        data=_DATA[name](letter, told, fact_from(told.step, told.body)),
    )


RENDERERS: Mapping[int, Callable[[Letter, Told], bytes]] = {1: _render_1}


def _dispatch(letter: Letter, told: Told, fact: Fact) -> dict[str, Any]:
    if told.step is Step.FAIL:
        found = cast(Verified, fact)
        order, brief = cast(Order, found.rework), cast(Brief, found.brief)
    else:
        ordered = cast(Dispatched | Assisted, fact)
        order, brief = ordered.order, ordered.brief
    return _present(
        case_number=letter.case_number,
        dispatch_number=order.number,
        unit_id=order.unit_id,
        round=order.round,
        **_of(brief),
        deadline={
            "due_at": order.due_at,
            "acknowledge_by": order.acknowledge_by,
            "tier": order.tier,
            "reckoned": order.reckoned,
            "provisional": order.provisional,
        },
        because=order.because_zh,
        area_id=brief.location.area_id,
        grid_cell=brief.location.grid_cell,
        component_code=brief.component_code,
        photos=brief.photos,
        finding=brief.finding,
        # Said only where it is not the rule: letters of before these fields stay the bytes they were.
        duty=order.duty if order.duty != Duty.LEAD else None,
        substitute=order.substitute or None,
    )


def _verification_request(letter: Letter, told: Told, fact: Fact) -> dict[str, Any]:
    asked = cast(VerificationRequested, fact)
    return _present(
        case_number=letter.case_number,
        round=asked.round,
        **_of(asked.brief),
        handled_by=asked.handled_by,
        feedback=asked.feedback,
        due_at=asked.due_at,
        closing_condition=asked.closing_condition,
        photos_before=asked.brief.photos,
        photos_after=asked.photos_after,
    )


def _coordination(letter: Letter, told: Told, fact: Fact) -> dict[str, Any]:
    opened = cast(Coordinated, fact)
    return _present(
        case_number=letter.case_number,
        level=opened.level,
        unit_id=opened.coordinator,
        because=opened.reason_zh,
        due_at=opened.due_at,
        **_of(opened.brief),
        returns=opened.returns,
        candidates=opened.candidates,
        area_id=opened.brief.location.area_id,
        component_code=opened.brief.component_code,
        photos=opened.brief.photos,
    )


def _recall(letter: Letter, told: Told, fact: Fact) -> dict[str, Any]:
    stopped = cast(Recalled | Voided, fact)
    return _present(
        case_number=letter.case_number,
        # A void ends every dispatch that the unit has.
        dispatch_number=stopped.number if isinstance(stopped, Recalled) else 1,
        unit_id=letter.unit_id,
        reason=stopped.reason,
    )


_LEVELS = {Step.WARN: "due_soon", Step.REMIND: "overdue", Step.SUPERVISE: "supervision"}


def _reminder(letter: Letter, told: Told, fact: Fact) -> dict[str, Any]:
    reminded = cast(Reminded, fact)
    return _present(
        case_number=letter.case_number,
        level=_LEVELS[told.step],
        awaited=reminded.wait.value,
        unit_id=reminded.unit_id,
        due_at=reminded.due_at,
    )


def _decision(letter: Letter, told: Told, fact: Fact) -> dict[str, Any]:
    about, granted, review_at = "late_proof", True, None
    match fact:
        case Decided():
            about, granted, review_at = fact.question.value, fact.granted, fact.review_at
        case Resumed():
            about = "resumption"
        case LateProofJudged():
            granted = fact.accepted
        case ReckonedAgain():
            about = "calendar"
    return _present(
        case_number=letter.case_number,
        about=about,
        granted=granted,
        reason=_reason(fact) or "—",
        due_at=fact.due_at if isinstance(fact, Decided | Resumed | ReckonedAgain) else None,
        review_at=review_at,
    )


def _status(letter: Letter, told: Told, fact: Fact) -> dict[str, Any]:
    order = fact.order if isinstance(fact, Dispatched) else None
    moved_to = fact.due_at if isinstance(fact, Decided | Resumed | Coordinated | ReckonedAgain) else None
    return _present(
        case_number=letter.case_number,
        version=told.sequence,
        fact=told.step.value,
        state=told.state.value,
        stage=STAGE_OF[told.state].value,
        changed_at=told.effective_at,
        lead_unit_id=order.unit_id if order else None,
        due_at=order.due_at if order else moved_to,
        reason=_reason(fact),
    )


def _reason(fact: Fact) -> str | None:
    match fact:
        case Coordinated() | LinkedDuplicate():
            return fact.reason_zh
        case ReckonedAgain():
            return fact.reckoned
        case Returned() | Rejected() | Recalled() | Decided() | Resumed() | LateProofJudged() | Voided():
            return fact.reason
        case _:
            return None


_DATA: Mapping[str, Callable[[Letter, Told, Fact], dict[str, Any]]] = {
    "case.dispatch": _dispatch,
    "case.recall_notice": _recall,
    "case.coordination": _coordination,
    "case.reminder": _reminder,
    "case.decision_notice": _decision,
    "case.verification_request": _verification_request,
    "case.status": _status,
}


def _of(brief: Brief) -> dict[str, Any]:
    place = brief.location
    return {
        "category_code": brief.category_code,
        "category_name": brief.category_name,
        "description": brief.description,
        "place": _present(longitude=place.longitude, latitude=place.latitude, system="WGS84", address=place.address),
    }


def _present(**fields: Any) -> dict[str, Any]:
    # Absent never means null.
    return {name: value for name, value in fields.items() if value is not None}
