"""The tables of what maildrops held, and hold: they remember nothing themselves."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
)

from postroom.store.columns import metadata, number, time, to, word

# An account has one that is not void. `counted` is the uptime that was counted until
# `counted_at`, when the machine had been up for `uptime`; both in microseconds. Of the
# last listing so many messages are still `unidentified`; `doubtful` is the UID below
# which those not stored came with a renumbering.
maildrop = Table(
    "maildrop",
    metadata,
    Column("uidvalidity", BigInteger, primary_key=True, autoincrement=False),
    to("account"),
    number("uidnext"),
    number("listings"),
    number("unidentified"),
    number("doubtful"),
    Column("hides", Boolean, nullable=False),
    number("counted"),
    word("boot"),
    number("uptime"),
    time("counted_at"),
    Column("void", Boolean, nullable=False),
    Index(None, "account_id", "void"),
)

# `counted` and `listing` are what the maildrop's `counted` and `listings` were when it
# was stored. It is `vanished` when a listing did not have it, and `sought` while one of
# the last listing's that are not identified yet may be it. One that is `adopted` was
# there before postroom, and is left alone. It is `asked` to be removed until the server
# has said that it is, or not. The connection ended at it `broken` times.
maildrop_item = Table(
    "maildrop_item",
    metadata,
    Column(
        "uidvalidity", BigInteger, ForeignKey("maildrop.uidvalidity"), primary_key=True
    ),
    Column("uid", BigInteger, primary_key=True, autoincrement=False),
    word("uidl"),
    number("size"),
    Column("content_hash", String(64)),
    time("since"),
    time("stored", optional=True),
    number("counted", optional=True),
    number("listing", optional=True),
    time("removed", optional=True),
    time("vanished", optional=True),
    Column("sought", Boolean, nullable=False),
    Column("adopted", Boolean, nullable=False),
    time("asked", optional=True),
    number("broken"),
    time("broken_since", optional=True),
    time("broken_last", optional=True),
    Index(None, "uidvalidity", "uidl"),
    Index(None, "uidvalidity", "content_hash"),
    Index(None, "uidvalidity", "vanished"),
    Index(None, "uidvalidity", "removed"),
)
