"""A maildrop of which nobody knows whether it is still the one it was: the account's
login is another by now, as after a change of the server's name or of the provider.

Invariants: no message is taken for one that is stored here before its octets were
compared. What is kept on a server under another name is neither stored nor handled
again, and what lies in another maildrop is not removed unseen. The UIDs go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, select, update

from postroom.ports import Listed
from postroom.store.maildrop_adopting import pair_by_size
from postroom.store.maildrop_items import Known
from postroom.store.schema import maildrop, maildrop_item

# With more unknown messages than these nothing goes out.
_MANY = 20


def doubt_maildrop(connection: Connection, owner: int) -> None:
    """Have the next listing tell which maildrop this account has now.

    Names of what is stored are forgotten: its octets tell it apart. What was removed,
    or may have been, is compared in any case.
    """
    is_its = (maildrop.c.account_id == owner) & maildrop.c.void.is_(False)
    drops = select(maildrop.c.uidvalidity).where(is_its).scalar_subquery()
    item = maildrop_item.c
    is_there = (item.uidvalidity == drops, item.removed.is_(None), item.asked.is_(None))
    is_stored = item.content_hash.is_not(None)
    unsure = update(maildrop_item).where(*is_there)
    connection.execute(
        unsure.where(item.vanished.is_(None), is_stored | item.adopted).values(
            sought=True
        )
    )
    connection.execute(unsure.where(is_stored).values(uidl=""))
    # None was stored at the listing that is the last one now.
    listed = update(maildrop).where(is_its)
    connection.execute(listed.values(listings=maildrop.c.listings + 1))


def is_doubted(row: Known) -> bool:
    """True of one that is stored here, and that any message listed may be."""
    return row.sought and not row.uidl and row.content_hash is not None


def is_another(there: Iterable[Known], adopted: Collection[Known]) -> bool:
    """True if the maildrop is another one than that whose messages were adopted: the
    next listing has none of those. What had no name tells nothing of it."""
    doubted = {row.uid for row in there if row.adopted and row.sought and row.uidl}
    return bool(doubted) and doubted.isdisjoint(row.uid for row in adopted)


def are_strange(there: Iterable[Known], unidentified: Sequence[Listed]) -> bool:
    """True if of these, which may be messages that are stored here, so many can't be,
    as their sizes tell, that what would go out has to wait for the owner."""
    doubted = [row for row in there if is_doubted(row)]
    named = [each for each in unidentified if each.uidl]
    return bool(doubted) and len(named) - len(pair_by_size(doubted, named)) > _MANY
