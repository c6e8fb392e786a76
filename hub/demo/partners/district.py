"""District platforms (二级平台): follow their area by the change feed, pass their dispatches on to departments."""

from __future__ import annotations

from pathlib import Path

from hub.demo.config import Access
from hub.demo.habits import dice, said_of
from hub.demo.partners.common import Event, Mailroom, Scene, Voice, pulled, run_partner
from hub.demo.partners.feed import follow
from hub.demo.partners.unit_work import Department, UnitWork

PAUSE_SECONDS = 0.25
DEPARTMENTS = ("区住建局", "区综合执法分局", "街道办事处", "社区服务中心", "区园林所")


async def sync_statuses(scene: Scene, voice: Voice) -> None:
    """Every change of the area's cases into the platform's own records."""
    cursor_file = Path(scene.config.journal).with_name(f"{voice.unit_id}.cursor")
    async for page in follow(voice.client, cursor_file):
        scene.journal.write(
            *(
                {
                    "what": "change.seen",
                    "unit": voice.unit_id,
                    "case_number": entry["case_number"],
                    "sequence": entry["sequence"],
                    "position": entry["position"],
                    "step": entry["step"],
                    "state": entry["state"],
                }
                for entry in page
            )
        )


async def fetch_dispatches(scene: Scene, access: Access, voice: Voice) -> None:
    """The platform's own dispatches, each passed on to one of its departments."""
    work = UnitWork(scene, voice, access.name_zh)
    mailroom = Mailroom(access.unit_id, "pull", scene.journal)
    async for event in pulled(voice, mailroom, connection="system", pause_seconds=PAUSE_SECONDS):
        if event["type"] == "case.dispatch":
            department = _department(scene, voice.unit_id, event)
            scene.journal.write(
                {
                    "what": "department.told",
                    "unit": voice.unit_id,
                    "case_number": event["subject"],
                    "letter_id": event["id"],
                    "department": department,
                }
            )
            work.begin(event, Department(f"{voice.unit_id}.{DEPARTMENTS.index(department) + 1}", department))
        else:
            work.begin(event)


def _department(scene: Scene, unit_id: str, event: Event) -> str:
    return dice(scene.config.seed, "department", unit_id, said_of(event["data"])).choice(DEPARTMENTS)


async def play(scene: Scene) -> None:
    """Every platform of the process."""
    for access in scene.config.units:
        voice = scene.voice(access)
        scene.tasks.create_task(sync_statuses(scene, voice))
        scene.tasks.create_task(fetch_dispatches(scene, access, voice))


if __name__ == "__main__":
    run_partner(play)
