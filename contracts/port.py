"""The adapter's ports: what the hub asks of a transport and offers it, and the three errors that a transport knows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from contracts.arrival import Answer, Arrival
from contracts.nouns import Connection, Delivered, RenderedLetter
from contracts.problem import Problem
from contracts.profile import ConnectionProfile


# Exceptions are not frozen: contextlib sets their traceback.
@dataclass(eq=False)
class DeliveryFailed(Exception):
    """A try at a letter did not succeed. ``answer`` is what the unit said, bounded; never a secret."""

    reason: str
    status: int | None = None
    answer: bytes = b""

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class Unavailable(DeliveryFailed):
    """The same letter may pass later: retry, not before ``retry_after_seconds`` where the unit named it."""

    retry_after_seconds: float | None = None
    in_doubt: bool = False


@dataclass(eq=False)
class Refused(DeliveryFailed):
    """The unit read the letter and said no: it is a dead letter now."""


@dataclass(eq=False)
class Unauthorised(DeliveryFailed):
    """Every letter would fail alike (credentials, certificate, a gone endpoint): pause the lane, call a person."""


@dataclass(frozen=True, slots=True)
class ProfileFault:
    """Why a connection cannot work: the place in it, a sentence in Chinese and in English, the rule that it breaks."""

    place: tuple[str | int, ...]
    zh: str
    en: str
    rule: str


class ConnectionCheck(Protocol):
    """What an administrator is told before a profile is applied."""

    async def faults(self, entry: ConnectionProfile) -> list[ProfileFault]:
        """Every fault of a connection; empty where it can work."""
        ...


class Adapter(Protocol):
    """One transport. It knows no unit by name, keeps no letter and never retries."""

    async def deliver(self, connection: Connection, letter: RenderedLetter) -> Delivered:
        """Try once to hand the letter over, within ``connection.timeout_seconds``.

        Raises ``Unavailable``, ``Refused`` or ``Unauthorised``; anything else is a bug of the adapter.
        """
        ...

    async def close(self) -> None:
        """Let go of what is its own; what waits is written first. What it was given, its owner closes."""
        ...


class Reception(Protocol):
    """Where adapters hand in what units said. Every message, whatever brought it, goes through here."""

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Answer | Problem]:
        """Answer each arrival, in order, once it is committed or refused; refused ones are kept raw. Never raises.

        A ``Problem`` that is ``retryable`` (the store is away, the hub is busy) took no effect: hand it in again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Photo:
    """The bytes of a photo, and what kind of picture they are (``image/jpeg``)."""

    media_type: str
    content: bytes


class Photos(Protocol):
    """Where adapters get the photos that a letter names."""

    async def photo(self, attachment_id: str) -> Photo:
        """The photo of an attachment id. Raises ``KeyError`` where the hub has none."""
        ...


@dataclass(eq=False)
class LeaseLost(Exception):
    """Another process collects from this connection by now: stop at once."""

    connection_id: str


class Bookmark(Protocol):
    """How far a source was read. It is kept with the lease, and outlives any process."""

    @property
    def text(self) -> str:
        """The bookmark; empty before the first move."""
        ...

    async def move(self, text: str) -> None:
        """Everything up to here is committed. Raises ``LeaseLost``."""
        ...


class Source(Protocol):
    """One way of fetching what units say: a queue, a service that is polled, a folder. It knows no unit by name."""

    async def collect(self, connection: Connection, bookmark: Bookmark, reception: Reception) -> None:
        """Fetch and hand in until cancelled: by one process of all at a time, which holds the connection's lease.

        Nothing is confirmed to the unit, and the bookmark is not moved, before the reception has answered. Raises
        ``Unavailable``, ``Refused`` or ``Unauthorised`` where it cannot go on: it is called again after a rest.
        """
        ...

    async def close(self) -> None:
        """Let go of what is its own; what waits is written first. What it was given, its owner closes."""
        ...


@dataclass(frozen=True, slots=True)
class BrokerGrant:
    """What a connection is to have on the hub's broker: its settings, its users with their passwords."""

    connection_id: str
    settings: Mapping[str, Any]
    users: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class BrokerChange:
    """One thing that was made, changed or removed on the broker, or why it could not be."""

    connection_id: str
    what: str
    failed: bool = False


class Provisioner(Protocol):
    """Sees to it that the hub's broker has what connections need, and nothing of the hub's besides."""

    async def reconcile(self, grants: Sequence[BrokerGrant], gone: Collection[str]) -> list[BrokerChange]:
        """Make it so; what was changed. May be run at any time, again and again.

        ``gone`` are connections that once had something there: what is left of them is removed, and nothing else.
        Raises ``Unavailable`` or ``Unauthorised`` where the broker cannot be reached.
        """
        ...
