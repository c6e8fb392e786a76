"""Collectors (信息采集员): report what they see on their rounds, with photos, and verify on the spot."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from hub.demo.config import Access
from hub.demo.habits import dice, finds_it_done, said_of
from hub.demo.partners.common import Event, Mailroom, Scene, Voice, pulled, run_partner

COLLECTORS = 12
PAUSE_SECONDS = 0.2


async def send(scene: Scene, voice: Voice, told: Mapping[str, Any], on_foot: asyncio.Semaphore) -> None:
    """One report when its minute comes; no more at once than there are collectors."""
    await scene.clock.pass_minutes(told["minute"])
    async with on_foot:
        photos = [await voice.photo(f"before/{told['sender_case']}/{n}") for n in range(_photos(scene, told))]
        await voice.report(told, photos)


def _photos(scene: Scene, told: Mapping[str, Any]) -> int:
    return dice(scene.config.seed, "photos", told["sender_case"]).choice((1, 1, 2))


async def verify(scene: Scene, voice: Voice, event: Event) -> None:
    """Go to the spot and say what is there (核查)."""
    request, number = event["data"], event["subject"]
    chance = dice(scene.config.seed, "verify", request["round"], said_of(request))
    await scene.clock.pass_minutes(chance.uniform(15, 60))
    passed = finds_it_done(scene.config.seed, request)
    photo = await voice.photo(f"verified/{number}/{request['round']}")
    body = {
        "finding": "passed" if passed else "failed",
        "description": "现场已恢复" if passed else "问题仍在,未达结案标准",
        "collector": f"采集员{chance.randint(1, COLLECTORS):02d}",
        "photos": [photo],
    }
    await voice.say("verification", number, body, f"verified-{number}-{request['round']}")


async def fetch_requests(scene: Scene, access: Access, voice: Voice) -> None:
    """Verification requests as they come."""
    mailroom = Mailroom(access.unit_id, "pull", scene.journal)
    async for event in pulled(voice, mailroom, connection="system", pause_seconds=PAUSE_SECONDS):
        if event["type"] == "case.verification_request":
            scene.tasks.create_task(verify(scene, voice, event))


async def play(scene: Scene) -> None:
    """The collection company."""
    for access in scene.config.units:
        voice, on_foot = scene.voice(access), asyncio.Semaphore(COLLECTORS)
        scene.tasks.create_task(fetch_requests(scene, access, voice))
        for told in scene.config.reports:
            scene.tasks.create_task(send(scene, voice, told, on_foot))


if __name__ == "__main__":
    run_partner(play)
