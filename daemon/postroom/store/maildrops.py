"""Which maildrop is an account's, and the uptime that is counted for it.

Invariants: no two have one UIDVALIDITY, and no UID of one is given twice. What is
counted is never more than the time that has passed, whatever the wall clock says.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from postroom.ports import Clock, Maildrop, Uptime
from postroom.store.cursors import account_id
from postroom.store.schema import account, maildrop


@dataclass(frozen=True)
class Moment:
    """A moment: by the wall clock, and by how long the machine was up by then."""

    now: datetime
    uptime: Uptime

    @property
    def up(self) -> int:
        """The uptime in microseconds."""
        return int(self.uptime.seconds * 1_000_000)


@dataclass(frozen=True)
class Drop:
    """A maildrop as its row tells of it (`schema_maildrop.py`)."""

    uidvalidity: int
    uidnext: int
    listings: int
    unidentified: int
    doubtful: int
    hides: bool
    counted: int
    boot: str
    uptime: int
    counted_at: datetime

    @property
    def told(self) -> Maildrop:
        """What others are told of it."""
        return Maildrop(self.uidvalidity, self.uidnext, self.hides)

    def counted_until(self, moment: Moment) -> int:
        """The uptime that is counted by then, as far as it is certain.

        Within one boot that is all of it. After another boot it is the uptime of this
        one, but for what the wall clock does not know of either.
        """
        if moment.uptime.boot == self.boot:
            passed = moment.up - self.uptime
        else:
            passed = min(moment.up, microseconds(moment.now - self.counted_at))
        return self.counted + max(passed, 0)

    def at(self, moment: Moment) -> Drop:
        """The same, counted until then."""
        return replace(
            self,
            counted=self.counted_until(moment),
            boot=moment.uptime.boot,
            uptime=moment.up,
            counted_at=moment.now,
        )


_COLUMNS = [maildrop.c[field.name] for field in fields(Drop)]


def microseconds(how_long: timedelta) -> int:
    """So long, in whole microseconds."""
    return how_long // timedelta(microseconds=1)


def moment_of(clock: Clock) -> Moment:
    """The moment that it is now."""
    return Moment(clock.now(), clock.uptime())


def find(connection: Connection, account_name: str) -> Drop | None:
    """The account's maildrop; None if it was never met."""
    query = (
        select(*_COLUMNS)
        .join(account)
        .where(account.c.name == account_name, maildrop.c.void.is_(False))
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Drop(*row)


def meet(connection: Connection, account_name: str, moment: Moment) -> Drop:
    """The account's maildrop; it is given its UIDVALIDITY when it is first met."""
    found = find(connection, account_name)
    return found or _make(connection, account_name, moment)


def save(connection: Connection, drop: Drop) -> None:
    """Keep what has changed about it."""
    columns = asdict(drop)
    is_it = maildrop.c.uidvalidity == columns.pop("uidvalidity")
    connection.execute(update(maildrop).where(is_it).values(columns))


def void_maildrop(connection: Connection, owner: int) -> None:
    """Have nothing of this account's maildrop be taken for what another one holds."""
    is_its = maildrop.c.account_id == owner
    connection.execute(update(maildrop).where(is_its).values(void=True))


def _make(connection: Connection, account_name: str, moment: Moment) -> Drop:
    drop = Drop(
        uidvalidity=_unused(connection, moment.now),
        uidnext=1,
        listings=0,
        unidentified=0,
        doubtful=0,
        hides=False,
        counted=0,
        boot=moment.uptime.boot,
        uptime=moment.up,
        counted_at=moment.now,
    )
    owner = account_id(connection, account_name)
    row = asdict(drop) | {"account_id": owner, "void": False}
    connection.execute(insert(maildrop).values(row))
    return drop


def _unused(connection: Connection, now: datetime) -> int:
    """The lowest UIDVALIDITY, of this second or later, that no maildrop has or had."""
    value = max(int(now.timestamp()), 1)
    later = select(maildrop.c.uidvalidity).where(maildrop.c.uidvalidity >= value)
    taken = frozenset(connection.execute(later).scalars())
    while value in taken:
        value += 1
    return value
