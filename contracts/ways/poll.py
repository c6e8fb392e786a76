"""Polling (轮询): the hub asks a unit that cannot call, over REST or SOAP, from where it last stopped."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.mapping import DatePattern, Encoding, Token, Written, Zone
from contracts.model import Line, Model, Optionally, RuleBroken
from contracts.paths import PathText
from contracts.ways.answers import AnswerRules
from contracts.ways.http import Authentication, HeaderName, SecretName, Url

Template = Annotated[str, Field(max_length=20_000)]
"""A text in which ``{cursor}``, ``{limit}``, ``{now}`` and ``{secret:name}`` stand for their values."""


class PollMethod(StrEnum):
    """The methods by which a unit is asked."""

    GET = "GET"
    POST = "POST"


class BodyKind(StrEnum):
    """What a request's body is written in; values are escaped as that wants it."""

    JSON = "json"
    XML = "xml"
    FORM = "form"


class CursorKind(StrEnum):
    """How a unit says where to go on: after an item's id, from an item's time, or by a token in its answer."""

    ID = "id"
    TIME = "time"
    PAGE = "page"


class PollCursor(Model):
    """From where to go on (游标). It moves only once what was read is committed.

    ``at`` is where an item has its id or time, ``next`` where the answer has the next page's token. A time is asked
    for again from ``overlap_seconds`` before it, for units whose items appear late; a repeat takes effect once.
    """

    kind: CursorKind
    at: Optionally[PathText] = None
    next: Optionally[PathText] = None
    start: Optionally[Token] = None
    date: DatePattern = "iso"
    zone: Zone = "Asia/Shanghai"
    overlap_seconds: Annotated[int, Field(ge=0, le=604_800)] = 300

    @model_validator(mode="after")
    def _says_where(self) -> PollCursor:
        if (self.next is not None) != (self.kind is CursorKind.PAGE) or (self.at is None) != (self.next is not None):
            raise RuleBroken("游标:id 和 time 须有 at,page 须有 next", "cursor: id and time go with at, page with next")
        return self


class PollParameter(Model):
    """A query parameter; one whose value needs a cursor is left out while there is none."""

    name: Line
    value: Template


class PollHeader(Model):
    """A header of the request, such as SOAPAction."""

    name: HeaderName
    value: Template


class PollSettings(Model):
    """Where to ask and how often, what to send, and where in the answer the items are.

    Without a cursor the unit answers all it has each time. The hub asks again every ``every_seconds``, at once while
    pages are full, and ever more seldom, down to every ``idle_seconds_max``, while nothing new comes.
    """

    endpoint: Url
    method: PollMethod = PollMethod.GET
    query: Annotated[tuple[PollParameter, ...], Field(max_length=30)] = ()
    headers: Annotated[tuple[PollHeader, ...], Field(max_length=20)] = ()
    body: Optionally[Template] = None
    body_as: BodyKind = BodyKind.JSON
    content_type: Optionally[Line] = None
    encoding: Optionally[Encoding] = None
    written_as: Written = Written()
    items: PathText = "."
    more: Optionally[PathText] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Optionally[PollCursor] = None
    every_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 30.0
    idle_seconds_max: Annotated[float, Field(ge=0.1, le=86_400)] = 300.0
    authentication: Optionally[Authentication] = None
    client_certificate: Optionally[SecretName] = None
    answers: Optionally[AnswerRules] = None

    @model_validator(mode="after")
    def _has_a_body_to_post(self) -> PollSettings:
        if self.body is not None and self.method is PollMethod.GET:
            raise RuleBroken("GET 请求没有 body", "a GET has no body")
        return self
