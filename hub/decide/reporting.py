"""Reports (采集) and their acceptance (受理), by rule or by hand. Pure."""

from __future__ import annotations

from typing import cast

import uuid_utils.compat as uuids

from contracts.city import Category
from contracts.coordinates import ImpossibleCoordinates, to_wgs84
from contracts.messages import Acceptance, Rejection, Report
from contracts.problem import Problem, Violation
from hub.decide.coordinating import coordinate_unclear
from hub.decide.course import Context, Course
from hub.decide.ordering import dispatch_by_rule
from hub.decide.photos import own_photos
from hub.decision import Personal
from hub.facts import Accepted, LinkedDuplicate, Location, Rejected, Reported
from hub.life_cycle import Step
from hub.nearby import open_case


def report(course: Course) -> None:
    """A problem becomes a case; a clear one is accepted and dispatched in the same breath.

    A report outside every area is registered and waits for the command centre; only impossible coordinates are refused.
    """
    body, context = cast(Report, course.message.body), course.context
    sender = course.message.sender.unit_id
    category = _category(context, body.category_code)
    own_photos(context, sender, body.photos)
    location = _location(context, body)
    if body.reporter is not None:
        course.personal = Personal(uuids.uuid7(), body.reporter.model_dump_json(exclude_none=True))
    limit = context.limits(category.tier).accept
    area = context.directory.governance.get(location.area_id) if location.area_id else None
    standing = tuple(sorted({sender} | ({area.governed_by} if area else set())))
    course.begin(
        Reported(
            category_code=category.code,
            category_name=category.name_zh,
            kind=category.kind,
            tier=category.tier,
            description=body.description,
            location=location,
            source=body.source.value,
            sender_case_id=course.message.sender_case_id,
            component_code=body.component_code,
            photos=body.photos,
            attributes=tuple((each.name, each.value) for each in body.attributes),
            observed_at=body.observed_at,
            accept_by=limit.due_at,
        ),
        standing,
    )
    if _repeats_another(course):
        return
    rules = context.directory.rules
    if rules.accept_by_rule and body.source.value in rules.accept_sources and location.area_id is not None:
        _accepted(course, Accepted(rule="filing_standard"), by_rule=True)


def accept(course: Course) -> None:
    """The command centre accepts by hand, perhaps under another category."""
    body = cast(Acceptance, course.message.body)
    course.refuse_unless(Step.ACCEPT)
    told = Accepted(reason=body.reason)
    if body.category_code is not None:
        category = _category(course.context, body.category_code)
        told = Accepted(
            reason=body.reason,
            category_code=category.code,
            category_name=category.name_zh,
            tier=category.tier,
        )
    _accepted(course, told, by_rule=False)


def reject(course: Course) -> None:
    """The command centre does not accept it (不予受理)."""
    body = cast(Rejection, course.message.body)
    course.take(Step.REJECT, Rejected(body.reason))


def _accepted(course: Course, told: Accepted, *, by_rule: bool) -> None:
    context = course.context
    tier = told.tier or course.known.reported.tier
    limit = context.limits(tier).dispatch
    course.take(
        Step.ACCEPT,
        Accepted(told.rule, told.reason, told.category_code, told.category_name, told.tier, limit.due_at),
        by_rule=by_rule,
    )
    unclear = dispatch_by_rule(course)
    if unclear is not None:
        coordinate_unclear(course, unclear)


def _repeats_another(course: Course) -> bool:
    """A report of what is already being dealt with is linked to it, and goes no further."""
    case, context = course.known, course.context
    rules, place = context.directory.rules, case.reported.location
    seen = open_case(case)
    cells = context.directory.grid.cells_within(place.longitude, place.latitude, rules.duplicate_metres)
    found = context.near.repeated(seen, cells, rules.duplicate_metres, rules.duplicate_hours)
    if rules.duplicate_metres == 0 or found is None:
        context.near.stands_alone(place.grid_cell, seen, cells if rules.duplicate_metres else ())
        return False
    other, apart = found
    hours = f"{rules.duplicate_hours:g}"
    told = LinkedDuplicate(
        other.case_number,
        f"与未结案件 {other.case_number} 同类,相距 {apart:.0f} 米,{hours} 小时内上报",
        f"same category as the open case {other.case_number}, {apart:.0f} m away, within {hours} hours",
        rule="near",
        metres=round(apart, 1),
    )
    course.take(Step.LINK_DUPLICATE, told, by_rule=True)
    return True


def _category(context: Context, code: str) -> Category:
    category = context.directory.categories.get(code)
    if category is None:
        said = Violation("#/category_code", f"没有类别 {code}", f"there is no category {code}", "category")
        raise Problem("category_unknown", violations=(said,))
    return category


def _location(context: Context, body: Report) -> Location:
    place, directory = body.place, context.directory
    try:
        point = to_wgs84(place.longitude, place.latitude, place.system)
    except ImpossibleCoordinates:
        said = Violation("#/place", "坐标不可能存在", "there is no such place on earth", "coordinates")
        raise Problem("place_impossible", violations=(said,)) from None
    return Location(
        longitude=round(point.longitude, 7),
        latitude=round(point.latitude, 7),
        grid_cell=directory.grid.cell(point.longitude, point.latitude),
        area_id=directory.area_at(point.longitude, point.latitude),
        given_longitude=place.longitude,
        given_latitude=place.latitude,
        given_system=place.system.value,
        address=place.address,
    )
