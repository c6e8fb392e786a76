"""One trace from the report to the last feedback: W3C ``traceparent`` made and continued. Pure but for its randomness."""

from __future__ import annotations

import secrets


def new_traceparent() -> str:
    """A trace that begins here."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace's id, which every log line of it carries."""
    return traceparent[3:35] if traceparent else None


def letter_traceparent(traceparent: str | None, position: int) -> str | None:
    """The span of one letter: the same at each try, so that a letter never differs from itself."""
    return f"{traceparent[:36]}{position & (2**64 - 1):016x}-{traceparent[-2:]}" if traceparent else None
