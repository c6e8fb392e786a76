"""The profile (接入档案): everything the hub knows of one unit's connections, as one document.

An administrator writes it as YAML and applies it; each version is kept with who and when.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from contracts.mapping import UnitMapping
from contracts.model import Code, Line, Model, Optionally
from contracts.nouns import Transport
from contracts.yaml_text import write_yaml


class Signing(StrEnum):
    """How pushes are signed (Standard Webhooks): HMAC-SHA256, Ed25519, or both during a change."""

    HMAC = "hmac-sha256"
    ED25519 = "ed25519"
    BOTH = "both"


ConnectionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class RestSettings(Model):
    """Where and how to push over REST. Private addresses only where the hub's settings allow them."""

    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)]
    signing: Signing = Signing.HMAC


class ConnectionProfile(Model):
    """One way to reach the unit. ``receives`` names the contracts it wants by push or pull."""

    name: ConnectionName
    transport: Literal[Transport.REST, Transport.PULL]
    receives: tuple[Code, ...] = (
        *("case.dispatch", "case.recall_notice", "case.verification_request"),
        *("case.coordination", "case.reminder", "case.decision_notice"),
    )
    rest: Optionally[RestSettings] = None
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    per_second: Annotated[float, Field(gt=0, le=10_000)] = 100.0
    timeout_seconds: Annotated[float, Field(ge=0.1, le=60)] = 15.0
    mapping: Optionally[UnitMapping] = None

    @model_validator(mode="after")
    def _says_where(self) -> ConnectionProfile:
        if (self.transport is Transport.REST) != (self.rest is not None):
            raise ValueError("a rest connection has `rest: {endpoint: …}`, another has none")
        return self


class Profile(Model):
    """The document. ``unit`` is a unit of the city's directory."""

    profile: Literal["1.0"] = "1.0"
    unit: Code
    contact: Optionally[Line] = None
    connections: Annotated[tuple[ConnectionProfile, ...], Field(min_length=1, max_length=8)]

    @model_validator(mode="after")
    def _names_differ(self) -> Profile:
        names = [connection.name for connection in self.connections]
        if len(set(names)) != len(names):
            raise ValueError("two connections have the same name")
        return self

    def said(self) -> dict[str, Any]:
        """The document without what is left at its default: as an administrator would write it."""
        return {"profile": self.profile, **self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)}

    def yaml(self) -> str:
        """The document as YAML; faults of a mapping at work name lines of this text."""
        return write_yaml(self.said())
