"""The profile (接入档案): everything the hub knows of one unit's connections, as one document.

An administrator writes it as YAML and applies it; each version is kept with who and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from contracts.contacts import Contact
from contracts.ids import IdRules
from contracts.live import ContractVersion
from contracts.mapping import UnitMapping
from contracts.model import Code, Line, Model, Optionally, RuleBroken
from contracts.nouns import Transport
from contracts.pace import Maintenance, Opening, Retry
from contracts.ways.files import FileSettings
from contracts.ways.inbound import InboundSettings
from contracts.ways.poll import PollSettings
from contracts.ways.rabbitmq import RabbitSettings
from contracts.ways.rest import RestSettings
from contracts.ways.soap import SoapSettings
from contracts.yaml_text import write_yaml

SCHEMA_URL = "http://127.0.0.1:8080/contracts/profile/1.0/schema.json"
"""Where a hub on this machine serves the schema of profiles."""

ConnectionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class ConnectionProfile(Model):
    """One way to reach the unit. ``receives`` names the contracts it wants by push or pull.

    The section named like the transport says where and how. ``poll`` may stand beside ``rest``, ``soap`` and ``pull``,
    for a unit that cannot call; ``inbound`` beside any, for a unit that calls in its own format.
    """

    name: ConnectionName
    transport: Literal[Transport.REST, Transport.PULL, Transport.SOAP, Transport.RABBITMQ, Transport.FILE]
    receives: tuple[Code, ...] = (
        *("case.dispatch", "case.recall_notice", "case.verification_request"),
        *("case.coordination", "case.reminder", "case.decision_notice"),
    )
    rest: Optionally[RestSettings] = None
    soap: Optionally[SoapSettings] = None
    rabbitmq: Optionally[RabbitSettings] = None
    file: Optionally[FileSettings] = None
    poll: Optionally[PollSettings] = None
    inbound: Optionally[InboundSettings] = None
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    per_second: Annotated[float, Field(gt=0, le=10_000)] = 100.0
    timeout_seconds: Annotated[float, Field(ge=0.1, le=60)] = 15.0
    retry: Optionally[Retry] = None
    maintenance: Optionally[Maintenance] = None
    calendar: Optionally[Opening] = None
    ids: Optionally[IdRules] = None
    mapping: Optionally[UnitMapping] = None

    @model_validator(mode="after")
    def _says_where(self) -> ConnectionProfile:
        for name, section in self.sections().items():
            if (self.transport == name) != (section is not None):
                raise RuleBroken(
                    f"transport: {self.transport} 须有同名的一节,且不得有其他传输的一节",
                    f"transport: {self.transport} goes with the section of that name, and no other",
                )
        if self.poll is not None and self.transport in (Transport.RABBITMQ, Transport.FILE):
            raise RuleBroken(
                "poll 只与 rest、soap、pull 同用:队列和文件自有来路",
                "poll goes with rest, soap or pull: what comes by a queue or a file is fetched from there",
            )
        if (self.poll is not None or self.inbound is not None) and self.mapping is None:
            raise RuleBroken(
                "poll 和 inbound 须有带 in 表的 mapping", "poll and inbound need a mapping with `in` tables"
            )
        own = self.rabbitmq.broker if self.rabbitmq is not None else None
        if own is not None and own.publish is None and self.receives:
            raise RuleBroken(
                "单位的消息服务器没有 publish,就不能接收信件:请写 receives: []",
                "a unit whose broker has no publish receives nothing: say `receives: []`",
            )
        return self

    def sections(self) -> Mapping[str, Model | None]:
        """The section of each transport that has one."""
        return {
            Transport.REST: self.rest,
            Transport.SOAP: self.soap,
            Transport.RABBITMQ: self.rabbitmq,
            Transport.FILE: self.file,
        }

    @property
    def source(self) -> str | None:
        """Which kind of source the hub fetches from, if any."""
        if self.poll is not None:
            return "poll"
        if self.rabbitmq is not None and self.rabbitmq.broker is not None and self.rabbitmq.broker.consume is None:
            return None
        return self.transport.value if self.transport in (Transport.RABBITMQ, Transport.FILE) else None


class Profile(Model):
    """The document. ``unit`` is a unit of the city's directory; it speaks ``contract_version`` on every connection."""

    profile: Literal["1.0"] = "1.0"
    unit: Code
    contact: Optionally[Line] = None
    contacts: Annotated[tuple[Contact, ...], Field(max_length=20)] = ()
    contract_version: ContractVersion = ContractVersion.V1_0
    connections: Annotated[tuple[ConnectionProfile, ...], Field(min_length=1, max_length=8)]

    @model_validator(mode="after")
    def _names_differ(self) -> Profile:
        names = [connection.name for connection in self.connections]
        if len(set(names)) != len(names):
            raise RuleBroken("两个连接同名", "two connections have the same name")
        return self

    def whom_to_call(self) -> tuple[str, ...]:
        """The contacts as an operator reads them."""
        return (*((self.contact,) if self.contact else ()), *(contact.line() for contact in self.contacts))

    def said(self) -> dict[str, Any]:
        """The document without what is left at its default: as an administrator would write it."""
        return {"profile": self.profile, **self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)}

    def yaml(self, schema: str = SCHEMA_URL) -> str:
        """The document as YAML; faults of a mapping at work name lines of this text. ``schema`` is for editors."""
        return profile_yaml(self.said(), schema)


def profile_yaml(said: dict[str, Any], schema: str = SCHEMA_URL) -> str:
    """A profile's document as YAML, with the line by which an editor finds its schema."""
    return f"# yaml-language-server: $schema={schema}\n{write_yaml(said)}"
