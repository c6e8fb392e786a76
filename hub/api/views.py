"""What callers get to see: cases, entries, letters as JSON documents. Absent fields are left out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from contracts.arrival import Answer
from contracts.cursor import cursor
from contracts.nouns import RenderedLetter
from hub.awaiting import Awaited, waits
from hub.case_numbers import number_of
from hub.cases import Case, Dispatch, Entry
from hub.codec import fact_document
from hub.letters import letter_id
from hub.life_cycle import OVER, STAGE_OF, STATE_WORDS, STEP_WORDS, State, steps_from
from hub.store.reading import AttachmentRow, AttemptRow, LetterRow, SeenCase
from hub.store.shelf import RefusedRow


def answer_document(answer: Answer, epoch: int, message_id: str) -> dict[str, Any]:
    """The answer to an accepted message; the same for each repeat."""
    return {
        "case_number": answer.case_number,
        "version": answer.version,
        "state": answer.state,
        "stage": STAGE_OF[State(answer.state)].value,
        "position": cursor(epoch, answer.position),
        "message_id": message_id,
    }


def case_document(seen: SeenCase, now: datetime, unit_id: str | None, epoch: int) -> dict[str, Any]:
    """A case as its caller may see it. A unit whose sight has ended sees what it had, not what became of it."""
    case = seen.case
    ended = seen.until_position is not None
    place = case.reported.location
    made: dict[str, Any] = {
        "case_number": case.case_number,
        "mode": case.mode.value,
        "category_code": case.reported.category_code,
        "category_name": case.reported.category_name,
        "kind": case.reported.kind,
        "tier": case.reported.tier,
        "description": case.reported.description,
        "place": present(
            longitude=place.longitude,
            latitude=place.latitude,
            system="WGS84",
            address=place.address,
            given_longitude=place.given_longitude,
            given_latitude=place.given_latitude,
            given_system=place.given_system,
        ),
        "area_id": place.area_id,
        "grid_cell": place.grid_cell,
        "component_code": case.reported.component_code,
        "photos": list(case.reported.photos),
        "reported_by": case.reported_by,
        "registered_at": case.registered_at,
        "sees_until": cursor(epoch, seen.until_position) if seen.until_position is not None else None,
    }
    if case.reported.sender_case_id and unit_id in (None, case.reported_by):
        made["sender_case_id"] = case.reported.sender_case_id
    if ended:
        made["dispatches"] = [
            dispatch_document(each, now, case) for each in case.dispatches if each.order.unit_id == unit_id
        ]
        made["sight_ended"] = True
        return present(**made)
    lead = case.lead
    made |= {
        "version": case.version,
        "state": case.state.value,
        "state_name": STATE_WORDS[case.state].zh,
        "stage": STAGE_OF[case.state].value,
        "changed_at": case.changed_at,
        "closed_at": case.closed_at,
        "lead_unit_id": lead.order.unit_id if lead else None,
        "due_at": case.due_at,
        "late": late(case, now),
        "candidates": list(case.candidates) or None,
        "dispatches": [dispatch_document(each, now, case) for each in case.dispatches],
        "verifier_unit_id": case.verifier,
        "verify_by": case.verify_by,
        "verifications": case.verifications,
        "photos_after": list(case.photos_after) or None,
        "waits_for": [_wait_document(each) for each in waits(case)],
        "steps_allowed": [step.value for step in steps_from(case.state)],
        **_bends(case, now),
    }
    return present(**made)


def _wait_document(awaited: Awaited) -> dict[str, Any]:
    """Whom the case waits for; without a unit it is the command centre."""
    return present(
        awaited=awaited.wait.value, unit_id=awaited.unit_id or None, since=awaited.since, due_at=awaited.due_at
    )


def _bends(case: Case, now: datetime) -> dict[str, Any]:
    """What lies beside the main road, where there is something."""
    under_way, standing = case.coordination, case.suspension
    return {
        "duplicate_of": case.duplicate_of,
        "returns": case.returns or None,
        "extensions": case.extensions or None,
        "coordination": under_way
        and present(
            level=under_way.level,
            unit_id=under_way.coordinator,
            since=under_way.since,
            due_at=under_way.due_at,
            substitute=under_way.substitute or None,
        ),
        "suspension": standing and present(since=standing.since, review_at=standing.review_at),
        "pending": [
            present(question=each.question.value, unit_id=each.unit_id, asked_at=each.asked_at, until=each.until)
            for each in case.pending
        ]
        or None,
        "assists": [dispatch_document(each, now, case) for each in case.assists] or None,
        "sub_dispatches": [
            present(department=each.department, status=each.status, at=each.at, due_at=each.due_at)
            for each in case.sub_dispatches
        ]
        or None,
        "late_proof": case.late_proof
        and present(
            connection_id=case.late_proof.connection_id,
            cut_off_since=case.late_proof.cut_off_since,
            back_at=case.late_proof.back_at,
            accepted=case.late_proof_accepted,
        ),
    }


def late(case: Case, now: datetime) -> bool:
    """Whether the case's lead unit is, or was, past its deadline; a fact, never a state."""
    lead = case.lead
    if lead is None:
        return False
    ended = lead.answered_at or (case.changed_at if case.state in OVER else now)
    return case.suspension is None and ended > lead.due_at


