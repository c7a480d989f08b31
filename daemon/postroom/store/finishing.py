"""When a message is finished.

Invariants: a message is `settled` when each of its effects is final, `acknowledged`
when each is done. It is expunged only after all else that was planned for it is done;
what failed, is held or unknown keeps it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from postroom.ports import EffectState, MessageState
from postroom.store.expunges import kept_because
from postroom.store.kinds import EffectKind
from postroom.store.schema import effect, message
from postroom.store.slices import rows_where
from postroom.store.states import EFFECTS, MESSAGES, OPEN_EFFECTS

_NOT_DONE = (EffectState.FAILED, EffectState.HELD)
_FINAL = (EffectState.DONE, *_NOT_DONE)


@dataclass(frozen=True)
class _Planned:
    id: int
    kind: str
    rule: str
    state: str
    detail: str


_Plans = Mapping[int, Sequence[_Planned]]


def finish_messages(
    connection: Connection, messages: Collection[int], now: datetime
) -> None:
    """Hold the expunges that may never be done, then settle and acknowledge."""
    unfinished = _unfinished(connection, messages)
    plans = _plans(connection, unfinished)
    held = {each.id: why for plan in plans.values() for each, why in _doomed(plan)}
    _hold(connection, held, now)
    final = [
        row
        for row, plan in plans.items()
        if all(each.id in held or each.state in _FINAL for each in plan)
    ]
    decided = [row for row in final if unfinished[row] == MessageState.DECIDED]
    _advance(connection, decided, MessageState.SETTLED, now)
    done = [
        row
        for row in final
        if all(each.state == EffectState.DONE for each in plans[row])
    ]
    _advance(connection, done, MessageState.ACKNOWLEDGED, now)


def _unfinished(connection: Connection, messages: Collection[int]) -> dict[int, str]:
    """Those of which something may end now, and their states: nothing is open, or
    something will not be done."""
    unfinished = message.c.state.in_((MessageState.DECIDED, MessageState.SETTLED))
    may_end = or_(~_has_effects(OPEN_EFFECTS), _has_effects(_NOT_DONE))
    query = select(message.c.id, message.c.state).where(unfinished, may_end)
    rows = rows_where(connection, query, message.c.id, list(messages))
    return {row.id: row.state for row in rows}


def _has_effects(states: Collection[EffectState]) -> ColumnElement[bool]:
    of_message = effect.c.message == message.c.id
    return exists().where(of_message, effect.c.state.in_(states))


def _plans(connection: Connection, messages: Iterable[int]) -> _Plans:
    plans: dict[int, list[_Planned]] = {row: [] for row in messages}
    columns = effect.c.kind, effect.c.rule, effect.c.state, effect.c.detail
    query = select(effect.c.message, effect.c.id, *columns)
    for row in rows_where(connection, query, effect.c.message, list(plans)):
        planned = row.id, row.kind, row.rule, row.state, row.detail
        plans[row.message].append(_Planned(*planned))
    return plans


def _doomed(plan: Sequence[_Planned]) -> Iterator[tuple[_Planned, str]]:
    """The expunges that wait for something that will not be done, and for what."""
    blockers = [each for each in plan if each.state in _NOT_DONE]
    for each in plan:
        others = [blocker for blocker in blockers if blocker is not each]
        if others and each.kind == EffectKind.EXPUNGE and each.state in OPEN_EFFECTS:
            first = others[0]
            yield each, kept_because(first.kind, first.rule, first.state, first.detail)


def _hold(connection: Connection, held: Mapping[int, str], now: datetime) -> None:
    changes = [
        {"id": row, "state": EffectState.HELD, "detail": why, "updated": now}
        for row, why in held.items()
    ]
    EFFECTS.advance(connection, changes)


def _advance(
    connection: Connection, rows: Sequence[int], state: MessageState, now: datetime
) -> None:
    changes = [{"id": row, "state": state, "updated": now} for row in rows]
    MESSAGES.advance(connection, changes)
