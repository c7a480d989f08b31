"""Which expunges may be done, and what keeps the others back.

Invariant: a message is expunged only after all else that was planned for it is done,
and only after that it leaves a maildrop.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, select

from postroom.ports import EffectState
from postroom.store.kinds import EffectKind
from postroom.store.maildrop_removals import handled
from postroom.store.schema import account, effect, mailbox, message
from postroom.store.slices import rows_where
from postroom.store.states import OPEN_EFFECTS

# How the details of expunges begin that wait for what was not done.
KEPT = "kept: "

# The detail of an effect of which the owner withdrew what was not delivered.
WITHDRAWN = "withdrawn by the owner"


def kept_because(kind: str, rule: str, state: str, detail: str) -> str:
    """What an expunge waits for that was not done."""
    if detail == WITHDRAWN:
        return KEPT + WITHDRAWN
    return f"{KEPT}{kind} of rule {rule!r} is {state}"


def all_else_is_done() -> ColumnElement[bool]:
    """True of an effect if every other one of its message is done."""
    other = effect.alias("other")
    return ~exists().where(
        other.c.message == effect.c.message,
        other.c.id != effect.c.id,
        other.c.state != EffectState.DONE,
    )


def ready_to_expunge(
    connection: Connection, messages: Collection[int]
) -> frozenset[tuple[str, str]]:
    """The (account, mailbox) pairs where expunges of these messages may now go on, and
    where one of them may leave its maildrop."""
    ids = list(messages)
    expunges = rows_where(connection, _expunges(), effect.c.message, ids)
    removals = rows_where(connection, _removals(), message.c.id, ids)
    return frozenset((row.account, row.mailbox) for row in chain(expunges, removals))


def _expunges() -> Select[Any]:
    return (
        select(account.c.name.label("account"), mailbox.c.name.label("mailbox"))
        .select_from(effect)
        .join(mailbox, effect.c.source_mailbox == mailbox.c.id)
        .join(account, mailbox.c.account_id == account.c.id)
        .where(effect.c.kind == EffectKind.EXPUNGE, effect.c.state.in_(OPEN_EFFECTS))
        .where(all_else_is_done())
    )


def _removals() -> Select[Any]:
    columns = account.c.name.label("account"), mailbox.c.name.label("mailbox")
    return handled(*columns).join(account, mailbox.c.account_id == account.c.id)
