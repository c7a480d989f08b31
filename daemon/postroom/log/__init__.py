"""Logging: one event with keys; JSON for machines, colour on a terminal.

Secrets that were registered never appear in any output, whatever they are part of.
Text from mail is escaped, so that it can't start a line or colour a terminal. Whoever
logs never waits for the log to be read.
"""

from __future__ import annotations

from postroom.log.configuring import (
    Format,
    Level,
    configure_logging,
    flush_log,
    get_logger,
    say,
)
from postroom.log.redaction import printable, redact, register_secrets

__all__ = [
    "Format",
    "Level",
    "configure_logging",
    "flush_log",
    "get_logger",
    "printable",
    "redact",
    "register_secrets",
    "say",
]
