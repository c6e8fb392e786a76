"""What a rule does to a value: each operation is made once from the profile, and is then a plain function. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from adapters.documents import values
from adapters.mapping.faults import Trouble
from contracts.coordinates import ImpossibleCoordinates, from_wgs84, to_wgs84
from contracts.mapping import CodeTable, Coordinates, Join, Kind, Longer, NumberFormat, Split, UnknownCode
from contracts.messages import CoordinateSystem

Operation = Callable[[Any], Any]

LIST_MAX = 1000
_SHOWN = 60


def text_of(value: Any) -> str:
    """The text of a scalar, as it is compared and looked up: ``true``, ``12``, ``1.5``. Raises ``Trouble``."""
    if isinstance(value, dict):
        # An element with attributes keeps its text under this name.
        value = value.get("#text", value)
    try:
        return values.text_of(value)
    except ValueError:
        raise not_a("一个值(而不是列表或对象)", "one value, not a list or an object", value) from None


def trimmed(value: Any) -> Any:
    """The text without blanks at its ends, full-width ones included; None if nothing is left."""
    return text_of(value).strip(" \t\r\n\u3000\u00a0") or None


def splitter(split: Split) -> Operation:
    """A text into a list of texts, or into one part of it."""
    by, part = split.by, split.part

    def parts(value: Any) -> list[str]:
        found = [each for each in text_of(value).split(by, LIST_MAX + 1) if each]
        if len(found) > LIST_MAX:
            raise Trouble("list", f"列表超过 {LIST_MAX} 项", f"the list has more than {LIST_MAX} elements")
        return found

    def one(value: Any) -> str | None:
        found = text_of(value).split(by)
        inside = -len(found) <= part < len(found) if part is not None else False
        return (found[part] or None) if part is not None and inside else None

    return parts if part is None else one


def joiner(join: Join) -> Operation:
    """A list of texts into one text. An element that holds the separator is refused: it would come apart elsewhere."""
    by = join.by

    def joined(value: Any) -> str | None:
        if not isinstance(value, list | tuple):
            raise not_a("列表", "a list", value)
        texts = [text_of(each) for each in value]
        if not join.of and any(not text or (by and by in text) for text in texts):
            raise Trouble("join", f"某项为空或含有分隔符 {by}", f"an element is empty or holds the separator {by}")
        return by.join(texts) or None

    return joined


def coder(table: CodeTable, *, outward: bool) -> Operation:
    """A code into the other side's; what the table does not have goes by the table's rule."""
    known: dict[str, str] = {}
    for pair in table.pairs:
        known.setdefault(*((pair.ours, pair.theirs) if outward else (pair.theirs, pair.ours)))
    default = table.default_theirs if outward else table.default_ours
    park = table.unknown is UnknownCode.PARK

    def code(value: Any) -> str:
        found = known.get(value) if type(value) is str else known.get(text_of(value))
        if found is not None:
            return found
        if default is not None:
            return default
        said = shown(value)
        zh, en = f"码表 {table.name} 没有代码 {said}", f"the code table {table.name} has no code {said}"
        raise Trouble("code_unknown", zh, en, park)

    return code


def converter(kind: Kind) -> Operation:
    """A value into a text, an integer, a number or a truth."""
    return {Kind.TEXT: text_of, Kind.INTEGER: integer_of, Kind.NUMBER: _number, Kind.BOOLEAN: _truth}[kind]


def fixed(decimals: int) -> Operation:
    """A number as text with a fixed count of decimals."""
    step = Decimal(1).scaleb(-decimals)

    def written(value: Any) -> str:
        try:
            return f"{_decimal(value).quantize(step, ROUND_HALF_UP):f}"
        except InvalidOperation:
            raise not_a("位数合理的数字", "a number of reasonable length", value) from None

    return written


def number_writer(given: NumberFormat) -> Operation:
    """A number as the unit writes it: grouped, with its point, filled up with zeros."""

    def written(value: Any) -> str:
        number = _decimal(value)
        text = f"{number:f}"
        sign, plain = ("-", text[1:]) if text.startswith("-") else ("", text)
        whole, point, rest = plain.partition(".")
        if given.digits is not None:
            if point or len(whole) > given.digits:
                raise not_a(f"至多 {given.digits} 位的整数", f"a whole number of at most {given.digits} digits", value)
            whole = whole.zfill(given.digits)
        if given.grouping is not None:
            whole = f"{int(whole):,}".rjust(len(whole), "0").replace(",", given.grouping)
        return f"{sign}{whole}{given.point if point else ''}{rest}"

    return written


def number_reader(given: NumberFormat) -> Operation:
    """The unit's number as a plain one; full-width digits are read too."""

    def plain(value: Any) -> str:
        text = unicodedata.normalize("NFKC", text_of(value)).strip()
        if given.grouping is not None:
            whole, point, rest = text.partition(given.point)
            text = f"{whole.replace(given.grouping, '')}{point}{rest}"
        text = text.replace(given.point, ".")
        if not re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,30})?", text):
            raise not_a("数字", "a number", value)
        return text

    return plain


