"""Where the id of a message comes from (标识规则), for a unit that calls in its own format or is asked by the hub.

The same id from the same connection never takes effect twice, so it must say what makes two documents the same message.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.model import Model, Optionally, RuleBroken
from contracts.paths import PathText


class IdRule(StrEnum):
    """What the id is made of. ``both`` is for a unit that gives one number to different documents."""

    MAPPED = "mapped"
    CONTENT = "content"
    BOTH = "both"
    FIELDS = "fields"


class IdRules(Model):
    """``mapped`` takes ``envelope.id`` of the mapping, and the content's digest where it has none; ``fields`` the
    digest of what stands at the paths of ``of``, in the mapped message (``envelope.case_number``, ``done_at``, ``.``).

    ``per_contract`` is for a unit that sends an acknowledgement and a feedback under one number.
    """

    rule: IdRule = IdRule.MAPPED
    of: Annotated[tuple[PathText, ...], Field(max_length=20)] = ()
    prefix: Optionally[Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")]] = None
    per_contract: bool = False

    @model_validator(mode="after")
    def _says_which_fields(self) -> IdRules:
        if bool(self.of) != (self.rule is IdRule.FIELDS):
            raise RuleBroken(
                "ids:`of` 与 rule: fields 同用,其他规则不得有", "ids: `of` goes with rule: fields, and with no other"
            )
        return self
