"""The conditions on what a server tells of a message: when and where it arrived, how
large it is, and how it is marked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from postroom import (
    Condition,
    Duration,
    FlagNames,
    Hours,
    Message,
    Moment,
    Octets,
    RegisterCondition,
    Texts,
    Weekdays,
    ZoneName,
    hookimpl,
    in_zone,
)


class Age(Condition):
    """It arrived longer ago than `over`, and not so long ago as `under`; a plain value
    means over. What counts is when it came to the server, not its Date field."""

    depth = "headers"
    over: Duration | None = None
    under: Duration | None = None

    def model_post_init(self, context: object) -> None:
        """Refuse what says nothing, or can never hold."""
        if self.over is None and self.under is None:
            raise ValueError("expected over, under or both")
        if self.over is not None and self.under is not None and self.over >= self.under:
            raise ValueError("nothing is older than over and younger than under")

    def holds(self, message: Message) -> bool:
        """True if the age is between the two, neither included."""
        return (self.over is None or message.age > self.over) and (
            self.under is None or message.age < self.under
        )

    def seen(self, message: Message) -> str:
        """When it arrived."""
        return str(message.received)

    def bounds(self) -> tuple[timedelta | None, timedelta | None]:
        """The two."""
        return self.over, self.under


class Date(Condition):
    """It arrived at such a time: from the moment `after` on, earlier than `before`, on
    one of the days of the week in `weekday`, and `between` two times of the day. Days
    and times are those of the machine's time zone, or of `zone`."""

    depth = "headers"
    after: Moment | None = None
    before: Moment | None = None
    weekday: Weekdays | None = None
    between: Hours | None = None
    zone: ZoneName | None = None

    def model_post_init(self, context: object) -> None:
        """Refuse what says nothing, or can never hold."""
        if not self.model_fields_set - {"zone"}:
            raise ValueError("expected after, before, weekday or between")
        begin, end = self.bounds()
        if begin is not None and end is not None and begin >= end:
            raise ValueError("nothing arrives after the one and before the other")

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """The moments of `after` and `before`."""
        return begin_of(self.after, self.zone), begin_of(self.before, self.zone)

    def holds(self, message: Message) -> bool:
        """True if all that is asked for is so."""
        arrived, (begin, end) = in_zone(message.received, self.zone), self.bounds()
        return (
            (begin is None or message.received >= begin)
            and (end is None or message.received < end)
            and (self.weekday is None or any(arrived in day for day in self.weekday))
            and (self.between is None or arrived.time() in self.between)
        )

    def seen(self, message: Message) -> str:
        """When it arrived."""
        return str(in_zone(message.received, self.zone))


class Size(Condition):
    """The message is larger than `over` and smaller than `under`, in octets; a plain
    value means over. K, M and G are powers of 1,024."""

    depth = "headers"
    over: Octets | None = None
    under: Octets | None = None

    def model_post_init(self, context: object) -> None:
        """Refuse what says nothing, or can never hold."""
        if self.over is None and self.under is None:
            raise ValueError("expected over, under or both")
        if self.under is not None and (self.over or 0) >= self.under:
            raise ValueError("nothing is larger than over and smaller than under")

    def holds(self, message: Message) -> bool:
        """True if the size is between the two, neither included."""
        return (self.over is None or message.size > self.over) and (
            self.under is None or message.size < self.under
        )

    def bounds(self) -> tuple[int | None, int | None]:
        """The two."""
        return self.over, self.under

    def seen(self, message: Message) -> str:
        """The size in octets."""
        return str(message.size)


class Flag(Condition):
    """It has one of these flags (`seen`, `answered`, `flagged`, `deleted`, `draft`) or
    keywords."""

    depth = "headers"
    names: FlagNames

    def holds(self, message: Message) -> bool:
        """True if one of them is set."""
        found = {flag.lower() for flag in message.flags}
        return any(name.lower() in found for name in self.names)

    def seen(self, message: Message) -> str:
        """The flags and keywords."""
        return " ".join(sorted(message.flags))


class Mailbox(Condition):
    """The name of the mailbox that it arrived in fits."""

    depth = "headers"
    table_is_main = True
    texts: Texts

    def holds(self, message: Message) -> bool:
        """True if one of the patterns fits."""
        return any(text.matches(message.key.mailbox) for text in self.texts)

    def seen(self, message: Message) -> str:
        """The name of the mailbox."""
        return message.key.mailbox


def begin_of(moment: date | None, zone: str | None) -> datetime | None:
    """When a day begins in a time zone, in UTC, where each hour comes once; a time that
    has a zone of its own keeps it."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    if moment.tzinfo is None and zone:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)


@hookimpl
def register_conditions(register: RegisterCondition) -> None:
    """Bring the conditions under their names in rule files."""
    register("age", Age)
    register("date", Date)
    register("flag", Flag)
    register("mailbox", Mailbox)
    register("size", Size)
