"""Units without a system (无系统单位): clerks who look into their desk's inbox now and then."""

from __future__ import annotations

from hub.demo.partners.common import Scene, run_partner
from hub.demo.partners.puller import fetch

PAUSE_SECONDS = 0.8
"""A clerk looks every ten or twelve minutes of city time."""


async def play(scene: Scene) -> None:
    """Every clerk of the process."""
    for access in scene.config.units:
        scene.tasks.create_task(fetch(scene, access, connection="desk", via="desk", pause_seconds=PAUSE_SECONDS))


if __name__ == "__main__":
    run_partner(play)
