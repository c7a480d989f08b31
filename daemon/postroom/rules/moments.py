"""Days, hours and time zones as options."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import cached_property
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    RootModel,
    model_validator,
)

from postroom.rules.nearest import nearest

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = re.compile(r"(\d\d?:\d\d)\s*-\s*(\d\d?:\d\d)\Z")
_YEARS = range(1970, 9999)


def _read_moment(value: object) -> date:
    if not isinstance(value, date):
        raise ValueError("expected a day or a time without quotes, such as 2026-01-31")
    if value.year not in _YEARS:
        raise ValueError("expected a year from 1970 on")
    return value


def _as_list(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [value]


def _read_time(text: str) -> time:
    hour, minute = map(int, text.split(":"))
    if (hour, minute) == (24, 0):
        return time()
    try:
        return time(hour, minute)
    except ValueError:
        raise ValueError(f"there is no time {text}") from None


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f'there is no time zone {name!r}; expected one such as "Europe/Berlin"'
        ) from None
    return name


class Weekday(RootModel[str]):
    """A day of the week, as `monday` or `mon`."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self._number is None:
            raise ValueError(nearest(self.root, _DAYS, "day of the week"))
        return self

    def __contains__(self, moment: date) -> bool:
        """True of a time on such a day."""
        return moment.weekday() == self._number

    @cached_property
    def _number(self) -> int | None:
        names = (number for number, day in enumerate(_DAYS) if self._names(day))
        return next(names, None)

    def _names(self, day: str) -> bool:
        return self.root.lower() in (day, day[:3])

    def __str__(self) -> str:
        """The day as a rule file writes it."""
        return repr(self.root)


class Hours(RootModel[str]):
    """A part of each day, such as 09:00-17:00; it may run over midnight."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _check(self) -> Self:
        begin, end = self._ends
        if begin == end:
            raise ValueError("it ends when it begins")
        return self

    def __contains__(self, moment: time) -> bool:
        """True of a time from the first on, and before the second."""
        begin, end = self._ends
        if begin < end:
            return begin <= moment < end
        return moment >= begin or moment < end

    @cached_property
    def _ends(self) -> tuple[time, time]:
        match = _HOURS.match(self.root)
        if match is None:
            raise ValueError('expected two times of the day, such as "09:00-17:00"')
        return _read_time(match[1]), _read_time(match[2])

    def __str__(self) -> str:
        """The hours as a rule file writes them."""
        return repr(self.root)


Moment = Annotated[
    date, PlainValidator(_read_moment, json_schema_input_type=date | datetime)
]
Weekdays = Annotated[
    tuple[Weekday, ...], BeforeValidator(_as_list), Field(min_length=1)
]
ZoneName = Annotated[str, AfterValidator(_check_zone)]
