"""What the clocks of a time zone show.

Invariant: there is an answer for every moment, whatever a server says of an arrival.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def in_zone(moment: datetime, zone: str | None) -> datetime:
    """The same moment as the clocks of a time zone show it, or those of the machine.

    In the first hours of the year 1 and the last ones of 9999, which some zones have no
    name for, it is left as it is.
    """
    clocks = ZoneInfo(zone) if zone else None
    try:
        return moment.astimezone(clocks)
    except (OverflowError, ValueError, OSError):
        return moment
