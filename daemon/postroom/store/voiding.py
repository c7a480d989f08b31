"""Giving up the UIDs of a mailbox whose server counts anew and does not say so.

Invariant: what is known of a message stays known, under a UIDVALIDITY that no server
has: a negative one, a new one each time. Its old key is free for another message.
"""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Connection, func, select, update

from postroom.mail.names import canonical
from postroom.store.cursors import mailbox_id, read_cursor
from postroom.store.schema import effect, mailbox, message


def void_uids(connection: Connection, account_name: str, name: str) -> None:
    """Void the UIDVALIDITY of the mailbox's cursor wherever it stands.

    The cursor is void as well: it differs from whatever the server says until another
    is adopted. One that is void already, or was never there, is left alone.
    """
    cursor = read_cursor(connection, account_name, name)
    if cursor is None or cursor.uidvalidity < 0:
        return
    row = mailbox_id(connection, account_name, name)
    unused = _unused(connection, row)
    for column, where in _places(row, name):
        is_named = column == cursor.uidvalidity
        changed = update(column.table).where(where, is_named).values({column: unused})
        connection.execute(changed)


def _unused(connection: Connection, row: int) -> int:
    """A UIDVALIDITY that nothing in the mailbox has had yet."""
    lowest = [
        select(func.min(message.c.uidvalidity)).where(message.c.mailbox_id == row),
        select(func.min(effect.c.source_uidvalidity)).where(
            effect.c.source_mailbox == row
        ),
    ]
    found = [connection.execute(query).scalar() or 0 for query in lowest]
    return min(0, *found) - 1


def _places(row: int, name: str) -> list[tuple[Column[int], ColumnElement[bool]]]:
    """Columns with a UIDVALIDITY, and which of their rows have it from this mailbox."""
    owner = select(mailbox.c.account_id).where(mailbox.c.id == row).scalar_subquery()
    placed_there = (effect.c.account_id == owner) & (
        effect.c.target_mailbox == canonical(name)
    )
    return [
        (mailbox.c.uidvalidity, mailbox.c.id == row),
        (message.c.uidvalidity, message.c.mailbox_id == row),
        (effect.c.source_uidvalidity, effect.c.source_mailbox == row),
        (effect.c.target_uidvalidity, placed_there),
        (effect.c.claimed_uidvalidity, placed_there),
    ]
