"""A district whose network fails for a while (断网的单位): it works on, and sends its proof late with its own time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from hub.demo.config import Access
from hub.demo.partners.common import Event, Scene, run_partner
from hub.demo.partners.receiving import Receiving
from hub.demo.partners.unit_work import Department, UnitWork

URGENT = timedelta(minutes=130)
"""The dispatch that the hall wants done so soon is the one over which the network fails."""

DONE_BEFORE = timedelta(minutes=5)
BACK_AFTER = timedelta(minutes=10)
HEARS_AGAIN_MINUTES = 600.0


@dataclass(slots=True)
class Network:
    """Whether the unit can be reached, and whether the hub's letters come again."""

    dark: bool = False
    failed_once: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request, letter_id: str, write_down: Callable[[], None]) -> web.StreamResponse:
        """A connection that is cut, or the answer of a good unit."""
        if self.dark:
            if request.transport is not None:
                request.transport.close()
            return web.Response(status=500)
        write_down()
        self.heard.set()
        return web.Response(status=204)


@dataclass(frozen=True, slots=True)
class CutOffWork(UnitWork):
    """Works as others do, but for the one urgent dispatch during which the network fails."""

    network: Network = field(default_factory=Network)

    async def work(self, event: Event, department: Department | None) -> None:
        """The urgent one is acknowledged, done in time without a network, and told when it is back."""
        order, clock = event["data"], self.scene.clock
        due = datetime.fromisoformat(order["deadline"]["due_at"])
        if self.network.failed_once or due - clock.now() > URGENT or order.get("duty", "lead") != "lead":
            await UnitWork.work(self, event, department)
            return
        self.network.failed_once = True
        number, key = order["case_number"], f"{order['case_number']}-{order['dispatch_number']}-{order['round']}"
        if not await self._says("acknowledgement", number, {"handler": self.name}, f"ack-{key}"):
            return
        photo = await self.voice.photo(f"after/{key}")
        self.network.dark = True
        await clock.pass_minutes((due + BACK_AFTER - clock.now()).total_seconds() / 60)
        self.network.heard.clear()
        self.network.dark = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(clock.seconds_of(HEARS_AGAIN_MINUTES)):
                await self.network.heard.wait()
        body = {"description": f"{order['category_name']}已处置完毕,断网未能及时上报", "photos": [photo]}
        own_time = {"ce-time": (due - DONE_BEFORE).isoformat()}
        await self.voice.say("feedback", number, body, f"done-{key}", headers=own_time)


def main() -> None:
    """The process."""
    network = Network()
    receiving = Receiving(network.answer)

    def work_of(scene: Scene, access: Access) -> UnitWork:
        return CutOffWork(scene, scene.voice(access), access.name_zh, network=network)

    async def play(scene: Scene) -> None:
        receiving.open_counters(scene, work_of)

    run_partner(play, receiving.listen)


if __name__ == "__main__":
    main()
