"""Which operation of a unit is for which contract: by what it takes and by its name. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.drafting.fields import Described, Shape
from adapters.drafting.matching import Matched, match, told_by_name
from adapters.drafting.vocabulary import ContractTargets, vocabulary

WORTH_MIN = 1.5
"""What an operation must be worth before it is taken for a contract's."""


def chosen(requests: Sequence[Described]) -> list[tuple[ContractTargets, Described, Matched]]:
    """For each contract that the hub sends, the operation that is most likely its own."""
    known = vocabulary()
    rated = []
    for contract in known.contracts:
        if not contract.outward:
            continue
        for request in requests:
            matched = match(request, contract, known)
            named = told_by_name(request.about, contract, known)
            # One that takes a document as a text has nothing that could be matched: its name must do.
            textual = not matched.matches and any(each.shape is Shape.TEXT for each in request.fields)
            if matched.worth + named >= WORTH_MIN or named >= (0.5 if textual else 0.9):
                rated.append((matched.worth / 4 + 2 * named - lacking(matched), contract, request, matched))
    rated.sort(key=lambda each: -each[0])
    made: list[tuple[ContractTargets, Described, Matched]] = []
    for _, contract, request, matched in rated:
        if all(contract.contract != each[0].contract and request.name != each[1].name for each in made):
            made.append((contract, request, matched))
    return sorted(made, key=lambda each: known.contracts.index(each[0]))


def lacking(matched: Matched) -> float:
    """What it counts against a contract that the document has little of it."""
    needs = [target for target in matched.contract.fields if not target.path.startswith("envelope.")]
    have = {each.target.path for each in matched.matches}
    return 1.5 * (1 - len([each for each in needs if each.path in have]) / max(len(needs), 1))
