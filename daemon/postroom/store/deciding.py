"""Recording what was decided: plans, effects, outgoing mail and the cursor, as one.

Invariants: a message has one plan of each occasion, whatever is decided again after a
crash.
Bytes that must go out are in the store before anything may touch their source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert

from postroom.errors import StoreError
from postroom.mail.message import MessageKey
from postroom.mail.names import canonical
from postroom.ports import Cursor, Decision, MessageState, NotSent
from postroom.store.codec import encode_trace
from postroom.store.cursors import advance_cursor
from postroom.store.finishing import finish_messages
from postroom.store.holds import held_rules
from postroom.store.ledger import LedgerRow, rows_of
from postroom.store.planning import Decided, record_effects
from postroom.store.runs import Run, run_of
from postroom.store.schema import plan
from postroom.store.states import MESSAGES

ATTEMPTS = 3


def commit(
    connection: Connection,
    run_id: int,
    decisions: Sequence[Decision],
    cursor: Cursor | None,
    now: datetime,
) -> tuple[NotSent, ...]:
    """Record all of it; a message that is decided already is left as it is. What is not
    sent, since its window is taken."""
    rows = rows_of(connection, (each.message.key for each in decisions))
    fresh = [each for each in decisions if _is_undecided(rows, each.message.key)]
    of = run_of(connection, run_id)
    decided = [
        Decided(rows[each.message.key], each.message, each.plan, of.occasion)
        for each in fresh
        if each.plan is not None
    ]
    _record_failures(connection, rows, fresh, now)
    unsent = _record_plans(connection, of, decided, now)
    if cursor:
        place = _one_mailbox(decisions)
        advance_cursor(connection, place.account, place.mailbox, cursor)
    return unsent


def _is_undecided(rows: Mapping[MessageKey, LedgerRow], key: MessageKey) -> bool:
    if key not in rows:
        raise StoreError(f"{key} was decided before it was seen")
    return rows[key].state is MessageState.SEEN


def _one_mailbox(decisions: Sequence[Decision]) -> MessageKey:
    keys = [each.message.key for each in decisions]
    if len({(key.account, canonical(key.mailbox)) for key in keys}) != 1:
        raise StoreError("a cursor is committed with decisions of its own mailbox")
    return keys[0]


# -- no plan ---------------------------------------------------------------------------


def _record_failures(
    connection: Connection,
    rows: Mapping[MessageKey, LedgerRow],
    decisions: Iterable[Decision],
    now: datetime,
) -> None:
    failed = [each for each in decisions if each.plan is None]
    held = held_rules(connection)
    changes = [
        _after_failure(rows[each.message.key], each, held) | {"updated": now}
        for each in failed
    ]
    MESSAGES.advance(connection, changes)


def _after_failure(
    row: LedgerRow, decision: Decision, held: Collection[str]
) -> dict[str, object]:
    """What becomes of it: it waits for a rule, is tried again, or is given up."""
    if decision.waits_for:
        return _waiting(row, decision, held)
    last = decision.final or row.attempts >= ATTEMPTS
    state = MessageState.QUARANTINED if last else MessageState.SEEN
    told = {"id": row.id, "reason": decision.failure, "waits_for": ""}
    return told | {"state": state, "attempts": row.attempts}


def _waiting(
    row: LedgerRow, decision: Decision, held: Collection[str]
) -> dict[str, object]:
    """It waits; unless the rule was released while it was being decided, or is no more:
    nobody would end its waiting then."""
    is_held = decision.waits_for in held
    return {
        "id": row.id,
        "reason": decision.failure if is_held else "",
        "waits_for": decision.waits_for if is_held else "",
        "state": MessageState.SEEN,
        "attempts": max(row.attempts - 1, 0),
    }


# -- plans -----------------------------------------------------------------------------


def _record_plans(
    connection: Connection, of: Run, decided: Sequence[Decided], now: datetime
) -> tuple[NotSent, ...]:
    if not decided:
        return ()
    change = {"state": MessageState.DECIDED, "reason": "", "waits_for": ""}
    changes = [{"id": each.row.id, **change, "updated": now} for each in decided]
    MESSAGES.advance(connection, changes)
    plans = _insert_plans(connection, of, decided, now)
    unsent = record_effects(connection, decided, plans, now)
    finish_messages(connection, [each.row.id for each in decided], now)
    return unsent


def _insert_plans(
    connection: Connection, of: Run, decided: Sequence[Decided], now: datetime
) -> dict[int, int]:
    """The number of each message's plan, by the message's."""
    rows = [
        {
            "message": each.row.id,
            "run_id": of.id,
            "ruleset_id": of.ruleset,
            "trace": encode_trace(each.plan.trace, each.plan.passed_over),
            "decided": now,
            "occasion": each.occasion,
        }
        for each in decided
    ]
    made = connection.execute(insert(plan).returning(plan.c.message, plan.c.id), rows)
    return {row.message: row.id for row in made}
