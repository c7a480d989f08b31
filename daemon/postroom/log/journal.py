"""The systemd journal: is it what reads a stream, and how urgent is a line.

sd-daemon(3): a line that begins with `<N>` has the priority N of syslog(3).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def is_journal(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """True if the stream is the one that systemd has connected to the journal, and was
    not sent elsewhere since (systemd.exec(5), `$JOURNAL_STREAM`)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # it has no file, or is closed
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def with_priority(line: str, level: str) -> str:
    """The line as the journal reads it."""
    return f"<{_PRIORITIES[level]}>{line}"
