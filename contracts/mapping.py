"""The mapping document (映射): how a unit's own document becomes a contract message, and a letter the unit's document.

It is part of a connection's profile. A table has one rule for each field; a rule says where the value comes from, what
happens to it and where it goes. ``from`` and ``to`` are paths; on the hub's side they name fields of the contract's
body, or of the envelope (``envelope.id``, ``envelope.case_number`` …). Values are compared as text.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from contracts.live import INBOUND, OUTBOUND
from contracts.messages import CoordinateSystem
from contracts.model import Code, Line, Model, Optionally, RuleBroken
from contracts.paths import PathText

ENVELOPE = (
    *("id", "case_number", "contract", "time", "sequence", "mode", "version"),
    *("sender_case_id", "actor", "on_behalf_of"),
)
"""What a rule may name under ``envelope``."""

EPOCHS = {"epoch_seconds": 1, "epoch_milliseconds": 1000}
DATE_DIRECTIVES = frozenset("YymdHIMSfpjz%")
"""No names of months or days: they depend on the machine's language."""


class Format(StrEnum):
    """How the unit writes its documents."""

    JSON = "json"
    XML = "xml"
    FORM = "form"
    DELIMITED = "delimited"


class Encoding(StrEnum):
    """How the unit writes its text. GB2312 and GBK are read as GB18030, of which they are parts."""

    UTF_8 = "utf-8"
    GBK = "gbk"
    GB2312 = "gb2312"
    GB18030 = "gb18030"


class UnknownCode(StrEnum):
    """What happens to a code that its table does not have."""

    REFUSE = "refuse"
    DEFAULT = "default"
    PARK = "park"


class Kind(StrEnum):
    """What a value is turned into."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


class Longer(StrEnum):
    """What happens to a text beyond its limit."""

    REFUSE = "refuse"
    CUT = "cut"


def _date_pattern(text: str) -> str:
    if text in EPOCHS or text == "iso":
        return text
    directives = re.findall(r"%(.?)", text)
    strange = [each for each in directives if each not in DATE_DIRECTIVES]
    if strange or not directives:
        raise RuleBroken(
            "日期写作 epoch_seconds、epoch_milliseconds、iso,或由 %Y %m %d %H %M %S %f 组成的格式",
            f"a date is epoch_seconds, epoch_milliseconds, iso, or a pattern of %{', %'.join('YmdHMSf')}",
        )
    return text


def _zone(text: str) -> str:
    if text not in _zones():
        raise RuleBroken(f"没有时区 {text}", f"there is no time zone {text}")
    ZoneInfo(text)
    return text


@cache
def _zones() -> frozenset[str]:
    """The zones there are; to list them is to read every file of theirs, some 20 ms."""
    return frozenset(available_timezones())


Token = Annotated[str, Field(max_length=200)]
Separator = Annotated[str, Field(min_length=1, max_length=8)]
DatePattern = Annotated[str, Field(max_length=40), AfterValidator(_date_pattern)]
Zone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]


class MappingModel(Model):
    """Fields named by a word that Python keeps for itself go by that word in the document."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)


class Namespace(Model):
    """A prefix of the paths, and the namespace that it stands for; the empty prefix is for names without one."""

    prefix: Annotated[str, Field(max_length=32)]
    uri: Line


class Wrap(Model):
    """A document as a text inside the document; paths go on into it. A later one may lie inside an earlier one."""

    inside: PathText
    format: Format = Format.XML
    encoding: Optionally[Encoding] = None
    base64: bool = False
    declaration: bool = True


class Written(Model):
    """How the unit's documents are written, and what of them is a list or a document of its own."""

    format: Format = Format.JSON
    encoding: Optionally[Encoding] = None
    namespaces: Annotated[tuple[Namespace, ...], Field(max_length=20)] = ()
    lists: Annotated[tuple[PathText, ...], Field(max_length=50)] = ()
    wrap: Annotated[tuple[Wrap, ...], Field(max_length=4)] = ()
    declaration: bool = True
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    columns: Annotated[tuple[Line, ...], Field(max_length=200)] = ()
    bytes_max: Annotated[int, Field(ge=1024, le=16 * 1024 * 1024)] = 1024 * 1024


class CodePair(Model):
    """One code: the contract's word and the unit's."""

    ours: Token
    theirs: Token


class CodeTable(Model):
    """A code table (码表). Where several pairs say the same on one side, the first is the one that is written."""

    name: Code
    unknown: UnknownCode
    pairs: Annotated[tuple[CodePair, ...], Field(min_length=1, max_length=2000)]
    default_ours: Optionally[Token] = None
    default_theirs: Optionally[Token] = None

    @model_validator(mode="after")
    def _says_its_default(self) -> CodeTable:
        named = self.default_ours is not None or self.default_theirs is not None
        if named != (self.unknown is UnknownCode.DEFAULT):
            raise RuleBroken(
                "unknown: default 须给出 default_ours 或 default_theirs,其他则不得给出",
                "unknown: default goes with default_ours or default_theirs, another rule with neither",
            )
        return self


class Condition(MappingModel):
    """Holds when the value at ``path`` equals a text, is one of some, exists, or is absent: one of these."""

    path: PathText
    equals: Optionally[Token] = None
    among: Annotated[tuple[Token, ...], Field(alias="in", max_length=100)] = ()
    exists: bool = False
    absent: bool = False

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Condition:
        if (self.equals is not None) + bool(self.among) + self.exists + self.absent != 1:
            raise RuleBroken(
                "一个条件只用 equals、in、exists: true、absent: true 之一",
                "a condition has one of equals, in, exists: true, absent: true",
            )
        return self


