"""Messages of a maildrop that came here and that nobody has looked at yet."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from postroom.mail.names import INBOX
from postroom.store.maildrops import find
from postroom.store.schema import account, mailbox, maildrop_item, message


def unhandled(connection: Connection, account_name: str) -> frozenset[int]:
    """The UIDs of those that were stored, and are not in the ledger."""
    drop = find(connection, account_name)
    if drop is None:
        return frozenset()
    inbox = (
        select(mailbox.c.id)
        .join(account)
        .where(account.c.name == account_name, mailbox.c.name == INBOX)
        .scalar_subquery()
    )
    query = select(maildrop_item.c.uid).where(
        maildrop_item.c.uidvalidity == drop.uidvalidity,
        maildrop_item.c.stored.is_not(None),
        maildrop_item.c.removed.is_(None),
        maildrop_item.c.adopted.is_(False),
        ~exists().where(
            message.c.mailbox_id == inbox,
            message.c.uidvalidity == maildrop_item.c.uidvalidity,
            message.c.uid == maildrop_item.c.uid,
        ),
    )
    return frozenset(connection.execute(query).scalars())
