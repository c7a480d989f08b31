"""The door through which everything outward goes; the owner may close it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Door:
    """Open or closed; what is sent and performed waits while it is closed."""

    is_open: bool = True
