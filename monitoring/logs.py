"""Log lines: JSON for machines, colour on a terminal. Set up by one call; importing changes nothing."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import orjson
import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str, stream: TextIO = sys.stderr) -> None:
    """Lines from ``level`` on go to ``stream``; the standard library's loggers too."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.dev.ConsoleRenderer() if stream.isatty() else _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = _ToStructlog()
    logging.basicConfig(handlers=[handler], level=max(LEVELS[level], logging.WARNING), force=True)


def _render(_logger: Any, _name: str, event: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Send a standard record the common way."""
        structlog.get_logger(record.name).log(max(record.levelno, 10), "library.said", text=record.getMessage()[:1000])
