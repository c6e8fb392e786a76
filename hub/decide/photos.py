"""Photos that a message names: only the sender's own. Pure."""

from __future__ import annotations

from contracts.problem import Problem, Violation
from hub.decide.course import Context


def own_photos(context: Context, unit_id: str, photos: tuple[str, ...]) -> None:
    """Photos are named by ids of the unit that sent them. Raises ``Problem`` for all others."""
    faults = tuple(
        Violation(f"#/photos/{index}", f"没有本单位的附件 {photo}", f"the unit has no attachment {photo}")
        for index, photo in enumerate(photos)
        if context.attachments.get(photo) != unit_id
    )
    if faults:
        raise Problem("attachment_unknown", violations=faults)
