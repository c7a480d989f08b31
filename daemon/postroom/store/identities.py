"""Which account is which, whatever it is called in the settings.

Invariants: what is known of an account stays with its login, and goes where its name
goes. No account of the settings shares its row with another. No UID of one login is
taken for one of another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    delete,
    insert,
    select,
    update,
)

from postroom.ports import HoldKind, is_maildrop
from postroom.store.maildrop_doubting import doubt_maildrop
from postroom.store.maildrops import void_maildrop
from postroom.store.schema import account, hold, mailbox, outgoing, relay
from postroom.store.voiding import void_uids

# No account of the settings has this in its name.
_MARK = "~"


@dataclass(frozen=True)
class _Row:
    id: int
    name: str
    identity: str | None


_Fit = Callable[[_Row, str, str], bool]


def recognise(connection: Connection, identities: Mapping[str, str]) -> dict[str, str]:
    """Give each account of the settings its row, by login; old names by the new ones.

    One that another account's name is wanted from keeps its history under a name that
    is in no settings.
    """
    rows = _rows(connection)
    owners = _assign(rows, identities)
    renamed = {row.name: name for name, row in owners.items() if row.name != name}
    left_over = [row for row in rows if row not in owners.values()]
    in_the_way = [row for row in left_over if row.name in identities]
    _rename(connection, renamed | {row.name: _aside(row) for row in in_the_way})
    _note(connection, identities, owners)
    return {new: old for old, new in renamed.items()}


def _rows(connection: Connection) -> list[_Row]:
    query = select(account.c.id, account.c.name, account.c.identity)
    found = connection.execute(query.order_by(account.c.id))
    return [_Row(row.id, row.name, row.identity) for row in found]


# -- whose is which --------------------------------------------------------------------


def _assign(rows: Sequence[_Row], identities: Mapping[str, str]) -> dict[str, _Row]:
    """The row of each name that has one: the surest matches first, each row once."""
    owners: dict[str, _Row] = {}
    for fits in (_is_the_same, _has_login, _has_name):
        for name, login in identities.items():
            free = (row for row in rows if row not in owners.values())
            found = [row for row in free if fits(row, name, login)]
            if found:
                owners.setdefault(name, found[0])
    return owners


def _is_the_same(row: _Row, name: str, login: str) -> bool:
    return _has_name(row, name, login) and _has_login(row, name, login)


def _has_login(row: _Row, name: str, login: str) -> bool:
    return row.identity == login


def _has_name(row: _Row, name: str, login: str) -> bool:
    return row.name == name


def _aside(row: _Row) -> str:
    return f"{row.name}{_MARK}{row.id}"


# -- names -----------------------------------------------------------------------------


def _rename(connection: Connection, names: Mapping[str, str]) -> None:
    """Call accounts and their relays so from now on, wherever they are named.

    What waits for a relay goes where its account's name goes. Where a name stays and
    its login is another, as after a move to another server, that one sends it.
    """
    outdated = set(names.values()) - set(names)
    is_account = hold.c.kind == HoldKind.ACCOUNT
    connection.execute(delete(relay).where(relay.c.name.in_(outdated)))
    connection.execute(delete(hold).where(is_account, hold.c.name.in_(outdated)))
    for column in (account.c.name, relay.c.name, outgoing.c.relay):
        _replace(connection, column, names)
    _replace(connection, hold.c.name, names, is_account)


def _replace(
    connection: Connection,
    column: Column[str],
    names: Mapping[str, str],
    *where: ColumnElement[bool],
) -> None:
    """Replace all at once: over names nobody has, because two may be exchanged."""
    away = {old: f"{_MARK}{old}" for old in names}
    back = {away[old]: new for old, new in names.items()}
    for old, new in [*away.items(), *back.items()]:
        changed = update(column.table).where(column == old, *where)
        connection.execute(changed.values({column: new}))


def _note(
    connection: Connection, identities: Mapping[str, str], owners: Mapping[str, _Row]
) -> None:
    for name, login in identities.items():
        if name not in owners:
            connection.execute(insert(account).values(name=name, identity=login))
        elif owners[name].identity != login:
            _change_login(connection, owners[name], name, login)


def _change_login(connection: Connection, owner: _Row, name: str, login: str) -> None:
    """Note the login; after another one the next look goes by fingerprints, because
    two servers may have one UIDVALIDITY. That of a maildrop is given here."""
    is_owner = account.c.id == owner.id
    connection.execute(update(account).where(is_owner).values(identity=login))
    if owner.identity is None:
        return
    if is_maildrop(owner.identity) and is_maildrop(login):
        doubt_maildrop(connection, owner.id)
        return
    query = select(mailbox.c.name).where(mailbox.c.account_id == owner.id)
    for mailbox_name in connection.execute(query).scalars().all():
        void_uids(connection, name, mailbox_name)
    void_maildrop(connection, owner.id)
