"""Units that fetch: bureaus' systems and clerks at their desks. A letter is written down before it is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hub.demo.partners.office import Office, run

Work = Callable[[str, dict[str, Any]], Awaitable[None]]


async def fetch_all(office: Office) -> None:
    """Every unit's inbox, side by side."""
    await asyncio.gather(*(fetch(office, unit) for unit in office.keys))


async def fetch(office: Office, unit: str, work: Work | None = None) -> None:
    """Long-poll, write down, acknowledge, work."""
    work = work or office.handle
    while True:
        status, said = await office.call(unit, "GET", "/api/v1/inbox?wait=20&limit=50")
        if status != 200:
            await asyncio.sleep(0.5)
            continue
        letters = said["items"]
        new = [each["event"] for each in letters if office.journal.received(unit, each["event"])]
        if letters:
            body = {"lease_id": said["lease_id"], "letters": [each["letter_id"] for each in letters]}
            await office.call(unit, "POST", "/api/v1/inbox/ack", body)
        for event in new:
            if event["type"] == "case.dispatch":
                office.begin(work(unit, event))


if __name__ == "__main__":
    run(fetch_all)
