"""Bureaus (委办局): systems behind a firewall; they fetch letters under a lease, write them down, acknowledge."""

from __future__ import annotations

from hub.demo.config import Access
from hub.demo.partners.common import Mailroom, Scene, pulled, run_partner
from hub.demo.partners.unit_work import UnitWork

PAUSE_SECONDS = 0.2


async def fetch(scene: Scene, access: Access, *, connection: str, via: str, pause_seconds: float) -> None:
    """One unit's inbox, for as long as the process runs."""
    voice = scene.voice(access)
    work = UnitWork(scene, voice, access.name_zh, asks=via == "pull")
    mailroom = Mailroom(access.unit_id, via, scene.journal)
    async for event in pulled(voice, mailroom, connection=connection, pause_seconds=pause_seconds):
        work.begin(event)


async def play(scene: Scene) -> None:
    """Every bureau of the process."""
    for access in scene.config.units:
        scene.tasks.create_task(fetch(scene, access, connection="system", via="pull", pause_seconds=PAUSE_SECONDS))


if __name__ == "__main__":
    run_partner(play)
