"""``Retry-After`` (RFC 9110): how long a unit asks us to stay away. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX_SECONDS = 3600.0
"""A unit may ask for an hour's rest at most: a case's deadline does not wait for a wrong clock."""


def retry_after_seconds(text: str, now: datetime) -> float | None:
    """The header, in either form, as seconds from now, bounded; ``None`` where it is not readable."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        # A number of a thousand digits is not worth reading to its end.
        return min(float(text[:12]), RETRY_AFTER_MAX_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        wait = (moment - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 0.0), RETRY_AFTER_MAX_SECONDS)
