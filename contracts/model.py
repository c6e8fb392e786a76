"""The base of every contract model, and the subset that JSON, XML Schema and other languages all carry.

No unions, no free maps, no null: a field that is not known is left out. Lists have named elements; fields keep
their order and only grow.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    Strict,
    StringConstraints,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

T = TypeVar("T")


class RuleBroken(ValueError):
    """What a model's own rule says, in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh


class _AbsentNeverNull:
    """Turns ``T | None`` into a field that may be left out but, when it is there, is a ``T``: null is refused."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        if schema["type"] != "nullable":
            raise TypeError(f"an optional contract field must be `T | None`, not {source!r}")
        inner: CoreSchema = schema["schema"]
        return inner


Optionally = Annotated[T | None, _AbsentNeverNull()]
"""A field that may be absent: ``address: Optionally[Line] = None``."""


_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?")


def _rfc3339(value: Any) -> Any:
    # pydantic would read 1700000000 or "2026-11-23 11:40" as a moment; a contract's moment is RFC 3339 with a zone.
    if isinstance(value, int | float) or (isinstance(value, str) and not _RFC3339.fullmatch(value)):
        raise RuleBroken("时间应为带时区的 RFC 3339 文本", "a moment is RFC 3339 text with a time zone")
    return value


def _in_living_memory(value: datetime) -> datetime:
    # Year 1 or 9999 overflows when it is moved to another zone; no case of a city lies there.
    if not 2000 <= value.year < 2200:
        raise RuleBroken("时间应在 2000 年至 2199 年之间", "a moment lies between the years 2000 and 2200")
    return value


# Control characters have no form in XML 1.0, and PostgreSQL stores no NUL; a text of blanks says nothing.
_SAFE = "[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\uFFFE\\uFFFF]"
_SAYS_SOMETHING = f"^{_SAFE}*[^\\u0000-\\u0020\\u3000\\uFFFE\\uFFFF]{_SAFE}*$"

Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]*$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_SAYS_SOMETHING)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=_SAYS_SOMETHING)]
# The text was judged before; what is read from it is then lax.
Moment = Annotated[AwareDatetime, Strict(False), BeforeValidator(_rfc3339), AfterValidator(_in_living_memory)]


class Model(BaseModel):
    """A frozen contract value: unknown fields are refused, text is checked, absent fields stay absent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, str_max_length=20_000)

    def document(self) -> dict[str, Any]:
        """The JSON-able form, absent fields left out, moments as RFC 3339 text."""
        return self.model_dump(mode="json", exclude_none=True)


class ContractSchema(GenerateJsonSchema):
    """JSON Schema 2020-12 of a contract model, without pydantic's null defaults and generated titles."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out ``default: null``: an absent field has no value, not a null one."""
        made = super().default_schema(schema)
        if made.get("default", ...) is None:
            made.pop("default")
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Titles are written by hand where they help; a generated one only repeats the field's name."""
        return False


def moment_text(moment: datetime) -> str:
    """RFC 3339 text of an aware moment, as contracts carry it."""
    return moment.isoformat()
