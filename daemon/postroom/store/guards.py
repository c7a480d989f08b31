"""What the database refuses by itself, whatever code asks for it.

Invariants: a row goes along the edges of its machine (`states.py`, of which these
triggers are made). An attempt is counted before it is made. A message is `settled` with
no effect open, and `acknowledged` with each one done. It is expunged only after all
else that was planned for it is done. A send is done only when nobody is left to whom it
was not delivered.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from postroom.ports import DeliveryState, EffectState, MessageState
from postroom.store.dialects import Guard, drop_triggers, trigger
from postroom.store.kinds import EffectKind
from postroom.store.states import DELIVERIES, EFFECTS, MESSAGES, OPEN_EFFECTS, Machine


def lay_guards(connection: Connection) -> None:
    """Have the database refuse all of this, and nothing else."""
    drop_triggers(connection)
    for guard in GUARDS:
        for statement in trigger(guard, connection.dialect.name):
            connection.exec_driver_sql(statement)


def _listed(words: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


# -- edges -----------------------------------------------------------------------------


def _along_edges(machine: Machine[Any]) -> Guard:
    table = machine.table.name
    cases = (
        f"WHEN '{old}' THEN NEW.state NOT IN ({_listed(following)})"
        for old, following in machine.edges.items()
        if following
    )
    illegal = f"CASE OLD.state {' '.join(cases)} ELSE TRUE END"
    return Guard(
        table, "goes_on", illegal, f"{table}: this state may not follow that one"
    )


# -- what must be so before ------------------------------------------------------------

_UNDELIVERED = f"""SELECT 1 FROM delivery
    JOIN outgoing ON delivery.outgoing_id = outgoing.id
    WHERE outgoing.effect_id = NEW.id AND delivery.state NOT IN
    ({_listed((DeliveryState.DELIVERED, DeliveryState.WITHDRAWN))})"""

_BEFORE = (
    Guard(
        "message",
        "is_counted",
        f"OLD.state = '{MessageState.SEEN}' AND NEW.state IN"
        f" ({_listed((MessageState.DECIDED, MessageState.QUARANTINED))})"
        " AND NEW.attempts < 1",
        "an attempt at deciding a message is counted before it is made",
    ),
    Guard(
        "message",
        "is_settled",
        f"NEW.state = '{MessageState.SETTLED}' AND EXISTS (SELECT 1 FROM effect WHERE"
        f" effect.message = NEW.id AND effect.state IN ({_listed(OPEN_EFFECTS)}))",
        "a message is not settled while an effect of it is open",
    ),
    Guard(
        "message",
        "is_acknowledged",
        f"NEW.state = '{MessageState.ACKNOWLEDGED}' AND EXISTS (SELECT 1 FROM effect"
        f" WHERE effect.message = NEW.id AND effect.state <> '{EffectState.DONE}')",
        "a message is not acknowledged before each effect of it is done",
    ),
    Guard(
        "effect",
        "is_counted",
        f"NEW.state = '{EffectState.DOING}' AND (NOT NEW.attempted"
        f" OR NEW.kind <> '{EffectKind.SEND}' AND NEW.attempts < 1)",
        "an attempt at an effect is counted before it is made",
    ),
    Guard(
        "effect",
        "expunges_last",
        f"NEW.state = '{EffectState.DOING}' AND NEW.kind = '{EffectKind.EXPUNGE}'"
        " AND EXISTS (SELECT 1 FROM effect AS other WHERE other.message = NEW.message"
        f" AND other.id <> NEW.id AND other.state <> '{EffectState.DONE}')",
        "a message is not expunged before all else of it is done",
    ),
    Guard(
        "effect",
        "is_sent",
        f"NEW.state = '{EffectState.DONE}' AND NEW.kind = '{EffectKind.SEND}'"
        f" AND EXISTS ({_UNDELIVERED})",
        "a send is not done while somebody has not got it",
    ),
    Guard(
        "delivery",
        "is_counted",
        f"NEW.state = '{DeliveryState.SENDING}' AND (NEW.attempts < 1 OR NOT EXISTS"
        " (SELECT 1 FROM attempt WHERE attempt.delivery_id = NEW.id"
        " AND attempt.ended IS NULL))",
        "an attempt at a delivery is counted before it is made",
    ),
    Guard(
        "delivery",
        "is_delayed",
        f"NEW.state = '{DeliveryState.DELAYED}' AND NEW.next_attempt IS NULL",
        "a delivery is not delayed for ever",
    ),
)

_MACHINES: tuple[Machine[Any], ...] = MESSAGES, EFFECTS, DELIVERIES

GUARDS = (*map(_along_edges, _MACHINES), *_BEFORE)
