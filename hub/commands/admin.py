"""What the verbs on units and keys share: onboarding joined to the hub's database, without a running hub."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from hub.commands.common import store
from hub.onboarding import Onboarding
from hub.settings import Settings
from hub.store.pool import Pool


@contextlib.asynccontextmanager
async def onboarding(settings: Settings) -> AsyncIterator[tuple[Onboarding, Pool]]:
    """The administrator's verbs, for one command."""
    # Every transport comes with it: a verb that needs none should not wait for them.
    from hub.app import onboarding_of

    async with store(settings) as pool:
        yield await onboarding_of(settings, pool), pool
