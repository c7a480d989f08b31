"""When a message arrived, where its server does not tell: by what the server wrote.

Invariant: no message arrived after now, whatever is written in it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from postroom.mail.header import Header

_MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
# RFC 5322, section 3.3. A zone by its name means UTC (section 4.3), near enough.
_DATE_TIME = re.compile(
    rf"(\d{{1,2}})\s+({'|'.join(_MONTHS)})\s+(\d{{4}})\s+"
    r"(\d{2}):(\d{2})(?::(\d{2}))?(?:\s+([+-])(\d{2})(\d{2}))?",
    re.IGNORECASE | re.ASCII,
)
# The date stands at the end (RFC 5321, section 4.4).
_END = 100


def arrived(header: Header, now: datetime) -> datetime:
    """When the last server on the way received it: the first of its Received fields.

    That one is written by the account's own provider, unlike Date and the others. Now,
    where it has none that can be read.
    """
    received = header.raw_text("Received")
    found = _DATE_TIME.search(received, max(received.rfind(";"), len(received) - _END))
    return min(_read(found) or now, now) if found else now


def _read(found: re.Match[str]) -> datetime | None:
    day, month, year, hour, minute, second = found.group(1, 2, 3, 4, 5, 6)
    try:
        zone = timezone(_offset(*found.group(7, 8, 9)))
        at = datetime(
            int(year),
            _MONTHS.index(month.lower()) + 1,
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            tzinfo=zone,
        )
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None  # there is no such day, or no such time


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> timedelta:
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return -offset if sign == "-" else offset
