"""The port between the SOAP door and what reads and writes its XML: values here, no elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from contracts.problem import Problem
from contracts.soap.operations import Operation


class SoapVersion(StrEnum):
    """Which SOAP a message is written in."""

    SOAP_11 = "1.1"
    SOAP_12 = "1.2"


class FaultCode(StrEnum):
    """Who is to blame (SOAP 1.1's words; 1.2 says Sender and Receiver)."""

    CLIENT = "Client"
    SERVER = "Server"
    VERSION_MISMATCH = "VersionMismatch"
    MUST_UNDERSTAND = "MustUnderstand"


@dataclass(frozen=True, slots=True)
class UserToken:
    """A WS-Security UsernameToken with a password in clear text."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that was opened: in which SOAP, who it says speaks, and its body, not looked into yet.

    ``raw`` is the message without what it shows to be let in, as ``content_type`` says: it may be kept.
    """

    version: SoapVersion
    token: UserToken | None
    element: Any = field(repr=False)
    raw: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """An answer as HTTP carries it."""

    status: int
    content_type: bytes
    body: bytes


# Exceptions are not frozen: contextlib sets their traceback.
@dataclass(eq=False)
class SoapRefused(Exception):
    """No envelope could be made of it, or it asks for what the hub does not do: ``problem`` says why."""

    version: SoapVersion
    problem: Problem
    code: FaultCode = FaultCode.CLIENT


class SoapWire(Protocol):
    """Reads and writes the service's XML. Pure: it knows neither units nor keys."""

    def open(self, raw: bytes, content_type: str, now: datetime) -> Opened:
        """The envelope of a message. Raises ``SoapRefused``."""
        ...

    def read(self, opened: Opened) -> tuple[Operation, Any]:
        """What is asked: the operation, and its request checked against the contract. Raises ``Problem``."""
        ...

    def answer(self, version: SoapVersion, operation: Operation, values: Mapping[str, Any]) -> SoapAnswer:
        """The response of an operation; ``values`` may hold more than its shape has."""
        ...

    def fault(
        self, version: SoapVersion, problem: Problem, trace_id: str | None = None, code: FaultCode | None = None
    ) -> SoapAnswer:
        """A refusal as a fault, with the problem in its detail."""
        ...

    def problem(self, problem: Problem, trace_id: str | None = None) -> SoapAnswer:
        """A refusal by HTTP alone (RFC 9457 in XML), where no envelope was understood to be one."""
        ...
