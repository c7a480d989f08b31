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
    PlainSerializer,
    PlainValidator,
    RootModel,
    ValidationInfo,
    model_validator,
)

from postroom.rules.nearest import nearest
from postroom.rules.options import as_list

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = re.compile(r"(\d\d?:\d\d)\s*-\s*(\d\d?:\d\d)\Z")
_YEARS = range(1970, 9999)


def _read_moment(value: object, info: ValidationInfo) -> date:
    if info.mode == "json" and isinstance(value, str):
        return _read_iso(value)
    if not isinstance(value, date):
        raise ValueError("expected a day or a time without quotes, such as 2026-01-31")
    if value.year not in _YEARS:
        raise ValueError("expected a year from 1970 on")
    return value


def _read_iso(text: str) -> date:
    """A moment as it is kept in the store."""
    is_day = len(text) == len("2026-01-31")
    return date.fromisoformat(text) if is_day else datetime.fromisoformat(text)


def _write_iso(moment: date) -> str:
    return moment.isoformat()


def _read_time(text: str) -> time:
    hour, minute = map(int, text.split(":"))
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
    """A day of the week, as `monday` or `mon`, or some in a row, as `mon-fri`."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 1 <= len(self._ends) <= 2:
            raise ValueError('expected a day or two with a dash, such as "mon-fri"')
        for name in self._ends:
            if _number(name) is None:
                raise ValueError(nearest(name, _DAYS, "day of the week"))
        return self

    def __contains__(self, moment: date) -> bool:
        """True of a time on such a day."""
        return moment.weekday() in self._numbers

    @property
    def _ends(self) -> list[str]:
        return [name.strip() for name in self.root.split("-")]

    @cached_property
    def _numbers(self) -> frozenset[int]:
        """The days; from Saturday to Monday there is a Sunday."""
        first, last = _number(self._ends[0]) or 0, _number(self._ends[-1]) or 0
        return frozenset((first + n) % 7 for n in range((last - first) % 7 + 1))

    def __str__(self) -> str:
        """The day as a rule file writes it."""
        return repr(self.root)


def _number(name: str) -> int | None:
    """The number of the day with this name, from Monday on."""
    numbers = (n for n, day in enumerate(_DAYS) if name.lower() in (day, day[:3]))
    return next(numbers, None)


class Hours(RootModel[str]):
    """A part of each day, such as 09:00-17:00; it may run over midnight, and end at
    24:00."""

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
        if end is None:
            return begin <= moment
        if begin < end:
            return begin <= moment < end
        return moment >= begin or moment < end

    @cached_property
    def _ends(self) -> tuple[time, time | None]:
        """When it begins and ends; None where it ends with the day."""
        match = _HOURS.match(self.root)
        if match is None:
            raise ValueError('expected two times of the day, such as "09:00-17:00"')
        end = None if match[2] == "24:00" else _read_time(match[2])
        return _read_time(match[1]), end

    def __str__(self) -> str:
        """The hours as a rule file writes them."""
        return repr(self.root)


Moment = Annotated[
    date,
    PlainValidator(_read_moment, json_schema_input_type=date | datetime),
    PlainSerializer(_write_iso, when_used="json"),
]
Weekdays = Annotated[tuple[Weekday, ...], BeforeValidator(as_list), Field(min_length=1)]
ZoneName = Annotated[str, AfterValidator(_check_zone)]
