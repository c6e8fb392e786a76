"""An orderly end: what waits in a worker goes out before it is gone, and is not sent again by its successor."""

from __future__ import annotations

import asyncio
import csv
import io
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_place
from tests.stories.conftest import stop_hub
from tests.stories.test_fetching_crashes import Scene, a_scene
from tests.ways.conftest import until

pytestmark = pytest.mark.story

UNIT = "housing_construction"
PROFILE: dict[str, Any] = {
    "unit": UNIT,
    "connections": [
        {
            "name": "file",
            "transport": "file",
            "receives": ["case.dispatch"],
            "timeout_seconds": 60,
            # Two fill a file; a third would wait half a minute for company.
            "file": {"folder": "water", "letters_per_file": 2, "close_seconds": 30, "every_seconds": 0.2},
            "mapping": {
                "written_as": {"format": "delimited"},
                "out": [
                    {
                        "contract": "case.dispatch",
                        "fields": [{"to": "letter", "from": "envelope.id"}, {"to": "text", "from": "description"}],
                    }
                ],
            },
        }
    ],
}


async def report(scene: Scene, key: str, *texts: str) -> None:
    """Reports in one piece: their letters are taken at once."""
    events = [
        {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "source": "/rounds",
            "type": "case.report",
            "data": {"category_code": "E0402", "description": text, "place": a_place()},
        }
        for text in texts
    ]
    batch = {"content_type": "application/cloudevents-batch+json"}
    status, said, _ = await asyncio.to_thread(scene.hub.call, "POST", "/api/v1/messages", events, key, **batch)
    assert status == 200, said


def written(outbox: Path) -> list[list[str]]:
    """What each file of the outbox tells of."""
    files = sorted(outbox.glob("*.csv"))
    return [[row["text"] for row in csv.DictReader(io.StringIO(file.read_text()))] for file in files]


async def test_letters_that_wait_for_a_file_to_fill_are_written_before_a_worker_ends(tmp_path: Path) -> None:
    outbox = tmp_path / "files" / "water" / "outbox"
    (tmp_path / "files").mkdir()
    more = ("--files-root", str(tmp_path / "files"))
    async with a_scene(tmp_path / "data", *more) as scene:
        admin = scene.hub.admin_key
        await scene.connect(PROFILE)
        key = await asyncio.to_thread(scene.hub.key_of, "collection")
        await report(scene, key, "one", "two", "three")
        await until(lambda: written(outbox), 40)
        await asyncio.to_thread(stop_hub, scene.hub)
        assert written(outbox) == [["one", "two"], ["three"]]
    async with a_scene(tmp_path / "data", *more) as scene:
        scene.hub.admin_key = admin
        await report(scene, key, "four", "five")
        await until(lambda: len(written(outbox)) > 2, 40)
        assert written(outbox) == [["one", "two"], ["three"], ["four", "five"]]
