"""One trace from the report to the last feedback: W3C ``traceparent``, made and continued."""

from __future__ import annotations

import random
import re

TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""Version 00 of W3C Trace Context; anything else is no trace."""


def new_traceparent() -> str:
    """A trace that begins here."""
    # Ids need to differ, not to be secret.
    return f"00-{random.getrandbits(128) | 1:032x}-{random.getrandbits(64) | 1:016x}-01"


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace's id, which every log line of it carries."""
    return traceparent[3:35] if traceparent else None


def letter_traceparent(traceparent: str | None, position: int) -> str | None:
    """The span of one letter: the same at each try, so that a letter never differs from itself."""
    return f"{traceparent[:36]}{position & (2**64 - 1):016x}-{traceparent[-2:]}" if traceparent else None
