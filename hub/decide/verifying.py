"""Verification and closing (核查、结案): passed closes the case, failed sends the work back to its unit. Pure."""

from __future__ import annotations

from typing import cast

from contracts.messages import Closing, Finding, Verification
from contracts.nouns import Role
from hub.decide.course import Course
from hub.decide.ordering import brief_of, rework
from hub.decide.photos import own_photos
from hub.facts import Closed, VerificationRequested, Verified
from hub.life_cycle import Step


def ask_for_verification(course: Course) -> None:
    """A collector is sent to the spot: the one that reported, else the city's first; none where the city has none."""
    case, context = course.known, course.context
    collectors = context.registry.units_with(Role.COLLECTOR, context.now)
    if not collectors or case.lead is None:
        return
    verifier = case.reported_by if case.reported_by in collectors else collectors[0]
    category = context.directory.categories.get(case.reported.category_code)
    standard = context.directory.standard_for(category) if category else None
    course.take(
        Step.REQUEST_VERIFICATION,
        VerificationRequested(
            unit_id=verifier,
            round=case.verifications + 1,
            due_at=context.limits(case.reported.tier).verify.due_at,
            brief=brief_of(case),
            handled_by=case.lead.order.unit_id,
            feedback=case.answer or "—",
            photos_after=case.photos_after,
            closing_condition=standard.closing_condition if standard else None,
        ),
        by_rule=True,
    )


def verify(course: Course) -> None:
    """五(三): 经核查通过的,予以结案;经核查未通过的,再次进行派遣."""
    body = cast(Verification, course.message.body)
    own_photos(course.context, course.message.sender.unit_id, body.photos)
    if body.finding is Finding.PASSED:
        course.take(Step.PASS, Verified(body.collector, body.description, body.photos))
        course.take(Step.CLOSE, Closed(rule="verified"), by_rule=True)
        return
    case = course.known
    # An order needs a case in verification; the table refuses any other state with its own words.
    course.refuse_unless(Step.FAIL)
    brief = brief_of(case, finding=body.description)
    course.take(Step.FAIL, Verified(body.collector, body.description, body.photos, rework(course), brief))


def close(course: Course) -> None:
    """The command centre closes by hand (人工结案)."""
    body = cast(Closing, course.message.body)
    course.take(Step.CLOSE, Closed(reason=body.reason))
