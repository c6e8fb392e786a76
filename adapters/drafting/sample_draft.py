"""A first profile of a sample: what a unit sends in its own format, or what it wants to receive."""

from __future__ import annotations

from typing import Any

from adapters.drafting.choosing import lacking
from adapters.drafting.draft import ENDPOINT, Draft, made, taken_for
from adapters.drafting.fields import Described, DraftFault, Question
from adapters.drafting.matching import Matched, match, told_by_name
from adapters.drafting.tables import table_of
from adapters.drafting.vocabulary import ContractTargets, vocabulary
from contracts.paths import parse_path, path_text

DISCRIMINATORS = frozenset(
    {"event", "action", "cmd", "method", "type", "msgtype", "messagetype", "bustype", "eventtype"}
)
"""Names of fields by which a unit tells kinds of documents apart."""


def draft_of_sample(sample: Described, unit: str, *, outward: bool = False, contract: str | None = None) -> Draft:
    """What a unit sends in its own format, or (``outward``) what it wants to receive. Raises ``DraftFault``."""
    known = vocabulary()
    able = [
        each
        for each in known.contracts
        if each.outward == outward and contract in (None, each.contract, f"{each.contract}/1.0")
    ]
    if not able:
        raise DraftFault(f"草稿不支持契约 {contract}。", f"Nothing is drafted for the contract {contract}.")
    # A unit's documents are told apart by what only one kind of them has, and by their names.
    found = [(each, match(sample, each, known)) for each in able]
    best, matched = max(found, key=lambda each: _likely(sample, *each))
    table, codes, questions = table_of(matched, sample, sample.base)
    questions = [*taken_for(best, sample.name), *questions]
    if not outward:
        table |= _when(sample, matched, questions)
        questions += _missing(matched)
    written = sample.written.document()
    mapping = {"written_as": written, "codes": codes, "out" if outward else "in": [table]}
    connection: dict[str, Any] = {"name": "main", "transport": "pull", "receives": [], "mapping": mapping}
    if outward:
        connection |= {"transport": "rest", "receives": [best.contract], "rest": {"endpoint": ENDPOINT}}
        questions.append(Question(f"地址未知,暂写 {ENDPOINT}", f"the address is unknown, {ENDPOINT} for now"))
    else:
        questions.append(
            Question(
                "单位怎样送来?可写 inbound(单位来调)、poll(枢纽去取)或换传输方式",
                "how does it come? inbound (the unit calls), poll (the hub asks), or another transport",
            )
        )
    return made(unit, connection, questions)


def _likely(sample: Described, contract: ContractTargets, matched: Matched) -> float:
    """How likely a sample is of a contract; its own state (签收, FINISHED) says more than its names."""
    named = 2 * told_by_name(sample.about, contract, vocabulary())
    stated = 3 * told_by_name(sample.state, contract, vocabulary())
    return matched.worth + named + stated - lacking(matched)


def _when(sample: Described, matched: Matched, questions: list[Question]) -> dict[str, Any]:
    """By which value documents of this kind are told from others, where a field says so."""
    taken = {each.field.path for each in matched.matches}
    for field in sample.fields:
        said = field.samples[0] if field.samples else ""
        if field.path not in taken and field.name.lower() in DISCRIMINATORS and said and not said.isdigit():
            base = len(parse_path(sample.base)) if sample.base else 0
            path = path_text(parse_path(field.path)[base:])
            questions.append(
                Question(
                    f"{field.path} = {said} 时才用此表,请核对",
                    f"the table holds where {field.path} is {said}: check it",
                )
            )
            return {"when": [{"path": path, "equals": said[:200]}]}
    return {}


def _missing(matched: Matched) -> list[Question]:
    needed = {"envelope.case_number", "description", "reason", "reason_code", "category_code", "place.longitude"}
    return [
        Question(
            f"{matched.contract.contract} 的 {target.path} 没有找到来源",
            f"{target.path} of {matched.contract.contract} has no source",
        )
        for target in matched.unmet
        if target.path in needed
    ]
