"""Pulling, whatever door it is asked by: letters under a lease, their confirmation, a photo that the caller may see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from auth.principal import Principal, Scope
from contracts.nouns import Connection
from contracts.problem import Problem
from hub.api.services import Services
from hub.case_numbers import parse
from hub.delivery import inbox
from hub.delivery.inbox import Handout
from hub.letters import letter_id, position_of
from hub.store import reading
from hub.store.reading import AttachmentRow

AGAIN_SECONDS = 2.0
"""The bell rings for everybody's letters; a lease that runs out or a held letter rings nothing."""


def pull_connection(services: Services, principal: Principal, name: str | None) -> Connection:
    """The connection that the caller pulls from. Raises ``Problem``."""
    if not principal.may(Scope.UNIT):
        raise Problem("forbidden", "该密钥不能收件。", "This key may not fetch letters.")
    found = services.registry().pull_connection(principal.unit_id, name)
    if found is None:
        raise Problem("not_found", f"没有可取件的连接 {name}。", f"There is no connection {name} to pull from.")
    return found


async def fetched(services: Services, source: Connection, *, wait: float, limit: int, lease: float) -> Handout:
    """The next letters of a connection; where there are none, those that come within ``wait`` seconds."""
    division = services.registry().division_code
    deadline = asyncio.get_running_loop().time() + wait
    while True:
        bell = services.letters_bell.waiter()
        handed = await inbox.hand_out(services.pool, source, limit=limit, seconds=lease, division=division)
        left = deadline - asyncio.get_running_loop().time()
        if handed.letters or left <= 0:
            break
        try:
            async with asyncio.timeout(min(left, AGAIN_SECONDS)):
                await bell.wait()
        except TimeoutError:
            continue
    if handed.letters:
        services.say(
            "inbox.leased", connection_id=source.connection_id, unit_id=source.unit_id, letters=len(handed.letters)
        )
    return handed


async def confirmed(services: Services, source: Connection, lease_id: str, letters: Sequence[str]) -> dict[str, Any]:
    """Which letters are the caller's now, and which come again."""
    positions = {name: position_of(name) for name in letters}
    asked = [position for position in positions.values() if position is not None]
    division = services.registry().division_code
    done = await inbox.acknowledge(services.pool, source, UUID(lease_id), asked, division=division)
    if done.settled:
        services.say(
            "inbox.acknowledged", connection_id=source.connection_id, unit_id=source.unit_id, letters=len(done.settled)
        )
    unknown = [name for name, position in positions.items() if position is None]
    return {
        "acknowledged": sorted(letter_id(position) for position in done.settled | done.before),
        "lease_lost": sorted([*unknown, *(letter_id(position) for position in done.lost)]),
    }


async def photo_of(
    services: Services, only_unit: str | None, attachment_id: str, case_number: str | None
) -> AttachmentRow:
    """A photo: the caller's own, or one named in what it may see of the case. Raises ``Problem``."""
    row = await reading.attachment(services.pool, attachment_id) if "\0" not in attachment_id else None
    if row is None or not await _may_read(services, only_unit, row, case_number):
        raise Problem("not_found", "没有该附件。", "There is no such attachment.")
    return row


async def _may_read(services: Services, only_unit: str | None, row: AttachmentRow, case_number: str | None) -> bool:
    if only_unit in (None, row.unit_id):
        return True
    case_id = parse(case_number or "", services.registry().division_code)
    return case_id is not None and await reading.attachment_seen(services.pool, case_id, only_unit, row.attachment_id)
