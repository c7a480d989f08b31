"""When something is tried again, though the wall clock may have been set back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from postroom.ports import DeliveryState
from postroom.store.schema import delivery

# No retry is put off for longer, but by a relay's limit for a day: a time further ahead
# comes of a clock that was wrong.
LONGEST_WAIT = timedelta(hours=2)


def has_come(moment: ColumnElement[Any], now: datetime) -> ColumnElement[bool]:
    """True of a moment that has come, or that no schedule gives."""
    return or_(moment <= now, moment > now + LONGEST_WAIT)


def is_sought() -> ColumnElement[bool]:
    """True of a delivery that is unknown and looked for, before its policy counts."""
    unknown = delivery.c.state == DeliveryState.UNKNOWN
    return and_(unknown, delivery.c.next_attempt.is_not(None))
