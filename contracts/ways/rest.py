"""Push over REST: a signed CloudEvent, or the unit's own document by its own authentication."""

from __future__ import annotations

from enum import StrEnum

from pydantic import model_validator

from contracts.model import Model, Optionally, RuleBroken
from contracts.ways.answers import AnswerRules
from contracts.ways.http import Authentication, SecretName, Url


class Signing(StrEnum):
    """How pushes are signed (Standard Webhooks): HMAC-SHA256, Ed25519, both during a change, or by no signature."""

    HMAC = "hmac-sha256"
    ED25519 = "ed25519"
    BOTH = "both"
    NONE = "none"


class RestSettings(Model):
    """Where and how to push over REST. Private addresses only where the hub's settings allow them."""

    endpoint: Url
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
