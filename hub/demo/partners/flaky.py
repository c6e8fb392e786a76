"""A unit with a bad system (不稳定的单位): its server hangs, says 503, cuts connections; and it repeats itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from hub.demo.config import Access
from hub.demo.habits import dice
from hub.demo.hub_client import Answer, HubClient
from hub.demo.partners.common import Scene, Voice, run_partner
from hub.demo.partners.receiving import Receiving

HANG_SECONDS = 2.5
TROUBLED_TIMES = 2
"""A letter fails at most so often, else the demo would wait for the hub's longer pauses."""

IMPATIENT_SECONDS = 0.02
REPEAT_SHARE = 0.5


@dataclass(slots=True)
class BadServer:
    """Answers pushes as badly as real systems do: late, not at all, or after it already took the letter."""

    seed: int
    seen: Counter[str]

    async def answer(self, request: web.Request, letter_id: str, write_down: Callable[[], None]) -> web.StreamResponse:
        """One push."""
        self.seen[letter_id] += 1
        times = self.seen[letter_id]
        mood = dice(self.seed, letter_id, times).random() if times <= TROUBLED_TIMES else 1.0
        if mood < 0.12:
            await asyncio.sleep(HANG_SECONDS)
            return web.Response(status=504)
        if mood < 0.27:
            return web.Response(status=503, headers={"retry-after": "1"})
        if mood < 0.35:
            return _cut(request)
        write_down()
        if mood < 0.47:
            # The worst kind: it has the letter, and the hub cannot know.
            return _cut(request)
        if mood < 0.55:
            await asyncio.sleep(HANG_SECONDS)
        return web.Response(status=202)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)


@dataclass(slots=True)
class Stammering(Voice):
    """A voice that hangs up before the answer, and says again what was answered: the same key each time."""

    seed: int = 0

    async def say(
        self,
        route: str,
        case_number: str,
        body: Mapping[str, Any],
        key: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A message, and often the same once more."""
        mood = dice(self.seed, self.unit_id, key).random()
        if mood < 0.3:
            await self._hang_up(route, case_number, body, key)
        answer = await Voice.say(self, route, case_number, body, key, headers=headers)
        if mood > 1 - REPEAT_SHARE:
            again = await Voice.say(self, route, case_number, body, key, headers=headers)
            if again.document != answer.document:
                self.journal.write({"what": "answer.differed", "unit": self.unit_id, "message_id": key})
        return answer

    async def _hang_up(self, route: str, case_number: str, body: Mapping[str, Any], key: str) -> None:
        client: HubClient = self.client
        try:
            await client.call(
                "POST",
                f"/api/v1/cases/{case_number}/{route}",
                body,
                headers={"idempotency-key": key},
                timeout_seconds=IMPATIENT_SECONDS,
            )
        except (aiohttp.ClientError, TimeoutError):
            return


@dataclass(frozen=True, slots=True)
class StammeringScene(Scene):
    """The same scene, with voices that stammer."""

    def voice(self, access: Access) -> Voice:
        """A unit's way to speak."""
        client = HubClient(self.session, self.config.url, access.key)
        return Stammering(access.unit_id, client, self.journal, self.config.seed)


def main() -> None:
    """The process."""
    server = BadServer(0, Counter())
    receiving = Receiving(server.answer)

    async def play(scene: Scene) -> None:
        server.seed = scene.config.seed
        receiving.open_counters(StammeringScene(scene.config, scene.session, scene.journal, scene.clock, scene.tasks))

    run_partner(play, receiving.listen)


if __name__ == "__main__":
    main()
