"""The ledger of messages: their rows, which wait to be decided, and which have left.

Invariant: a key names one row, and a row one message of one mailbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, select

from postroom.mail.message import MessageKey
from postroom.mail.names import canonical
from postroom.ports import MessageState
from postroom.store.kinds import IN_MAILBOX
from postroom.store.schema import (
    account,
    effect,
    located_message,
    mailbox,
    message,
)
from postroom.store.slices import rows_where
from postroom.store.states import EFFECTS, MESSAGES, OPEN_EFFECTS


@dataclass(frozen=True)
class LedgerRow:
    """A message's row: where it stands in the store, its state, and why what would go
    out of it is held, if it is."""

    id: int
    mailbox: int
    state: MessageState
    attempts: int
    held: str


def rows_of(
    connection: Connection, keys: Iterable[MessageKey]
) -> dict[MessageKey, LedgerRow]:
    """The rows of those that have one."""
    found: dict[MessageKey, LedgerRow] = {}
    for (account_name, name, uidvalidity), group in by_mailbox(keys):
        query = _rows_in(account_name, name, uidvalidity)
        uids = {key.uid: key for key in group}
        for row in rows_where(connection, query, message.c.uid, list(uids)):
            state = MessageState(row.state)
            of_row = row.id, row.mailbox_id, state, row.attempts, row.held
            found[uids[row.uid]] = LedgerRow(*of_row)
    return found


def undecided(
    connection: Connection, account_name: str, name: str, uidvalidity: int
) -> list[int]:
    """UIDs of messages that the cursor passed before they were decided, ascending; but
    for those that wait for a rule."""
    query = (
        select(message.c.uid)
        .select_from(located_message)
        .where(account.c.name == account_name, mailbox.c.name == canonical(name))
        .where(message.c.uidvalidity == uidvalidity)
        .where(mailbox.c.uidvalidity == uidvalidity, message.c.uid <= mailbox.c.uid)
        .where(message.c.state == MessageState.SEEN, message.c.waits_for == "")
        .order_by(message.c.uid)
    )
    return list(connection.execute(query).scalars())


def mark_gone(
    connection: Connection, keys: Sequence[MessageKey], now: datetime
) -> None:
    """Record that these have left the server; what was to be done there has failed."""
    rows = [
        row.id
        for row in rows_of(connection, keys).values()
        if row.state is not MessageState.GONE
    ]
    _give_up_effects(connection, rows, now)
    changes = [{"id": row, "state": MessageState.GONE, "updated": now} for row in rows]
    MESSAGES.advance(connection, changes)


def _give_up_effects(
    connection: Connection, rows: Sequence[int], now: datetime
) -> None:
    query = select(effect.c.id).where(
        effect.c.state.in_(OPEN_EFFECTS), effect.c.kind.in_(IN_MAILBOX)
    )
    change = {
        "state": "failed",
        "detail": "the message has left the mailbox",
        "updated": now,
    }
    still_open = rows_where(connection, query, effect.c.message, rows)
    EFFECTS.advance(connection, [{"id": row.id, **change} for row in still_open])


# -- queries ---------------------------------------------------------------------------


def by_mailbox(
    keys: Iterable[MessageKey],
) -> Iterator[tuple[tuple[str, str, int], list[MessageKey]]]:
    """These by account, mailbox and UIDVALIDITY."""

    def place(key: MessageKey) -> tuple[str, str, int]:
        return key.account, canonical(key.mailbox), key.uidvalidity

    for where, group in groupby(sorted(keys, key=place), place):
        yield where, list(group)


def _rows_in(account_name: str, name: str, uidvalidity: int) -> Select[Any]:
    return (
        select(
            message.c.id,
            message.c.mailbox_id,
            message.c.uid,
            message.c.state,
            message.c.attempts,
            message.c.held,
        )
        .select_from(located_message)
        .where(account.c.name == account_name, mailbox.c.name == name)
        .where(message.c.uidvalidity == uidvalidity)
    )