def limiter(limit: int, longer: Longer) -> Operation:
    """A text no longer than the limit, in characters."""

    def limited(value: Any) -> str:
        text = text_of(value)
        if len(text) <= limit:
            return text
        if longer is Longer.CUT:
            return text[:limit]
        raise Trouble("too_long", f"文本有 {len(text)} 字,上限 {limit}", f"{len(text)} characters, at most {limit}")

    return limited


def place_writer(wanted: Coordinates) -> Callable[[Any], tuple[float, float]]:
    """A contract place as the unit's longitude and latitude."""

    def coordinates(value: Any) -> tuple[float, float]:
        if not isinstance(value, dict):
            raise not_a("位置", "a place", value)
        given = CoordinateSystem(value.get("system", CoordinateSystem.WGS84))
        longitude, latitude = _number(value.get("longitude")), _number(value.get("latitude"))
        if given is not wanted.system:
            try:
                place = to_wgs84(longitude, latitude, given)
                place = from_wgs84(place.longitude, place.latitude, wanted.system)
            except ImpossibleCoordinates as fault:
                raise Trouble("coordinates", fault.zh, fault.en) from None
            longitude, latitude = place.longitude, place.latitude
        return round(longitude, wanted.digits), round(latitude, wanted.digits)

    return coordinates


def place_reader(given: Coordinates) -> Callable[[Any, Any], dict[str, Any] | None]:
    """The unit's coordinates as a contract place in the unit's datum: the hub converts, in its one place for it."""

    def place(longitude: Any, latitude: Any) -> dict[str, Any] | None:
        if longitude is None and latitude is None:
            return None
        if longitude is None or latitude is None:
            raise Trouble("coordinates", "经度纬度缺一", "longitude or latitude is missing")
        return {"longitude": _number(longitude), "latitude": _number(latitude), "system": given.system.value}

    return place


def shown(value: Any) -> str:
    """A value as an error repeats it: bounded."""
    text = value if isinstance(value, str) else repr(value)[: 2 * _SHOWN]
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def integer_of(value: Any) -> int:
    """An integer, or a text that is one. Raises ``Trouble``."""
    if type(value) is int:
        return value
    text = text_of(value).strip()
    if re.fullmatch(r"[+-]?[0-9]{1,18}(\.0{1,9})?", text):
        return int(text.partition(".")[0])
    raise not_a("整数", "an integer", value)


def _number(value: Any) -> float:
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    if not isinstance(value, bool) and value is not None:
        text = text_of(value).strip()
        if re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", text):
            return float(text)
    raise not_a("数字", "a number", value)


def _decimal(value: Any) -> Decimal:
    return Decimal(text_of(_number(value)))


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    found = {"true": True, "1": True, "false": False, "0": False}.get(text_of(value).strip().lower())
    if found is None:
        raise not_a("true/false 或 1/0", "true, false, 1 or 0", value)
    return found


def not_a(zh: str, en: str, value: Any) -> Trouble:
    """The trouble with a value of another kind."""
    said = shown(value)
    return Trouble("type", f"应为{zh},实为 {said}", f"must be {en}, is {said}")
