"""Push over REST: a signed CloudEvent, or the unit's own document by its own authentication."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.live import OUTBOUND
from contracts.model import Code, Model, Optionally, RuleBroken
from contracts.ways.answers import AnswerRules
from contracts.ways.http import Authentication, SecretName, Url


class Signing(StrEnum):
    """How pushes are signed (Standard Webhooks): HMAC-SHA256, Ed25519, both during a change, or by no signature."""

    HMAC = "hmac-sha256"
    ED25519 = "ed25519"
    BOTH = "both"
    NONE = "none"


class PushMethod(StrEnum):
    """The methods by which a letter is handed over."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"


class RestCall(Model):
    """Where the letters of one contract go, in a unit that has an endpoint for each.

    ``{case_number}`` and ``{letter_id}`` in the address stand for the letter's own.
    """

    contract: Code
    endpoint: Optionally[Url] = None
    method: PushMethod = PushMethod.POST


class RestSettings(Model):
    """Where and how to push over REST. Private addresses only where the hub's settings allow them."""

    endpoint: Url
    method: PushMethod = PushMethod.POST
    calls: Annotated[tuple[RestCall, ...], Field(max_length=40)] = ()
    signing: Signing = Signing.HMAC
    authentication: Optionally[Authentication] = None
    client_certificate: Optionally[SecretName] = None
    answers: Optionally[AnswerRules] = None

    @model_validator(mode="after")
    def _shows_who_calls(self) -> RestSettings:
        if self.signing is Signing.NONE and self.authentication is None and self.client_certificate is None:
            raise RuleBroken(
                "signing: none 须有 authentication 或 client_certificate",
                "signing: none goes with an authentication or a client_certificate",
            )
        return self

    @model_validator(mode="after")
    def _calls_are_of_contracts(self) -> RestSettings:
        sent = {model.contract.partition("/")[0] for model in OUTBOUND}
        named = [call.contract for call in self.calls]
        if len(set(named)) != len(named) or not sent.issuperset(named):
            raise RuleBroken(
                "calls 中的每个契约须是枢纽发出的,且只出现一次", "calls name contracts that the hub sends, each once"
            )
        return self
