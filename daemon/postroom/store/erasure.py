"""Erasing what is kept about one address.

Invariants: what is open about it is never erased, but refused. Keys, fingerprints and
hashes stay, without the address: nothing that was done is done again for the erasing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)

from postroom.errors import PermanentError
from postroom.ports import DeliveryState
from postroom.store.named import ERASED, Named
from postroom.store.retention import FINISHED, forget_content
from postroom.store.schema import (
    attempt,
    content_chunk,
    delivery,
    effect,
    hold,
    memory,
    message,
    notice,
    outgoing,
    plan,
    relay,
    reply_window,
    watch,
)
from postroom.store.slices import rows_where
from postroom.store.states import OPEN_EFFECTS

_Found = Mapping[Table, Sequence[Row[Any]]]

_UNFINISHED = tuple(state for state in DeliveryState if state not in FINISHED)
# Where the address is taken out of the text; rows that are keyed by it go as a whole.
_TEXTS: Mapping[Table, Sequence[str]] = {
    message: ("message_id", "reason", "held"),
    plan: ("trace",),
    effect: ("arguments", "detail", "target_mailbox"),
    outgoing: ("sender", "message_id"),
    delivery: ("recipient", "reply"),
    attempt: ("reply",),
    relay: ("error",),
    watch: ("detail",),
    notice: ("text",),
    hold: ("reason",),
}
_KEYED: Mapping[Table, Sequence[str]] = {
    reply_window: ("address",),
    memory: ("key", "text"),
}


@dataclass(frozen=True)
class Traces:
    """Where an address stands: in how many rows of which tables, in which contents, and
    the deliveries and messages about it that are still open."""

    rows: Mapping[str, int]
    contents: Sequence[str]
    open_deliveries: Sequence[int]
    open_messages: Sequence[int]

    @property
    def counts(self) -> dict[str, int]:
        """How much there is to erase, by where it stands."""
        contents = {"content": len(self.contents)} if self.contents else {}
        return {**self.rows, **contents}

    def require_closed(self) -> None:
        """Raise `PermanentError`, with what to do, if something is still open."""
        if self.open_deliveries:
            numbers = " ".join(map(str, self.open_deliveries))
            raise PermanentError(
                "nothing was erased: deliveries about it are still open; withdraw them "
                f"first: postroom outbox drop {numbers}"
            )
        if self.open_messages:
            numbers = ", ".join(map(str, self.open_messages))
            raise PermanentError(
                "nothing was erased: what was decided for messages about it is not "
                f"done yet ({numbers}); try again when it is"
            )


def find_traces(connection: Connection, address: str) -> Traces:
    """Where the address stands."""
    named = Named(address)
    found = {table: _find(connection, table, named) for table in (*_TEXTS, *_KEYED)}
    contents = _contents(connection, named, found)
    concerned = _concerned(connection, found, contents)
    return Traces(
        rows={table.name: len(rows) for table, rows in found.items() if rows},
        contents=contents,
        open_deliveries=_open_deliveries(connection, found, contents),
        open_messages=concerned,
    )


def erase(connection: Connection, address: str, contents: Sequence[str]) -> None:
    """Erase the address, and these contents; raises `PermanentError`, and erases
    nothing, if there is something open about it."""
    named = Named(address)
    found = {table: _find(connection, table, named) for table in (*_TEXTS, *_KEYED)}
    Traces(
        {},
        contents,
        _open_deliveries(connection, found, contents),
        _concerned(connection, found, contents),
    ).require_closed()
    for table in _TEXTS:
        for row in found[table]:
            changed = update(table).where(_is_row(table, row))
            connection.execute(changed.values(_without(table, row, named)))
    for table in _KEYED:
        for row in found[table]:
            connection.execute(delete(table).where(_is_row(table, row)))
    forget_content(connection, contents)


# -- an address in texts ---------------------------------------------------------------


def _find(connection: Connection, table: Table, named: Named) -> list[Row[Any]]:
    columns = _columns(table)
    may = or_(
        *(
            func.lower(column).contains(spelling.lower(), autoescape=True)
            for column in columns
            for spelling in named.spellings
        )
    )
    query: Select[Any] = select(table).where(may)
    rows = connection.execute(query)
    names = [column.name for column in columns]
    return [row for row in rows if any(named.is_in(row._mapping[n]) for n in names)]


def _columns(table: Table) -> list[Column[Any]]:
    names = _TEXTS.get(table) or _KEYED[table]
    return [table.c[name] for name in names]


def _is_row(table: Table, row: Row[Any]) -> ColumnElement[bool]:
    return and_(*(column == row._mapping[column.name] for column in table.primary_key))


def _without(table: Table, row: Row[Any], named: Named) -> dict[str, str]:
    # Two recipients of one message have to stay two.
    by = f"[erased {row.id}]" if table is delivery else ERASED
    values = {column.name: row._mapping[column.name] for column in _columns(table)}
    return {name: named.without(text, by) for name, text in values.items() if text}


# -- octets ----------------------------------------------------------------------------


def _contents(connection: Connection, named: Named, found: _Found) -> list[str]:
    """What names the address, or was sent to or by it."""
    sent = {row.outgoing_id for row in found[delivery]}
    sent |= {row.id for row in found[outgoing]}
    query = select(outgoing.c.content_hash)
    of_it = {
        row.content_hash
        for row in rows_where(connection, query, outgoing.c.id, [*sent])
    }
    hashes = connection.execute(select(content_chunk.c.hash).distinct()).scalars().all()
    return [
        name
        for name in hashes
        if name in of_it or named.is_in(_octets(connection, name))
    ]


def _octets(connection: Connection, name: str) -> bytes:
    query = select(content_chunk.c.octets).where(content_chunk.c.hash == name)
    chunks = connection.execute(query.order_by(content_chunk.c.ordinal)).scalars()
    return b"".join(chunks)


# -- what is open ----------------------------------------------------------------------


def _open_deliveries(
    connection: Connection, found: _Found, contents: Sequence[str]
) -> list[int]:
    sending = select(delivery.c.id, delivery.c.outgoing_id, outgoing.c.content_hash)
    query = sending.join(outgoing).where(delivery.c.state.in_(_UNFINISHED))
    query = query.add_columns(outgoing.c.effect_id)
    ids = {row.id for row in found[delivery]}
    sent = {row.id for row in found[outgoing]}
    effects = {row.id for row in found[effect]}
    return [
        row.id
        for row in connection.execute(query.order_by(delivery.c.id))
        if row.id in ids
        or row.outgoing_id in sent
        or row.effect_id in effects
        or row.content_hash in contents
    ]


def _concerned(
    connection: Connection, found: _Found, contents: Sequence[str]
) -> list[int]:
    """Messages with an open effect that names the address, or works with such octets;
    but for what is sent."""
    query = select(effect.c.id, effect.c.message, effect.c.content_hash)
    sends = select(outgoing.c.effect_id)
    is_open = effect.c.state.in_(OPEN_EFFECTS), effect.c.id.not_in(sends)
    named = {row.id for row in found[effect]}
    rows = connection.execute(query.where(*is_open))
    return sorted(
        {r.message for r in rows if r.id in named or r.content_hash in contents}
    )
