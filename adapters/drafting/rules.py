"""Matches as the rules of a mapping: dates, code tables, coordinates and lists, each with its confidence as a note."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adapters.drafting.fields import Question, Shape, UnitField
from adapters.drafting.matching import MOMENTS, SURE_FROM, Match, Matched
from adapters.drafting.values import date_pattern_of, date_pattern_said, our_code, separator_in
from adapters.drafting.vocabulary import Vocabulary
from adapters.mapping.agreed import kind_at
from contracts.messages import CoordinateSystem
from contracts.paths import Path, parse_path, path_text

CODED = frozenset({"result", "reason_code", "duty", "level"})
"""Fields of the contracts that hold one of a few words."""
FIRST_GUESS = {"result": "done", "reason_code": "other"}
"""What a unit's first code is taken for where nothing says what it means; it is asked about."""
USUAL_DATE = "%Y-%m-%d %H:%M:%S"

_KINDS = {"integer": "integer", "number": "number", "boolean": "boolean"}


@dataclass(slots=True)
class Written:
    """The rules of one table, the code tables that they name, and what a person has to settle."""

    fields: list[dict[str, Any]] = field(default_factory=list)
    codes: list[dict[str, Any]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def write_rules(matched: Matched, vocabulary: Vocabulary, base: str = "") -> Written:
    """The rules of a table, in the order of the contract's fields."""
    made = Written()
    by_path = {match.target.path: match for match in matched.matches}
    for target in matched.contract.fields:
        match = by_path.get(target.path)
        if match is None or target.meaning == "latitude":
            continue
        if target.meaning == "longitude":
            _coordinates(match, by_path.get("place.latitude"), matched, made, base)
            continue
        rule = _rule(match, matched, vocabulary, made, base)
        if rule is not None:
            made.fields.append(rule)
    lonely = by_path.get("place.latitude")
    if lonely is not None and "place.longitude" not in by_path:
        made.questions.append(_question(lonely.field, "只找到纬度", "only a latitude was found"))
    _ask(matched, made)
    return made


def _rule(match: Match, matched: Matched, vocabulary: Vocabulary, made: Written, base: str) -> dict[str, Any] | None:
    theirs, ours, outward = below(match.field.path, base), match.target.path, matched.contract.outward
    rule: dict[str, Any] = {"to": theirs, "from": ours} if outward else {"to": ours, "from": theirs}
    if match.target.meaning in MOMENTS:
        rule["date"] = _date(match, made)
    elif match.target.meaning == "photos":
        rule |= _photos(match.field, outward)
    elif ours in CODED:
        name = f"{ours}_{len(made.codes) + 1}" if any(each["name"] == ours for each in made.codes) else ours
        table = _codes(match, name, vocabulary, made)
        if table is None:
            return None
        made.codes.append(table)
        rule["codes"] = name
    else:
        rule |= _kind(match, matched, made)
    if not outward and match.target.meaning == "case_number" and ours.startswith("envelope."):
        rule["required"] = True
    return {**rule, "note": _note(match)}


def _date(match: Match, made: Written) -> str:
    field = match.field
    found = date_pattern_of(field.samples) or date_pattern_said(field.label)
    if found is not None:
        return found
    if field.shape is Shape.MOMENT:
        return "iso"
    if field.shape is Shape.INTEGER:
        made.questions.append(
            _question(field, "时间戳是毫秒还是秒?暂按毫秒", "milliseconds or seconds? milliseconds for now")
        )
        return "epoch_milliseconds"
    made.questions.append(
        _question(field, f"日期格式未知,暂按 {USUAL_DATE}", f"the form of its date is unknown, {USUAL_DATE} for now")
    )
    return USUAL_DATE


def _photos(field: UnitField, outward: bool) -> dict[str, Any]:
    if field.element is not None:
        inside = {"to": field.element, "from": "."} if outward else {"to": ".", "from": field.element}
        return {"each": [inside]}
    separator = separator_in(field.samples) or ","
    return {"join": {"by": separator}} if outward else {"split": {"by": separator}}


def _kind(match: Match, matched: Matched, made: Written) -> dict[str, Any]:
    field = match.field
    ours = kind_at(matched.contract.contract, parse_path(match.target.path)) or "string"
    if match.target.path.startswith("envelope."):
        return {}
    if not matched.contract.outward:
        if ours in _KINDS and (ours, field.shape.value) != (_KINDS[ours], _KINDS[ours]):
            return {"as": _KINDS[ours]}
        return {"as": "text"} if ours == "string" and field.shape is not Shape.TEXT else {}
    if field.shape in (Shape.INTEGER, Shape.NUMBER) and ours == "string":
        made.questions.append(
            _question(
                field, "对方要数字,契约是文本,需要码表", "it wants a number, the contract has a text: a code table"
            )
        )
    if field.codes and ours == "string":
        listed = "、".join(f"{code} {label}".strip() for code, label in field.codes[:12])
        made.questions.append(_question(field, f"需要码表:{listed}", f"it needs a code table: {listed}"))
    return {"as": "text"} if ours in _KINDS and field.shape is Shape.TEXT else {}


def _codes(match: Match, name: str, vocabulary: Vocabulary, made: Written) -> dict[str, Any] | None:
    field, path = match.field, match.target.path
    listed = field.codes or tuple((sample, "") for sample in field.samples[:1])
    pairs, unknown = [], []
    for code, label in listed:
        ours = our_code(path, code, label, vocabulary)
        if ours is None:
            unknown.append(f"{code} {label}".strip())
        else:
            pairs.append({"ours": ours, "theirs": code})
    said = "、".join(unknown[:12]) or "—"
    if unknown or not field.codes:
        made.questions.append(
            _question(
                field, f"码表 {name} 不完整,未知代码会待处理:{said}", f"the code table {name} is not whole: {said}"
            )
        )
    if not pairs and listed and path in FIRST_GUESS:
        # Better a table that parks what it does not know than no rule: without one every answer would be `done`.
        pairs = [{"ours": FIRST_GUESS[path], "theirs": listed[0][0]}]
    return {"name": name, "unknown": "park", "pairs": pairs} if pairs else None


def _coordinates(x: Match, y: Match | None, matched: Matched, made: Written, base: str) -> None:
    if y is None:
        made.questions.append(_question(x.field, "只找到经度", "only a longitude was found"))
        return
    system = _system(x.field)
    place = {
        "system": system.value,
        "longitude": below(x.field.path, base),
        "latitude": below(y.field.path, base),
    }
    end = {"from": "place"} if matched.contract.outward else {"to": "place"}
    rule: dict[str, Any] = {**end, "coordinates": place}
    numeric = x.field.shape in (Shape.INTEGER, Shape.NUMBER)
    if matched.contract.outward and not numeric:
        rule["as"] = "text"
    made.fields.append({**rule, "note": _note(min(x, y, key=lambda each: each.confidence))})
    made.questions.append(
        Question(
            f"{x.field.path}、{y.field.path}:坐标系未知,暂按 {system.value}(WGS84、CGCS2000、GCJ02)",
            f"{x.field.path}, {y.field.path}: the datum is unknown, {system.value} for now",
        )
    )


def _system(field: UnitField) -> CoordinateSystem:
    said = f"{field.path} {field.label}".lower()
    if "gcj" in said or "高德" in said or "火星" in said:
        return CoordinateSystem.GCJ02
    return CoordinateSystem.CGCS2000 if "cgcs" in said or "2000" in said else CoordinateSystem.WGS84


def _ask(matched: Matched, made: Written) -> None:
    for match in matched.matches:
        if match.confidence < SURE_FROM:
            made.questions.append(
                _question(
                    match.field,
                    f"可能是 {match.target.path}({match.confidence:.0%}),请核对",
                    f"perhaps {match.target.path} ({match.confidence:.0%}): check it",
                )
            )
    for left, guess in matched.left:
        must = (
            ("对方必填,暂填占位;", "the unit requires it, a placeholder stands there; ") if left.required else ("", "")
        )
        label = f" {left.label}" if left.label else ""
        more = (f",也许是 {guess.target.path}", f", perhaps {guess.target.path}") if guess else ("", "")
        made.questions.append(
            _question(
                left, f"{must[0]}没有对应的契约字段{more[0]}{label}", f"{must[1]}no field of the contract{more[1]}"
            )
        )


def _note(match: Match) -> str:
    return f"{match.confidence:.0%} {match.by}"


def _question(field: UnitField, zh: str, en: str) -> Question:
    return Question(f"{field.path}:{zh}", f"{field.path}: {en}")


def below(path: str, base: str) -> str:
    if not base:
        return path
    whole, above = parse_path(path), parse_path(base)
    inner: Path = whole[len(above) :]
    # What stands elsewhere is told from the document's root.
    return path_text(inner) if whole[: len(above)] == above else f"/{path}"
