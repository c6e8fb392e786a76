"""The register as JSON: entries, what an import came to, cases that must move."""

from __future__ import annotations

from typing import Any

from contracts.messages import CoordinateSystem
from hub.api.views import present
from hub.register.changes import Kind
from hub.register.entries import Entry
from hub.register.moves import Move
from hub.registering import Imported

CHANGES_SHOWN = 1000


def imported_document(done: Imported) -> dict[str, Any]:
    """What an import came to; without ``import_id`` it was only tried."""
    return present(
        import_id=done.import_id,
        file_name=done.file_name,
        effective_from=done.effective_from,
        rows=done.rows,
        **{kind.value: done.counts[kind] for kind in Kind},
        owner_changes=[
            present(
                component_code=change.line.component_code,
                line=change.line.number,
                from_unit_id=change.before.told.owner_unit_id if change.before else None,
                to_unit_id=change.line.told.owner_unit_id,
                valid_from=change.line.valid_from,
            )
            for change in done.moved[:CHANGES_SHOWN]
        ],
        moves=[move_document(move) for move in done.moves],
        columns_not_read=list(done.not_read) or None,
    )


def move_document(move: Move) -> dict[str, Any]:
    """A case that is with its component's former owner."""
    return present(
        case_number=move.case_number,
        version=move.version,
        component_code=move.component_code,
        from_unit_id=move.from_unit_id,
        to_unit_id=move.to_unit_id,
        since=move.since,
        rightly_sent=move.rightly_sent,
        source=move.source,
    )


def entry_document(entry: Entry) -> dict[str, Any]:
    """One entry with its interval and where it comes from."""
    told = entry.told
    return present(
        component_code=entry.component_code,
        category_code=told.category_code,
        owner_unit_id=told.owner_unit_id,
        maintainer_unit_id=told.maintainer_unit_id,
        department_unit_id=told.department_unit_id,
        place={"longitude": told.longitude, "latitude": told.latitude, "system": CoordinateSystem.WGS84.value},
        area_id=told.area_id,
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
        source=entry.source,
        import_id=entry.import_id,
        file_name=entry.file_name,
        line=entry.line,
        known_from=entry.known_from,
        known_until=entry.known_until,
    )
