"""Which field of the unit is which field of the contract: by name, by label and by type, with a confidence. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from adapters.drafting.fields import Described, Shape, UnitField
from adapters.drafting.values import date_pattern_of, our_code, reads_as_number
from adapters.drafting.vocabulary import (
    DECORATION,
    ContractTargets,
    Synonym,
    Target,
    Vocabulary,
    alike,
    is_han,
    vocabulary,
    words_of,
)

TAKEN_FROM = 0.5
"""A match with less confidence is only a question."""
SURE_FROM = 0.8
"""A match with less is written, and asked about."""

ONLY_MOMENT = 0.6
PLAIN_MOMENTS = frozenset({"time", "ts", "timestamp", "时间戳"})
"""Names of a moment that do not say which."""

MOMENTS = frozenset({"due_at", "acknowledge_by", "done_at", "time", "until", "observed_at"})
NUMBERS = frozenset({"longitude", "latitude"})
WHOLES = frozenset({"dispatch_number", "round", "sequence"})
LISTS = frozenset({"photos"})


@dataclass(frozen=True, slots=True)
class Match:
    """One field of the unit is one of the contract, with this confidence (0 to 1), because of ``by``."""

    field: UnitField
    target: Target
    confidence: float
    by: str


@dataclass(frozen=True, slots=True)
class Matched:
    """A document matched with a contract: what fits, the unit's fields that are left, the contract's that are left."""

    contract: ContractTargets
    matches: tuple[Match, ...]
    left: tuple[tuple[UnitField, Match | None], ...]
    unmet: tuple[Target, ...]

    @property
    def worth(self) -> float:
        """How much of the contract is in the document; an operation's name counts besides."""
        return sum(match.confidence for match in self.matches)


def match(document: Described, contract: ContractTargets, vocabulary: Vocabulary) -> Matched:
    """The best matches, each field and each target once: the surest first."""
    found = [
        Match(field, target, *best)
        for field in document.fields
        for target in contract.fields
        if (best := _confidence(field, target.meaning, vocabulary))[0] > 0.3
    ]
    # Of equals the one that comes first in the unit's document, then in the contract.
    found.sort(key=lambda each: -each.confidence)
    taken: list[Match] = []
    fields: set[int] = set()
    targets: set[str] = set()
    for each in found:
        if each.confidence >= TAKEN_FROM and id(each.field) not in fields and each.target.path not in targets:
            taken.append(each)
            fields.add(id(each.field))
            targets.add(each.target.path)
    taken = _moved(taken, contract)
    targets = {each.target.path for each in taken}
    left = tuple(
        (field, next((each for each in found if each.field is field and each.target.path not in targets), None))
        for field in document.fields
        if id(field) not in fields
    )
    unmet = tuple(target for target in contract.fields if target.path not in targets)
    return Matched(contract, tuple(taken), left, unmet)


def _moved(taken: list[Match], contract: ContractTargets) -> list[Match]:
    """A document's only moment, where its name says no more, is rather when it happened than when it was sent."""
    have = {each.target.meaning for each in taken}
    happened = next((each for each in contract.fields if each.meaning in ("done_at", "observed_at")), None)
    if happened is None or happened.meaning in have:
        return taken
    return [
        replace(each, target=happened, confidence=min(each.confidence, ONLY_MOMENT))
        if each.target.meaning == "time" and each.by in PLAIN_MOMENTS
        else each
        for each in taken
    ]


def told_by_name(about: str, contract: ContractTargets, vocabulary: Vocabulary) -> float:
    """How much the name of an operation says that it is for a contract, 0 to 1."""
    words = set(words_of(about, vocabulary.known | frozenset(contract.words)))
    said = [word for word in contract.words if (word in about if is_han(word) else word in words)]
    # The words stand in the order of what they say: `dispatch` more than `case`.
    return max((1 - 0.5 * contract.words.index(word) / len(contract.words) for word in said), default=0.0)


