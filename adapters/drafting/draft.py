"""A draft: a profile that can be applied, and the questions that a person answers first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from adapters.drafting.fields import DraftFault, Question
from adapters.drafting.vocabulary import ContractTargets
from adapters.mapping.mapper import refused_rules
from contracts.checking import violations_of
from contracts.profile import SCHEMA_URL, Profile
from contracts.yaml_text import write_yaml

UNIT = "unit-id"
ENDPOINT = "https://unit.example/letters"


@dataclass(frozen=True, slots=True)
class Draft:
    """A profile that can be applied, and the questions that a person answers first."""

    profile: Profile
    questions: tuple[Question, ...]

    def text(self, schema: str = SCHEMA_URL) -> str:
        """The profile as YAML; the questions stand above it as comments."""
        head = [
            f"# yaml-language-server: $schema={schema}",
            "# 草稿:note 是把握和依据;核对后删去。 A draft: notes say how sure and why; check, then drop them.",
        ]
        if self.questions:
            head.append("# 待确认 / Open questions:")
            head += [f"#  - {_one_line(each.zh)} / {_one_line(each.en)}" for each in self.questions]
        return "\n".join(head) + "\n" + write_yaml(self.profile.said())


def made(unit: str, connection: dict[str, Any], questions: list[Question]) -> Draft:
    """The draft of one connection. A rule that cannot be compiled becomes a question."""
    if unit == UNIT:
        questions.insert(0, Question("unit 须改为城市名录中的单位", "unit must be one of the city's directory"))
    said = {"profile": "1.0", "unit": unit, "connections": [connection]}
    mapping = connection.get("mapping")
    if mapping is not None:
        _without_empty(mapping)
        profile = _profile(said)
        held = profile.connections[0].mapping
        bad = refused_rules(held) if held is not None else ()
        questions += [Question(rule.zh, rule.en) for rule in bad]
        gone = {rule.place[:4] for rule in bad}
        for way in ("out", "in"):
            for number, table in enumerate(mapping[way]):
                rules = enumerate(table["fields"])
                table["fields"] = [rule for index, rule in rules if (way, number, "fields", index) not in gone]
        _without_empty(mapping)
    return Draft(_profile(said), tuple(dict.fromkeys(questions)))


def _profile(said: dict[str, Any]) -> Profile:
    try:
        return Profile.model_validate_json(orjson.dumps(said))
    except ValidationError as fault:
        # What the description holds has no place in a profile: an address that is none, a code of a thousand letters.
        first = violations_of(fault)[0]
        zh = f"描述中的内容写不进档案:{first.pointer} {first.zh}"
        raise DraftFault(zh, f"The description has what no profile holds: {first.pointer} {first.en}") from None


def _without_empty(mapping: dict[str, Any]) -> None:
    for way in ("out", "in"):
        mapping[way] = [table for table in mapping.get(way, []) if table["fields"]]


def _one_line(text: str) -> str:
    # A description's words must not end the comment.
    return "".join(letter if letter.isprintable() else " " for letter in text)[:300]


def taken_for(contract: ContractTargets, name: str) -> list[Question]:
    way = ("发给单位", "to the unit") if contract.outward else ("单位发来", "from the unit")
    return [
        Question(
            f"{name} 当作 {contract.contract}({way[0]}),请核对", f"{name} is taken for {contract.contract}, {way[1]}"
        )
    ]


def unused(name: str, about: str) -> Question:
    more = about.replace(name, "").strip()
    said = f"{name}({more})" if more else name
    return Question(f"操作 {said} 没有用到", f"the operation {name} is not used")