class Join(Model):
    """Texts become one text: those of the list at ``from``, or the values at the paths of ``of``."""

    by: Annotated[str, Field(max_length=8)]
    of: Annotated[tuple[PathText, ...], Field(max_length=20)] = ()


class Split(Model):
    """A text becomes a list of texts, or the one at position ``part`` (0 is the first, -1 the last)."""

    by: Separator
    part: Optionally[Annotated[int, Field(ge=-20, le=100)]] = None


class DecimalPoint(StrEnum):
    """How the unit writes the point of a decimal number."""

    POINT = "."
    COMMA = ","


class NumberFormat(Model):
    """How the unit writes numbers: ``1,234.50`` has a grouping, ``0042`` has four digits (whole numbers only)."""

    point: DecimalPoint = DecimalPoint.POINT
    grouping: Optionally[Annotated[str, Field(pattern=r"^[,. '_]$")]] = None
    digits: Optionally[Annotated[int, Field(ge=1, le=18)]] = None

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> NumberFormat:
        if self.grouping == self.point:
            raise RuleBroken("千分位与小数点不得相同", "the grouping is not the point")
        return self


class Coordinates(Model):
    """The unit's two coordinates and their datum; on the hub's side stands a place."""

    longitude: PathText
    latitude: PathText
    system: CoordinateSystem
    digits: Annotated[int, Field(ge=0, le=12)] = 7


class Rule(MappingModel):
    """One field. The value is fetched, then trimmed, split, coded, dated, converted, joined, limited, and put."""

    to: Optionally[PathText] = None
    source: Annotated[Optionally[PathText], Field(alias="from")] = None
    constant: Optionally[Token] = None
    expression: Optionally[Annotated[str, Field(min_length=1, max_length=2000)]] = None
    default: Optionally[Token] = None
    required: bool = False
    when: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
    trim: bool = False
    split: Optionally[Split] = None
    codes: Optionally[Code] = None
    date: Optionally[DatePattern] = None
    zone: Optionally[Zone] = None
    kind: Annotated[Optionally[Kind], Field(alias="as")] = None
    decimals: Optionally[Annotated[int, Field(ge=0, le=12)]] = None
    number: Optionally[NumberFormat] = None
    each: Annotated[tuple[Rule, ...], Field(max_length=100)] = ()
    join: Optionally[Join] = None
    limit: Optionally[Annotated[int, Field(ge=1, le=20_000)]] = None
    longer: Longer = Longer.REFUSE
    coordinates: Optionally[Coordinates] = None
    note: Optionally[Line] = None

    @model_validator(mode="after")
    def _fits_together(self) -> Rule:
        joined = self.join is not None and bool(self.join.of)
        origins = [self.source is not None, self.constant is not None, self.expression is not None, joined]
        if self.coordinates is not None:
            if (self.to is None) == (self.source is None) or sum(origins[1:]) or self.each:
                raise RuleBroken(
                    "coordinates 只与取自位置的 from(发出)或写到位置的 to(收进)同用",
                    "coordinates go with `from` a place (out) or `to` a place (in), and with nothing else",
                )
            return self
        if self.to is None:
            raise RuleBroken("规则须写明 to", "a rule says `to`")
        if sum(origins) != 1:
            raise RuleBroken(
                "规则只用 from、constant、expression、join.of 之一",
                "a rule has one of from, constant, expression, join.of",
            )
        if self.zone is not None and self.date is None:
            raise RuleBroken("zone 与 date 同用", "zone goes with date")
        if self.each and (self.codes or self.date or self.kind or self.split or self.join):
            raise RuleBroken(
                "对列表每一项的处理写在 each 之下", "what happens to each element of a list is said under each"
            )
        return self


class Table(MappingModel):
    """All fields of one contract. ``when`` tells which documents of the unit are of this contract (in)."""

    contract: Code
    base: Optionally[PathText] = None
    when: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
    fields: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=200)]
    written_as: Optionally[Written] = None


class UnitMapping(MappingModel):
    """The mapping of one connection: out (letters to the unit) and in (what the unit sends)."""

    written_as: Written = Written()
    zone: Zone = "Asia/Shanghai"
    codes: Annotated[tuple[CodeTable, ...], Field(max_length=50)] = ()
    out: Annotated[tuple[Table, ...], Field(max_length=40)] = ()
    into: Annotated[tuple[Table, ...], Field(alias="in", max_length=40)] = ()
    photos_at: Annotated[tuple[PathText, ...], Field(max_length=20)] = ()
    """Where the unit's documents have photos as base64: each becomes an attachment before the tables read."""

    @model_validator(mode="after")
    def _names_what_there_is(self) -> UnitMapping:
        sent = {model.contract.partition("/")[0] for model in OUTBOUND}
        taken = {model.contract.partition("/")[0] for model in INBOUND}
        ways = (
            (self.out, sent, "枢纽发出", "the hub sends"),
            (self.into, taken, "单位可以发送", "a unit may send"),
        )
        for tables, names, zh, en in ways:
            for table in tables:
                if table.contract not in names:
                    raise RuleBroken(f"{table.contract} 不是{zh}的契约", f"{table.contract} is no contract that {en}")
        if self.photos_at and any(table.written_as is not None for table in self.into):
            raise RuleBroken(
                "有 photos_at 时,各张 in 表书写方式相同,不得另写 written_as",
                "with photos_at all in tables are written alike: they have no written_as of their own",
            )
        named = [table.name for table in self.codes]
        if len(set(named)) != len(named):
            raise RuleBroken("两张码表同名", "two code tables have the same name")
        return self
