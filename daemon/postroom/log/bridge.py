"""What libraries log goes the way of our own events: cleaned, and in the same form.

None of them is heard below WARNING: there they write passwords, queries and bodies.
"""

from __future__ import annotations

import logging

import structlog


class _Bridge(logging.Handler):
    """Passes what libraries log through the same processors."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's text as an event of its library; never raises."""
        log = structlog.get_logger().bind(library=record.name)
        log.log(_known_level(record), _text_of(record), exc_info=record.exc_info)


def bridge_libraries(level: int) -> None:
    """Take over what libraries log at this level, or at WARNING if that is higher."""
    lowest = max(level, logging.WARNING)
    logging.basicConfig(handlers=[_Bridge()], level=lowest, force=True)
    # Whatever a plugin sets for all: at DEBUG it writes passwords and bodies.
    logging.getLogger("aioimaplib").setLevel(lowest)


def _known_level(record: logging.LogRecord) -> int:
    """The level that has a name and is not above the record's."""
    return min(record.levelno // 10 * 10, logging.CRITICAL)


def _text_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - whatever is in it, its library goes on
        where = f"{record.pathname}:{record.lineno}"
        return f"what is logged at {where} can't be read: {type(error).__name__}"
