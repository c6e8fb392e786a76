"""What a unit's answer means (应答规则): "200 with an error inside" is a refusal or a retry, as the profile says."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from contracts.mapping import Condition, MappingModel, Written
from contracts.model import Optionally
from contracts.paths import PathText


class Meaning(StrEnum):
    """What an answer comes to: the two receipts, or one of the three errors of an adapter."""

    PROCESSED = "processed"
    RECEIVED = "received"
    REFUSED = "refused"
    RETRY = "retry"
    UNAUTHORISED = "unauthorised"


class AnswerRule(MappingModel):
    """Holds for an answer with one of ``statuses`` (none: any) whose document meets every condition of ``when``."""

    means: Meaning
    statuses: Annotated[tuple[Annotated[int, Field(ge=100, le=599)], ...], Field(max_length=20)] = ()
    when: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
    reason: Optionally[PathText] = None
    retry_after_seconds: Optionally[Annotated[float, Field(ge=0, le=3600)]] = None


class AnswerRules(MappingModel):
    """The first rule that holds decides; where none does, the status does. ``written_as`` says how answers are read."""

    written_as: Written = Written()
    rules: Annotated[tuple[AnswerRule, ...], Field(min_length=1, max_length=30)]
