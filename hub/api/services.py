"""What the HTTP face needs of the hub, in one value; ``hub/app.py`` fills it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from auth.port import Secrets
from auth.sessions import Sessions
from contracts.own_format import OwnFormat
from contracts.soap.wire import SoapWire
from hub.attachments import Attachments
from hub.clock import CityClock
from hub.fresh_keys import FreshKeys
from hub.intake import Intake
from hub.onboarding import Onboarding
from hub.rates import Rates
from hub.reception import Reception
from hub.registry import Registry
from hub.replays import Replays
from hub.say import Say
from hub.settings import Settings
from hub.signals import Bell
from hub.store.pool import Pool


class ReadyCheck(Protocol):
    """Readiness with causes: (ready, document)."""

    def __call__(self) -> Awaitable[tuple[bool, dict[str, object]]]: ...


@dataclass(slots=True)
class Services:
    """The face's dependencies."""

    settings: Settings
    pool: Pool
    intake: Intake
    reception: Reception
    registry: Callable[[], Registry]
    clock: Callable[[], CityClock]
    keys: FreshKeys
    sessions: Sessions
    rates: Rates
    attachments: Attachments
    onboarding: Onboarding
    soap: SoapWire
    own: OwnFormat
    secrets: Secrets
    replays: Replays
    say: Say
    ready: ReadyCheck
    metrics: Callable[[], Awaitable[bytes]]
    entries_bell: Bell = field(default_factory=Bell)
    letters_bell: Bell = field(default_factory=Bell)
    # Evaluations read a month of cases: one at a time, so that the intake keeps the processor.
    evaluating: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