def dispatch_document(dispatch: Dispatch, now: datetime, case: Case) -> dict[str, Any]:
    """One dispatch: ordered to whom, until when, why, and what became of it."""
    order = dispatch.order
    return present(
        number=order.number,
        unit_id=order.unit_id,
        round=order.round,
        dispatched_at=order.dispatched_at,
        duty=order.duty,
        acknowledge_by=dispatch.acknowledge_by,
        due_at=dispatch.due_at,
        ordered_due_at=order.due_at if dispatch.moved_to else None,
        tier=order.tier,
        reckoned=order.reckoned,
        provisional=order.provisional,
        because=order.because_zh,
        because_en=order.because_en,
        rule=order.rule,
        sources=list(order.sources) or None,
        assisting=list(order.assisting) or None,
        acknowledged_at=dispatch.acknowledged_at,
        returned_at=dispatch.returned_at,
        recalled_at=dispatch.recalled_at,
        substitute=order.substitute or None,
        insisted=order.insisted or None,
        answered_at=dispatch.answered_at,
    )


def entry_document(entry: Entry, epoch: int, division: str) -> dict[str, Any]:
    """One entry of a log."""
    return present(
        position=cursor(epoch, entry.position or 0),
        case_number=number_of(entry.case_id, division),
        sequence=entry.sequence,
        step=entry.step.value,
        step_name=STEP_WORDS[entry.step].zh,
        state=entry.state.value,
        stage=STAGE_OF[entry.state].value,
        mode=entry.mode.value,
        unit_id=entry.unit_id,
        actor=entry.actor,
        on_behalf_of=entry.on_behalf_of,
        effective_at=entry.effective_at,
        known_at=entry.known_at,
        directory_version=entry.directory_version,
        traceparent=entry.traceparent,
        message_digest=entry.message_digest.hex() if entry.message_digest else None,
        fact=fact_document(entry.fact),
    )


def letter_document(row: LetterRow) -> dict[str, Any]:
    """A letter and what became of it."""
    letter = row.letter
    return present(
        letter_id=letter_id(letter.position),
        unit_id=letter.unit_id,
        connection_id=letter.connection_id,
        case_number=letter.case_number,
        contract=letter.contract,
        sequence=letter.unit_sequence,
        urgent=letter.urgent,
        mode=letter.mode.value,
        written_at=letter.written_at,
        due_at=letter.due_at,
        state=row.state,
        attempts=row.attempts,
        last_outcome=row.outcome,
        last_status=row.status,
        last_attempt_at=row.ended_at,
        reason=row.held_because or row.said or None,
        retry_at=row.retry_at,
        buried_at=row.buried_at,
    )


def attempt_document(row: AttemptRow) -> dict[str, Any]:
    """One try at a letter, with the answer (bounded) as text."""
    return present(
        attempt=row.attempt,
        outcome=row.outcome,
        status=row.status,
        digest=row.digest.hex(),
        answer=row.answer.decode("utf-8", "replace") or None,
        reason=row.reason or None,
        taken_at=row.taken_at,
        sent_at=row.sent_at,
        ended_at=row.ended_at,
    )


def attachment_document(row: AttachmentRow) -> dict[str, Any]:
    """A kept photo."""
    return present(
        attachment_id=row.attachment_id,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        width=row.width,
        height=row.height,
        sha256=row.sha256.hex(),
        href=f"/api/v1/attachments/{row.attachment_id}",
    )


def refused_document(row: RefusedRow) -> dict[str, Any]:
    """A message on the refused shelf."""
    return present(
        refused_id=row.refused_id,
        received_at=row.received_at,
        unit_id=row.unit_id,
        door=row.door,
        content_type=row.content_type,
        kind=row.kind,
        problem=row.problem,
        size_bytes=row.size_bytes,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        settled_as=row.settled_as,
        connection_id=row.connection_id or None,
        raw=row.body.decode("utf-8", "replace") if row.body is not None else None,
    )


def inbox_letter(rendered: RenderedLetter, leases: int) -> dict[str, Any]:
    """A letter handed out: its event inside, how often it was handed out, and the trace that it goes on in."""
    return present(
        letter_id=rendered.letter_id,
        handed_out=leases,
        event=orjson.Fragment(rendered.body),
        traceparent=rendered.traceparent,
    )


def present(**fields: Any) -> dict[str, Any]:
    """The fields that are known; absent never means null."""
    return {name: value for name, value in fields.items() if value is not None}
