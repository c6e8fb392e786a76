"""What a unit's own answer means, by its profile's rules: "200 with an error inside" is a refusal or a retry. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.documents import DocumentFault, read_document
from adapters.mapping.reaching import compile_conditions, reach
from contracts.nouns import Receipt
from contracts.paths import Path, parse_path
from contracts.port import DeliveryFailed, Refused, Unauthorised, Unavailable
from contracts.ways.answers import AnswerRule, AnswerRules, Meaning

REASON_MAX = 500
_WORDS = {
    Meaning.REFUSED: ("对方拒收", "the unit refused the letter"),
    Meaning.RETRY: ("对方要求稍后重试", "the unit asks to send again later"),
    Meaning.UNAUTHORISED: ("对方不认可凭据", "the unit does not accept the credentials"),
}


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: AnswerRule
    holds: Callable[[Any], bool]
    reason: Path


class Answers:
    """One connection's rules, compiled once."""

    def __init__(self, rules: AnswerRules) -> None:
        self._written = rules.written_as
        self._rules = [
            _Compiled(rule, compile_conditions(rule.when), parse_path(rule.reason) if rule.reason else ())
            for rule in rules.rules
        ]

    def of_bytes(self, status: int, raw: bytes) -> Receipt | DeliveryFailed | None:
        """What an answer's bytes mean; ``None`` where no rule holds: the status decides then."""
        try:
            document = read_document(raw, self._written) if raw else {}
        except DocumentFault:
            # Not what the profile speaks of (a gateway's page, perhaps): rules without conditions may still hold.
            document = {}
        return self.of_document(status, document, raw)

    def of_document(self, status: int, document: Any, raw: bytes) -> Receipt | DeliveryFailed | None:
        """The same for an answer that a transport has parsed."""
        for each in self._rules:
            if each.rule.statuses and status not in each.rule.statuses:
                continue
            if each.holds(document):
                return _outcome(each, status, document, raw)
        return None


def _outcome(each: _Compiled, status: int, document: Any, raw: bytes) -> Receipt | DeliveryFailed:
    means = each.rule.means
    if means is Meaning.PROCESSED:
        return Receipt.PROCESSED
    if means is Meaning.RECEIVED:
        return Receipt.RECEIVED
    zh, en = _WORDS[means]
    told = _told(document, each.reason)
    reason = f"{zh} / {en}" + (f": {told}" if told else f" (HTTP {status})")
    if means is Meaning.REFUSED:
        return Refused(reason, status, raw)
    if means is Meaning.UNAUTHORISED:
        return Unauthorised(reason, status, raw)
    return Unavailable(reason, status, raw, retry_after_seconds=each.rule.retry_after_seconds)


def _told(document: Any, path: Path) -> str:
    """What stands at the path, as the unit's own words; nothing where there is nothing of that kind."""
    here = document
    for part in path:
        if isinstance(here, list) and not isinstance(part, int):
            here = here[0] if here else None
        here = reach(here, part)
    return str(here)[:REASON_MAX] if path and here is not None and not isinstance(here, dict | list) else ""