def _confidence(field: UnitField, meaning: str, vocabulary: Vocabulary) -> tuple[float, str]:
    synonyms = vocabulary.synonyms[meaning]
    best, by = 0.0, ""
    for text in (field.name, field.label):
        for rank, synonym in enumerate(synonyms):
            # Of two names that fit alike the one that the table has first says more.
            score = _alike(text, synonym, vocabulary) - rank / 10_000 if text else 0.0
            if score > best:
                best, by = score, synonym.said
    above = field.path.rpartition(".")[0].rpartition(".")[2]
    if above and best < 0.95:
        # `LOC.X` is the x of a place, `order.no` the number of an order.
        for synonym in synonyms:
            score = 0.97 * _alike(f"{above} {field.name}", synonym, vocabulary)
            if score > best:
                best, by = score, synonym.said
    if meaning not in LISTS and alike(words_of(above, vocabulary.known)) & {"pic", "file"}:
        # The name or the bytes of a picture say nothing of the case.
        best *= 0.3
    return best * _fits(field, meaning), by


def _alike(text: str, synonym: Synonym, vocabulary: Vocabulary) -> float:
    if is_han(text):
        return _alike_in_chinese(text, synonym)
    words = words_of(text, vocabulary.known)
    squashed = "".join(words)
    if not squashed:
        return 0.0
    if synonym.pinyin:
        return _alike_in_pinyin(squashed, synonym)
    if is_han(synonym.said):
        return 0.0
    if squashed == synonym.squashed:
        return 0.95
    meant = alike(words)
    if meant == synonym.words:
        return 0.9
    plain = meant - DECORATION
    if plain and plain == synonym.words - DECORATION:
        return 0.82
    if synonym.words and synonym.words < meant:
        return 0.5 + 0.3 * len(synonym.words) / len(meant)
    if len(squashed) > 4 and len(synonym.squashed) > 4:
        ratio = difflib.SequenceMatcher(None, squashed, synonym.squashed).ratio()
        return 0.6 if ratio > 0.87 else 0.0
    return 0.0


def _alike_in_chinese(text: str, synonym: Synonym) -> float:
    label = "".join(letter for letter in text if is_han(letter) or letter.isalnum())
    if not is_han(synonym.said):
        return 0.0
    if label == synonym.said:
        return 0.97
    # A label says more than the name: 案件编号(必填).
    if label.startswith(synonym.said) or label.endswith(synonym.said):
        return 0.55 + 0.35 * len(synonym.said) / len(label)
    return 0.45 + 0.3 * len(synonym.said) / len(label) if synonym.said in label else 0.0


def _alike_in_pinyin(squashed: str, synonym: Synonym) -> float:
    if squashed == synonym.pinyin:
        return 0.95
    if squashed == synonym.initials and len(squashed) > 1:
        # Two letters stand for many words.
        return {2: 0.7, 3: 0.82}.get(len(squashed), 0.9)
    return 0.0


def _fits(field: UnitField, meaning: str) -> float:
    """How well the type goes with the meaning: 1 where nothing speaks against it."""
    samples = [sample for sample in field.samples if sample]
    dated = field.shape is Shape.MOMENT or _dated(samples)
    if meaning in MOMENTS:
        if dated or (field.shape is Shape.TEXT and not samples) or (field.shape is Shape.INTEGER and not samples):
            return 1.0
        return 0.3
    if dated:
        return 0.3
    numeric = field.shape in (Shape.INTEGER, Shape.NUMBER) or (bool(samples) and all(map(reads_as_number, samples)))
    if meaning in NUMBERS:
        return 1.0 if numeric or not samples else 0.3
    if meaning == "final":
        plain = not samples or {each.lower() for each in samples} <= {"0", "1", "true", "false"}
        return 1.0 if field.shape is Shape.BOOLEAN or plain else 0.4
    if field.shape is Shape.BOOLEAN:
        return 0.3
    if meaning == "result" and any(is_han(each) for each in samples):
        # A word that is no result is rather a state: 签收.
        return 1.0 if any(our_code("result", each, "", vocabulary()) for each in samples) else 0.5
    if meaning in WHOLES:
        return 1.0 if numeric or not samples else 0.5
    if field.element is not None and meaning not in LISTS:
        return 0.3
    if meaning in ("description", "handler", "address", "reason") and numeric and samples:
        return 0.5
    return 1.0


def _dated(samples: Sequence[str]) -> bool:
    return bool(samples) and date_pattern_of(samples) is not None
