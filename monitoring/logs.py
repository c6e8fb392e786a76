"""Log lines: JSON for machines, colour on a terminal. Set up by one call; importing changes nothing.

Each line is written at once: the lines before a crash are the ones that matter. Whatever the libraries log through the
standard library comes out the same way, as ``library.said``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson
import structlog

from monitoring.event import Level
from monitoring.events import EVENTS
from monitoring.faults import told

LEVELS = {Level.DEBUG: 10, Level.INFO: 20, Level.WARNING: 30, Level.ERROR: 40}
TEXT_CHARS_MAX = 500


def configure(level: str, stream: BinaryIO | None = None, *, pretty: bool | None = None) -> None:
    """Lines from ``level`` on go to ``stream``, by default standard error; for people if it is a terminal."""
    out = sys.stderr.buffer if stream is None else stream
    people = out.isatty() if pretty is None else pretty
    threshold = LEVELS[Level(level)]
    structlog.configure(
        processors=[_for_people, _console(colors=people and out.isatty()), _encoded] if people else [_line],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(out),
        context_class=dict,
        # Those that were there before a second call must follow it.
        cache_logger_on_first_use=False,
    )
    handler = _ToStructlog(with_text=threshold == LEVELS[Level.DEBUG])
    # A library's chatter below a warning is for its own authors.
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)
    logging.captureWarnings(True)


def _line(_logger: object, level: str, event: MutableMapping[str, Any]) -> bytes:
    """One JSON object; ``at`` is the machine's time, RFC 3339."""
    name = event.pop("event")
    return orjson.dumps(
        {"at": datetime.now(UTC), "level": level, "event": name, **event}, default=str, option=orjson.OPT_UTC_Z
    )


def _for_people(_logger: object, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    row = EVENTS.get(event["event"])
    # A value from outside must not move the cursor or fake a line.
    safe = {
        name: value if not isinstance(value, str) or value.isprintable() else repr(value)
        for name, value in event.items()
    }
    at = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
    return {**safe, "at": at, "level": level, **({"event": f"{event['event']} {row.zh}"} if row else {})}


def _console(*, colors: bool) -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="at", pad_event_to=24, sort_keys=False)


def _encoded(_logger: object, _level: str, text: Any) -> bytes:
    return str(text).encode("utf-8", "backslashreplace")


class _ToStructlog(logging.Handler):
    """Sends a standard record the common way."""

    def __init__(self, *, with_text: bool) -> None:
        super().__init__()
        self._with_text = with_text

    def emit(self, record: logging.LogRecord) -> None:
        """The first line of what the library said; the rest, and an exception's text, may quote what was sent."""
        try:
            text = record.getMessage().partition("\n")[0][:TEXT_CHARS_MAX]
            fault = record.exc_info[1] if record.exc_info else None
            fields = told(fault, with_text=self._with_text) if fault else {}
            structlog.get_logger().log(
                min(max(record.levelno // 10 * 10, 10), 50), "library.said", logger=record.name, text=text, **fields
            )
        except Exception:
            self.handleError(record)
