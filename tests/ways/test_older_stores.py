"""A store of before a migration goes on as if it had always been there."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import asyncpg
import pytest

from hub.case_numbers import month_of
from hub.codec import case_text
from hub.nearby import stretches
from hub.store import batches
from hub.store.embedded import EmbeddedServer, create_database, drop_database
from hub.store.migrate import MIGRATIONS, migrate
from hub.store.pool import SEARCH_PATH
from tests.builders import a_case

pytestmark = pytest.mark.way

OLDER = """
INSERT INTO cases (case_id, version, state, mode, category_code, area_id, grid_cell, reported_by, lead_unit_id, tier,
                   registered_at, changed_at, body)
VALUES ($1, $2, $3, 'live', $4, NULL, $5, 'collection', $6, 'B', $7, $7, $8)
"""


async def test_an_open_case_of_before_is_still_compared_with_by_its_place(
    postgres: EmbeddedServer, tmp_path: Path
) -> None:
    for file in MIGRATIONS.glob("*.sql"):
        if int(file.name[:4]) < 12:
            shutil.copy(file, tmp_path)
    name = f"older_{uuid.uuid4().hex[:12]}"
    store = await asyncpg.connect(await create_database(postgres, name), server_settings={"search_path": SEARCH_PATH})
    try:
        await migrate(store, tmp_path)
        case = a_case()
        told = case.reported
        await store.execute("SELECT ensure_month($1)", month_of(case.case_id))
        await store.execute(
            OLDER,
            case.case_id,
            case.version,
            case.state,
            told.category_code,
            told.location.grid_cell,
            case.lead_unit_id,
            case.registered_at,
            case_text(case),
        )
        await migrate(store)
        place = told.location
        stretch = stretches(told.category_code, place.longitude, place.latitude, [place.grid_cell], 30)
        found = await batches.load(store, [], [], stretch, case.registered_at, 0, case.case_number[:6])
        ((cell, near),) = found.near
        assert (cell, near.case_number) == (told.location.grid_cell, case.case_number)
        assert (near.longitude, near.latitude) == (told.location.longitude, told.location.latitude)
    finally:
        await store.close()
        await drop_database(postgres, name)
