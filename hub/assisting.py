"""An assisting unit's deadline (协助时限) where its lead's moves, and where the whole case's time stood. Pure."""

from __future__ import annotations

from datetime import datetime

from hub.spans import Span


def following(own: datetime, lead: datetime, to: datetime) -> datetime:
    """The deadline after the lead's moved ``to`` another moment: one that was the lead's goes with it."""
    return to if own == lead else own


def after_standing(own: datetime, ordered_at: datetime, stood: Span, lead: datetime, to: datetime | None) -> datetime:
    """The deadline after the case was suspended; ``to`` is the lead's from here on, None where its part is over.

    One that was the lead's goes with it. One set by hand moves by as much as the lead's did, and where that tells
    nothing, by the stretch itself. One that had passed before stays.
    """
    if to is not None and own == lead:
        return to
    since = max(stood.since, ordered_at)
    if own <= since or stood.until <= since:
        return own
    if to is not None and ordered_at <= stood.since < lead:
        return own + (to - lead)
    return own + (stood.until - since)
