"""Which state may follow which; the only place that changes a state.

Invariant: a row goes from state to state along these edges or not at all. The database
sees to it as well: to the words by checks (`schema.py`), to the edges by triggers that
are made of them (`guards.py`). A change of an edge needs a migration, if an empty one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from operator import itemgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    Update,
    bindparam,
    select,
    update,
)

from postroom.errors import StoreError
from postroom.ports import DeliveryState, EffectState, MessageState
from postroom.store import schema
from postroom.store.dialects import among
from postroom.store.slices import finding, found

S = TypeVar("S", bound=StrEnum)

Edges = Mapping[S, frozenset[S]]


@dataclass(frozen=True)
class Machine(Generic[S]):
    """The states of one table's rows, and the edges between them."""

    table: Table
    states: type[S]
    edges: Edges[S]

    def allows(self, old: S, new: S) -> bool:
        """True if a row may go from `old` to `new`."""
        return new in self.edges[old]

    def advance(
        self,
        connection: Connection,
        changes: Sequence[Mapping[str, Any]],
        *,
        counted: bool = False,
    ) -> None:
        """Set `state` and the other given columns of the rows with these `id`s, and if
        this is `counted` add one to their attempts, and to how often they were begun.

        All changes name the same columns. Raises `StoreError` if a row is missing or
        may not go there; then no row is changed.
        """
        if not changes:
            return
        self._check(connection, changes)
        columns = tuple(name for name in changes[0] if name != "id")
        setting = _setting(self.table, columns, counted)
        connection.execute(setting, _by_values(columns, changes))

    def _check(
        self, connection: Connection, changes: Sequence[Mapping[str, Any]]
    ) -> None:
        ids = [change["id"] for change in changes]
        now = dict(map(tuple, found(connection, self._now, ids)))
        steps = {(now.get(change["id"]), change["state"]): change for change in changes}
        for (old, new), change in steps.items():
            if old is None or not self.allows(self.states(old), new):
                raise StoreError(
                    f"{self.table.name} {change['id']} can't go from {old} to {new}"
                )

    @cached_property
    def _now(self) -> Select[Any]:
        """The states that rows have; made once."""
        return finding(select(self.table.c.id, self.table.c.state), self.table.c.id)


@cache
def _setting(table: Table, columns: Sequence[str], counted: bool) -> Update:
    """Sets these columns of the rows that are given, and counts an attempt at them."""
    new: dict[str, ColumnElement[Any]] = {
        name: bindparam(f"new_{name}") for name in columns
    }
    if counted:
        new |= {"attempts": table.c.attempts + 1, "begun": table.c.begun + 1}
    return update(table).where(among(table.c.id)).values(new)


def _by_values(
    columns: Sequence[str], changes: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The values that are set, each time with all the rows that get the same."""
    rows: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    read = itemgetter("id", *columns)
    for row, *values in map(read, changes):
        rows[tuple(values)].append(row)
    names = [f"new_{name}" for name in columns]
    return [
        {"given": ids, **dict(zip(names, values, strict=True))}
        for values, ids in rows.items()
    ]


def _message_edges() -> Edges[MessageState]:
    state = MessageState
    return {
        state.SEEN: frozenset(  # seen again: deciding it failed, and may be tried again
            {state.SEEN, state.DECIDED, state.QUARANTINED, state.GONE}
        ),
        state.DECIDED: frozenset({state.SETTLED, state.GONE}),
        # Decided again: the owner had what failed or was held done after all.
        state.SETTLED: frozenset({state.ACKNOWLEDGED, state.DECIDED, state.GONE}),
        # Seen again, without a plan: it was taken for what postroom itself placed, and
        # the server told that this was another, or that there is none (`claims.py`).
        state.ACKNOWLEDGED: frozenset({state.SEEN, state.GONE}),
        state.QUARANTINED: frozenset({state.SEEN, state.GONE}),
        state.GONE: frozenset(),
    }


def _effect_edges() -> Edges[EffectState]:
    state = EffectState
    final = frozenset({state.DONE, state.FAILED, state.HELD})
    return {
        state.PLANNED: final | {state.DOING},
        # Begun again after a crash; or a perform that is to be tried again.
        state.DOING: final | {state.DOING, state.PLANNED},
        # A delivery may be retried by hand, or be bounced after it was accepted.
        state.DONE: frozenset({state.FAILED}),
        state.FAILED: frozenset({state.PLANNED, state.DONE, state.HELD}),
        state.HELD: frozenset({state.PLANNED, state.DONE, state.FAILED}),
    }


def _delivery_edges() -> Edges[DeliveryState]:
    state = DeliveryState
    refused = frozenset({state.DELAYED, state.FAILED, state.HELD})
    waiting = refused | {state.SENDING, state.WITHDRAWN}
    again = frozenset({state.QUEUED, state.WITHDRAWN})
    return {
        state.QUEUED: waiting,
        state.DELAYED: waiting | {state.QUEUED},
        state.SENDING: refused | {state.DELIVERED, state.UNKNOWN, state.QUEUED},
        state.DELIVERED: frozenset({state.BOUNCED}),
        # Unknown again: it was looked for, and not found (`doubts.py`).
        state.UNKNOWN: again
        | {state.UNKNOWN, state.DELAYED, state.HELD}
        | {state.DELIVERED, state.BOUNCED},
        state.FAILED: again,
        state.HELD: again,
        state.BOUNCED: again,
        state.WITHDRAWN: frozenset(),
    }


MESSAGES = Machine(schema.message, MessageState, _message_edges())
EFFECTS = Machine(schema.effect, EffectState, _effect_edges())
DELIVERIES = Machine(schema.delivery, DeliveryState, _delivery_edges())

OPEN_EFFECTS = (EffectState.PLANNED, EffectState.DOING)
WAITING_DELIVERIES = (DeliveryState.QUEUED, DeliveryState.DELAYED)
# Whom the owner lets nobody send, even where a sender had begun to.
TAKEN_AWAY = (DeliveryState.HELD, DeliveryState.WITHDRAWN)
OPEN_DELIVERIES = (*WAITING_DELIVERIES, DeliveryState.SENDING)
