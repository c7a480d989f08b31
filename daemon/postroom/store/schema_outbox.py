"""The tables of what leaves, and of what restrains it; and what plugins remember."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from postroom.mail.envelope import Retry
from postroom.ports import DeliveryState, HoldKind
from postroom.store.columns import (
    added_count,
    content_hash,
    metadata,
    one_of,
    ownership,
    row_id,
    time,
    to,
    word,
)
from postroom.store.dialects import RowId
from postroom.store.values import Instant, Words

# -- the outbox ------------------------------------------------------------------------

outgoing = Table(
    "outgoing",
    metadata,
    row_id(),
    Column("effect_id", RowId, ForeignKey("effect.id"), unique=True, nullable=False),
    word("relay"),
    word("sender", optional=True),
    Column("message_id", Words, nullable=False, index=True),
    word("retry"),
    content_hash("content_hash"),
    time("created"),
    one_of("retry", Retry),
)

delivery = Table(
    "delivery",
    metadata,
    row_id(),
    to("outgoing"),
    word("recipient"),
    word("state"),
    Column("attempts", BigInteger, nullable=False, default=0),
    time("next_attempt", optional=True),
    Column("code", Integer, nullable=False, default=0),
    Column("reply", Words, nullable=False, default=""),
    *ownership(),
    time("updated"),
    added_count("begun"),
    UniqueConstraint("outgoing_id", "recipient"),
    one_of("state", DeliveryState),
    Index(None, "state", "next_attempt"),
)

attempt = Table(
    "attempt",
    metadata,
    row_id(),
    Column("delivery_id", RowId, ForeignKey("delivery.id"), nullable=False, index=True),
    Column("outcome", Words),  # empty while the reply to the final dot is awaited
    Column("charged", Boolean, nullable=False, default=True),
    Column("code", Integer, nullable=False, default=0),
    Column("reply", Words, nullable=False, default=""),
    time("started"),
    time("ended", optional=True),
    one_of("outcome", DeliveryState),
)

# -- restraint -------------------------------------------------------------------------

reply_window = Table(
    "reply_window",
    metadata,
    Column("account_id", RowId, ForeignKey("account.id"), primary_key=True),
    Column("handle", Words, primary_key=True),
    Column("address", Words, primary_key=True),
    time("replied"),
)

counter = Table(
    "counter",
    metadata,
    Column("scope", Words, primary_key=True),
    Column("period", Instant, primary_key=True),
    Column("used", BigInteger, nullable=False, default=0),
)

hold = Table(
    "hold",
    metadata,
    Column("kind", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    word("reason"),
    time("since"),
    one_of("kind", HoldKind),
)

# -- notes -----------------------------------------------------------------------------

memory = Table(
    "memory",
    metadata,
    Column("plugin", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    word("text"),
    Column("until", Instant, nullable=False, index=True),
)

notice = Table(
    "notice",
    metadata,
    Column("name", Words, primary_key=True),
    word("text"),
    time("updated"),
)

vocabulary = Table(
    "vocabulary",
    metadata,
    Column("name", Words, primary_key=True),
    word("plugin"),
)
