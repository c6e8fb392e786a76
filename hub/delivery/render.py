"""How a letter becomes bytes: a CloudEvent in JSON, made of its entry alone, the same bytes for ever.

A change of what is written is a new renderer version beside the old one; lanes pin which version made which letters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, cast

from contracts.cloudevents import write_event
from contracts.nouns import Letter, RenderedLetter
from hub.codec import fact_from
from hub.facts import Brief, Dispatched, Fact, Order, Rejected, Returned, VerificationRequested, Verified
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
        ordered = cast(Dispatched, fact)
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


def _status(letter: Letter, told: Told, fact: Fact) -> dict[str, Any]:
    order = fact.order if isinstance(fact, Dispatched) else None
    reason = fact.reason if isinstance(fact, Returned | Rejected) else None
    return _present(
        case_number=letter.case_number,
        version=told.sequence,
        fact=told.step.value,
        state=told.state.value,
        stage=STAGE_OF[told.state].value,
        changed_at=told.effective_at,
        lead_unit_id=order.unit_id if order else None,
        due_at=order.due_at if order else None,
        reason=reason,
    )


_DATA: Mapping[str, Callable[[Letter, Told, Fact], dict[str, Any]]] = {
    "case.dispatch": _dispatch,
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
