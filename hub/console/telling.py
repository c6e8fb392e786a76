"""What an entry of the log tells, as labelled lines for a reader; and the photos that came with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hub.console.phrases import Phrases
from hub.facts import (
    Accepted,
    Acknowledged,
    Answered,
    Asked,
    AssistantTold,
    Assisted,
    Closed,
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
    Reported,
    Resumed,
    Returned,
    SubDispatched,
    VerificationRequested,
    Verified,
    Voided,
)
from hub.life_cycle import Step


@dataclass(frozen=True, slots=True)
class Told:
    """One labelled line."""

    label: str
    text: str


Lines = list[tuple[str, str | None]]


def told(step: Step, fact: Fact, say: Phrases) -> tuple[tuple[Told, ...], tuple[str, ...]]:
    """The lines of a step's fact, those that say something, and its photos."""
    lines, photos = _lines(fact, say)
    if step is Step.PROGRESS:
        # A part has no result yet; the contract's default would say that all is done.
        lines = [line for line in lines if line[0] != "result"]
    return tuple(Told(say.t[label], text) for label, text in lines if text), photos


def _lines(fact: Fact, say: Phrases) -> tuple[Lines, tuple[str, ...]]:
    match fact:
        case Reported():
            return [
                ("category", say.category(fact.category_code, fact.category_name)),
                ("description", fact.description),
                ("source", say.code(fact.source)),
            ], fact.photos
        case Accepted():
            changed = fact.category_code
            return [
                ("rule", say.code(fact.rule) if fact.rule else None),
                ("reason", fact.reason),
                ("new_category", say.category(changed, fact.category_name or changed) if changed else None),
            ], ()
        case Rejected():
            return [("reason", fact.reason)], ()
        case Dispatched():
            return _order(fact.order, say), ()
        case Acknowledged():
            return [("handler", fact.handler), ("note", fact.note)], ()
        case Returned():
            instead = fact.responsible_unit_id
            return [
                ("reason", f"{say.code(fact.reason_code)}: {fact.reason}"),
                ("named_instead", say.unit(instead) if instead else None),
            ], fact.photos
        case Answered():
            return [
                ("result", say.code(fact.result)),
                ("feedback", fact.description),
                ("handler", fact.handler),
                ("done_at", say.exact(fact.done_at).text if fact.done_at else None),
            ], fact.photos
        case VerificationRequested():
            return [("verifier", say.unit(fact.unit_id)), ("verify_by", say.exact(fact.due_at).text)], ()
        case Verified():
            rework = _order(fact.rework, say) if fact.rework else []
            return [("finding", fact.description), ("collector", fact.collector), *rework], fact.photos
        case Closed():
            return [("rule", say.code(fact.rule) if fact.rule else None), ("reason", fact.reason)], ()
        case _:
            return _bend(fact, say)


def _bend(fact: Fact, say: Phrases) -> tuple[Lines, tuple[str, ...]]:
    """The facts beside the main road."""
    match fact:
        case LinkedDuplicate():
            return [("original", fact.original), ("reason", say.either(fact.reason_zh, fact.reason_en))], ()
        case Assisted():
            return _order(fact.order, say), ()
        case AssistantTold():
            return [("handler", fact.handler), ("note", fact.text)], fact.photos
        case Recalled():
            return [("from_unit", say.unit(fact.unit_id)), ("reason", fact.reason)], ()
        case Coordinated():
            return [
                ("coordinator", say.unit(fact.coordinator)),
                ("reason", say.either(fact.reason_zh, fact.reason_en)),
                ("due_at", say.exact(fact.due_at).text),
                ("candidates", _names(fact.candidates, say)),
            ], ()
        case SubDispatched():
            return [
                ("department", fact.department_name or fact.department),
                ("status", say.code(fact.status)),
                ("due_at", say.exact(fact.due_at).text if fact.due_at else None),
                ("note", fact.note),
            ], ()
        case Asked():
            return [("reason", fact.reason), ("until", say.exact(fact.until).text if fact.until else None)], fact.photos
        case Decided():
            return [
                ("reason", fact.reason),
                ("due_at", say.exact(fact.due_at).text if fact.due_at else None),
                ("review_at", say.exact(fact.review_at).text if fact.review_at else None),
            ], ()
        case Resumed():
            return [("reason", fact.reason), ("due_at", say.exact(fact.due_at).text)], ()
        case ReckonedAgain():
            return [("due_at", say.exact(fact.due_at).text), ("rule", fact.reckoned)], ()
        case LateProofJudged() | Voided():
            return [("reason", fact.reason)], ()
        case Reminded():
            return [
                ("to_unit", say.unit(fact.unit_id)),
                ("awaited", say.code(fact.wait.value)),
                ("due_at", say.exact(fact.due_at).text),
            ], ()
        case _:
            return [], ()


def _order(order: Order, say: Phrases) -> Lines:
    return [
        ("to_unit", say.unit(order.unit_id)),
        ("because", say.either(order.because_zh, order.because_en)),
        ("due_at", say.exact(order.due_at).text),
        ("assisting", _names(order.assisting, say)),
    ]


def _names(unit_ids: tuple[str, ...], say: Phrases) -> str:
    return say.either("、", ", ").join(say.unit(unit_id) for unit_id in unit_ids)
