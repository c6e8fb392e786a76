"""The unit calls the hub in its own format (``/units/{unit}/in``): who it is, and how it is answered."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.mapping import Encoding, Format, Rule
from contracts.model import Line, Model, Optionally, RuleBroken
from contracts.paths import PATH_PATTERN, PathText, parse_path
from contracts.ways.http import SecretName
from contracts.ways.soap import DocumentText, FileName

TEMPLATE_MAX = 20_000
PLACEHOLDER = re.compile(r"\$\{([^{}]{0,300})\}")
ANSWER_FIELDS = (
    *("outcome", "code", "kind", "status", "reason", "reason_zh", "reason_en"),
    *("case_number", "message_id", "state", "version", "position", "retry_after_seconds", "now"),
)
"""What a template may name; besides, ``${/path}`` is what the unit's own document has there."""
PROBLEM_FIELDS = (
    *("type", "kind", "title", "title_zh", "title_en", "detail", "detail_zh", "detail_en", "retryable", "violations"),
)
"""What a rule of an answer may name under ``problem``; besides the fields above it knows ``request.…``."""


def _strangers(text: str) -> list[str]:
    return [
        name
        for name in PLACEHOLDER.findall(text)
        if name not in (*ANSWER_FIELDS, "inner") and not (name.startswith("/") and re.match(PATH_PATTERN, name))
    ]


class TokenPlace(StrEnum):
    """Where an old system can put what it shows: a header is better than a field, a field better than the address."""

    HEADER = "header"
    FIELD = "field"
    QUERY = "query"


class InboundToken(Model):
    """A text that the unit always sends. ``name`` is the header, the parameter, or the field's path."""

    place: TokenPlace
    name: Annotated[str, Field(min_length=1, max_length=300)]
    secret: SecretName

    @model_validator(mode="after")
    def _names_a_place(self) -> InboundToken:
        if self.place is TokenPlace.FIELD and not re.match(PATH_PATTERN, self.name):
            raise RuleBroken("字段应写成路径,例如 Request.token", "a field is a path, such as Request.token")
        if self.place is not TokenPlace.FIELD and not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.name):
            raise RuleBroken(
                "请求头或参数名只含字母、数字和 _ . -", "the name of a header or a parameter has letters, digits, _ . -"
            )
        return self


class InboundOutcome(StrEnum):
    """What a call came to."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REFUSED = "refused"
    RETRY = "retry"


class InnerDocument(Model):
    """A document that stands as a text where the answer says ``${inner}``."""

    format: Format = Format.XML
    body: Annotated[str, Field(min_length=1, max_length=TEMPLATE_MAX)]


def _names_in(rule: Rule) -> list[str]:
    named = [] if rule.source is None else [rule.source]
    return [*named, *(rule.join.of if rule.join is not None else ()), *(each.path for each in rule.when)]


def _unknown(rules: tuple[Rule, ...]) -> list[str]:
    """What rules name that no outcome has."""
    found = []
    for name in (name for rule in rules for name in _names_in(rule)):
        first, *more = parse_path(name) or ("",)
        known = first in ANSWER_FIELDS or first in ("problem", "request")
        if not known or (first == "problem" and more and more[0] not in PROBLEM_FIELDS):
            found.append(name)
    return found


class InboundAnswer(Model):
    """The answer to one outcome: by a template, or by a field table as in a mapping.

    In a template ``${…}`` in ``body`` stands for what is known, written as the format asks. In a table the rules of
    ``fields`` take their values from what is known, and write the unit's document, below ``base``.
    """

    outcome: InboundOutcome
    status: Annotated[int, Field(ge=200, le=599)] = 200
    code: Optionally[Line] = None
    body: Optionally[Annotated[str, Field(max_length=TEMPLATE_MAX)]] = None
    inner: Optionally[InnerDocument] = None
    base: Optionally[PathText] = None
    fields: Annotated[tuple[Rule, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _is_said_in_one_way(self) -> InboundAnswer:
        if (self.body is None) != bool(self.fields) or (self.base is not None and not self.fields):
            raise RuleBroken(
                "应答写 body(模板)或 fields(字段表)之一;base 与 fields 同用",
                "an answer has a body (template) or fields (a table), one of them; base goes with fields",
            )
        unknown = _unknown(self.fields)
        if unknown:
            known = ", ".join((*ANSWER_FIELDS, "problem.…", "request.…"))
            raise RuleBroken(
                f"应答没有 {unknown[0]};可用:{known}", f"an answer knows no {unknown[0]}; it knows {known}"
            )
        return self

    @model_validator(mode="after")
    def _names_what_there_is(self) -> InboundAnswer:
        inner = self.inner.body if self.inner is not None else ""
        body = self.body or ""
        strange = [*_strangers(body), *_strangers(inner)]
        if strange:
            known = ", ".join(ANSWER_FIELDS)
            raise RuleBroken(
                f"应答模板中没有 ${{{strange[0]}}};可用:{known},或 /路径",
                f"an answer knows no ${{{strange[0]}}}; it knows {known}, or a /path",
            )
        if ("${inner}" in body) != (self.inner is not None) or "${inner}" in inner:
            raise RuleBroken("inner 与正文中的 ${inner} 须成对", "inner goes with ${inner} in the body, once")
        return self


class InboundSettings(Model):
    """How the unit shows who it is, and how it is answered.

    An API key of the hub's always does. Besides: a user and a password of the unit's own (HTTP Basic), or a token.
    """

    user: Optionally[Line] = None
    secret: Optionally[SecretName] = None
    token: Optionally[InboundToken] = None
    answers: Annotated[tuple[InboundAnswer, ...], Field(max_length=4)] = ()
    answer_format: Optionally[Format] = None
    answer_encoding: Optionally[Encoding] = None
    wsdl: Optionally[DocumentText] = None
    wsdl_file: Optionally[FileName] = None

    @model_validator(mode="after")
    def _fits_together(self) -> InboundSettings:
        if (self.user is None) != (self.secret is None):
            raise RuleBroken("user 与 secret 须同时给出", "user and secret go together")
        if self.wsdl is not None and self.wsdl_file is not None:
            raise RuleBroken("wsdl 与 wsdl_file 只能有一个", "there is one of wsdl, wsdl_file")
        if len({each.outcome for each in self.answers}) != len(self.answers):
            raise RuleBroken("每种结果只有一个应答", "each outcome has one answer")
        return self
