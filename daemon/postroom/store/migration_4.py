"""From schema version 3 to 4: maildrops are remembered.

This was published and is never changed: it names no table of today's schema.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    MetaData,
    String,
    Table,
)

from postroom.store.dialects import RowId
from postroom.store.values import Instant, Words

_tables = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

Table("account", _tables, Column("id", RowId, primary_key=True))

_maildrop = Table(
    "maildrop",
    _tables,
    Column("uidvalidity", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "account_id",
        RowId,
        ForeignKey("account.id", name="fk_maildrop_account_id"),
        nullable=False,
    ),
    Column("uidnext", BigInteger, nullable=False),
    Column("listings", BigInteger, nullable=False),
    Column("unidentified", BigInteger, nullable=False),
    Column("doubtful", BigInteger, nullable=False),
    Column("hides", Boolean, nullable=False),
    Column("counted", BigInteger, nullable=False),
    Column("boot", Words, nullable=False),
    Column("uptime", BigInteger, nullable=False),
    Column("counted_at", Instant, nullable=False),
    Column("void", Boolean, nullable=False),
    Index("ix_maildrop_account_id_void", "account_id", "void"),
)

_item = Table(
    "maildrop_item",
    _tables,
    Column(
        "uidvalidity",
        BigInteger,
        ForeignKey("maildrop.uidvalidity", name="fk_maildrop_item_uidvalidity"),
        primary_key=True,
    ),
    Column("uid", BigInteger, primary_key=True, autoincrement=False),
    Column("uidl", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_hash", String(64)),
    Column("since", Instant, nullable=False),
    Column("stored", Instant),
    Column("counted", BigInteger),
    Column("listing", BigInteger),
    Column("removed", Instant),
    Column("vanished", Instant),
    Column("sought", Boolean, nullable=False),
    Column("adopted", Boolean, nullable=False),
    Column("asked", Instant),
    Column("broken", BigInteger, nullable=False),
    Column("broken_since", Instant),
    Column("broken_last", Instant),
    Index("ix_maildrop_item_uidvalidity_uidl", "uidvalidity", "uidl"),
    Index("ix_maildrop_item_uidvalidity_content_hash", "uidvalidity", "content_hash"),
    Index("ix_maildrop_item_uidvalidity_vanished", "uidvalidity", "vanished"),
    Index("ix_maildrop_item_uidvalidity_removed", "uidvalidity", "removed"),
)


def to_4(connection: Connection) -> None:
    """None is known so far."""
    for table in (_maildrop, _item):
        table.create(connection)
