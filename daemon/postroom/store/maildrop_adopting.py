"""What was in a maildrop before postroom, and is left there as it is.

Invariant: such a message is neither handled nor removed, also when the maildrop calls
it by another name, as far as its size tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, exists, select, update

from postroom.mail.names import INBOX, canonical
from postroom.ports import Cursor, Listed
from postroom.store.maildrop_items import Known
from postroom.store.maildrops import find
from postroom.store.schema import account, mailbox, maildrop_item, message

# So many that go at once, each with a newcomer of its size, were only renamed.
_FEW = 3


def adopt(
    connection: Connection, account_name: str, mailbox_name: str, cursor: Cursor
) -> None:
    """Leave alone what the cursor has passed and nobody has looked at."""
    drop = find(connection, account_name)
    if canonical(mailbox_name) != INBOX or drop is None:
        return
    if cursor.uidvalidity != drop.uidvalidity:
        return
    item = maildrop_item.c
    inbox = (
        select(mailbox.c.id)
        .join(account)
        .where(account.c.name == account_name, mailbox.c.name == INBOX)
        .scalar_subquery()
    )
    was_seen = exists().where(
        message.c.mailbox_id == inbox,
        message.c.uidvalidity == item.uidvalidity,
        message.c.uid == item.uid,
    )
    passed = (item.uidvalidity == drop.uidvalidity, item.uid <= cursor.uid)
    change = update(maildrop_item).where(*passed, item.stored.is_(None), ~was_seen)
    connection.execute(change.values(adopted=True))


def pair_by_size(
    missing: Iterable[Known], listed: Sequence[Listed]
) -> dict[Listed, Known]:
    """Which of these may be which of the missing ones: those of the same size."""
    sizes: defaultdict[int, list[Known]] = defaultdict(list)
    for row in missing:
        sizes[row.size].append(row)
    # Maildrops keep their order.
    for rows in sizes.values():
        rows.sort(key=lambda row: -row.uid)
    return {each: sizes[each.size].pop() for each in listed if sizes[each.size]}


def are_renamed(missing: Sequence[Known], pairs: Iterable[Known]) -> bool:
    """True if so many that go at once, all with a newcomer of their size, tell that
    they have not gone."""
    return len(missing) >= _FEW and len(list(pairs)) == len(missing)
