"""When a rule runs that does not wait for mail to arrive.

A cron line means the same wherever it is read: what programs read in different ways,
such as numbers for the days of the week, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_SHORTEST = timedelta(minutes=1)
# The months, and the longest that each can be.
_MONTHS = {
    **{"jan": 31, "feb": 29, "mar": 31, "apr": 30, "may": 31, "jun": 30},
    **{"jul": 31, "aug": 31, "sep": 30, "oct": 31, "nov": 30, "dec": 31},
}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Schedule:
    """Every so often, or at the times of a cron line of five fields; one of the two."""

    every: timedelta | None = None
    cron: str = ""

    def __post_init__(self) -> None:
        if (self.every is None) == (not self.cron):
            raise ValueError('expected either every, such as "1h", or cron')
        if self.every is not None:
            check_interval(self.every)
        else:
            check_cron(self.cron)


@dataclass(frozen=True)
class _Field:
    """One of the five fields: what it is called, and which values it has."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    only_names: bool = False

    def read(self, text: str) -> frozenset[int]:
        """The values that are meant; raises `ValueError`."""
        return frozenset().union(*map(self._read_item, text.split(",")))

    def _read_item(self, item: str) -> frozenset[int]:
        span, slash, step = item.partition("/")
        if slash and not (step.isascii() and step.isdigit() and int(step)):
            raise ValueError(f"{self.name}: the step of {item!r} is no number above 0")
        first, dash, last = span.partition("-")
        if slash and not (dash or span == "*"):
            raise ValueError(f"{self.name}: a step goes with * or a range, as in */5")
        if span == "*":
            values = range(self.first, self.last + 1)
        else:
            begin = self._read_value(first)
            values = range(begin, (self._read_value(last) if dash else begin) + 1)
        if not values:
            raise ValueError(f"{self.name}: {span!r} runs backwards")
        return frozenset(values[:: int(step) if slash else 1])

    def _read_value(self, text: str) -> int:
        if text.lower() in self.names:
            return self.first + self.names.index(text.lower())
        if self.only_names:
            raise ValueError(
                f"{self.name}: expected names, {', '.join(self.names)}, not {text!r}: "
                "a number means different days to different programs"
            )
        if text.isascii() and text.isdigit() and self.first <= int(text) <= self.last:
            return int(text)
        names = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        raise ValueError(
            f"{self.name}: expected {self.first}-{self.last}{names}, not {text!r}"
        )


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of the week", 0, 6, _DAYS, only_names=True),
)


def check_cron(line: str) -> str:
    """The line itself; raises `ValueError` unless it has five fields that can be read
    in one way only, and names a day that comes."""
    texts = line.split()
    if len(texts) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        raise ValueError(f'expected five fields ({names}), such as "0 3 * * *"')
    _, _, days, months, _ = (
        field.read(text) for field, text in zip(_FIELDS, texts, strict=True)
    )
    if not any(text.startswith("*") for text in (texts[2], texts[4])):
        raise ValueError(
            "a day of the month and one of the week: some programs want both, some "
            "either; leave one of them *"
        )
    lengths = [*_MONTHS.values()]
    if min(days) > max(lengths[month - 1] for month in months):
        raise ValueError("there is no such day in these months")
    return line


def check_interval(every: timedelta) -> timedelta:
    """The interval itself; raises `ValueError` if it is less than a minute."""
    if every < _SHORTEST:
        raise ValueError('expected at least a minute, such as "1m" or "1h"')
    return every
