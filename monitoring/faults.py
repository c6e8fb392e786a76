"""What is told of an unexpected error: its type, where it came from, and an id that equal faults share.

An exception's own text may quote what somebody sent, so it is told only where the log level is ``debug``.
"""

from __future__ import annotations

from hashlib import blake2s
from types import TracebackType

FRAMES_MAX = 16
CAUSES_MAX = 4
TEXT_CHARS_MAX = 500


def told(fault: BaseException, *, with_text: bool = False) -> dict[str, object]:
    """The fields ``fault``, ``fault_id``, ``frames`` and perhaps ``fault_text`` of a log line."""
    frames = _frames(fault.__traceback__)
    kinds = " < ".join(_kinds(fault))
    made: dict[str, object] = {
        "fault": kinds,
        "fault_id": blake2s("\n".join([kinds, *frames]).encode(), digest_size=6).hexdigest(),
        "frames": frames,
    }
    if with_text:
        made["fault_text"] = str(fault)[:TEXT_CHARS_MAX]
    return made


def _kinds(fault: BaseException) -> list[str]:
    """The fault's type, then its causes'."""
    kinds: list[str] = []
    cause: BaseException | None = fault
    while cause is not None and len(kinds) < CAUSES_MAX:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return kinds


def _frames(traceback: TracebackType | None) -> list[str]:
    """The innermost places, outermost first: ``hub/intake.py:146 _decided``. No source, no values."""
    places: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{'/'.join(code.co_filename.split('/')[-2:])}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-FRAMES_MAX:]
