"""Rules that are not asked, and accounts that are not watched, until they are released.

Invariant: a message waits for a rule only as long as that is held.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from postroom.ports import Hold, HoldKind, MessageState
from postroom.store.reopening import let_out, reopen_rule, rules_undone
from postroom.store.schema import hold, message


def held(connection: Connection) -> list[Hold]:
    """What is held, since when, and why: accounts, then rules, by their names."""
    rows = connection.execute(select(hold).order_by(hold.c.kind, hold.c.name))
    return [Hold(HoldKind(row.kind), row.name, row.reason, row.since) for row in rows]


def held_rules(connection: Connection) -> frozenset[str]:
    """The names of the rules that are held."""
    of_rules = select(hold.c.name).where(hold.c.kind == HoldKind.RULE)
    return frozenset(connection.execute(of_rules).scalars())


def releasable_rules(connection: Connection) -> frozenset[str]:
    """The names of rules, even of those that are no more, that are held, that messages
    wait for, or of which something is held or failed that they wanted done."""
    waiting = select(message.c.waits_for).where(_waits())
    found = connection.execute(waiting).scalars()
    return held_rules(connection).union(found, rules_undone(connection))


def note_hold(connection: Connection, new: Hold) -> None:
    """Hold it; one that is held keeps its reason."""
    if connection.execute(select(hold).where(_is(new.kind, new.name))).first() is None:
        row = {"kind": new.kind, "name": new.name}
        row_of_hold = row | {"reason": new.reason, "since": new.since}
        connection.execute(insert(hold), row_of_hold)


def release(connection: Connection, kind: HoldKind, name: str, now: datetime) -> bool:
    """End the hold; what waits for the rule, and what is held of what it wanted, is
    tried again. False if there was nothing of all that.

    What was held because its message was (`note_arrived`) goes out only where the rule
    itself is not held: a hold may also end by itself, and nobody was asked then.
    """
    ended = connection.execute(delete(hold).where(_is(kind, name))).rowcount
    if kind is HoldKind.ACCOUNT:
        return bool(ended)
    waited = _end_waiting(connection, message.c.waits_for == name, now)
    reopened = reopen_rule(connection, name, now)
    let_go = 0 if ended else let_out(connection, name, now)
    return any((ended, waited, reopened, let_go))


def forget_rules(connection: Connection, names: Collection[str], now: datetime) -> None:
    """End the holds of rules that are none of these, and have nothing wait for a rule
    that is not held."""
    held = held_rules(connection)
    for name in held.difference(names):
        connection.execute(delete(hold).where(_is(HoldKind.RULE, name)))
    is_held = message.c.waits_for.in_(held.intersection(names))
    _end_waiting(connection, ~is_held, now)


def _is(kind: HoldKind, name: str) -> ColumnElement[bool]:
    return (hold.c.kind == kind) & (hold.c.name == name)


def _waits() -> ColumnElement[bool]:
    is_undecided = message.c.state == MessageState.SEEN
    return is_undecided & (message.c.waits_for != "")


def _end_waiting(
    connection: Connection, where: ColumnElement[bool], now: datetime
) -> int:
    """Have these messages tried again; how many they are."""
    changed = update(message).where(where, _waits())
    told = {"waits_for": "", "reason": "", "updated": now}
    return connection.execute(changed.values(told)).rowcount
