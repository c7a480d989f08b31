"""The tables: everything postroom remembers, in one shape from the first day.

Invariants: every state column takes only the words of its states; times are integers
(UTC microseconds); nothing refers to a row that is not there. A change of this file
needs a migration (`migrations.py`). Columns that nothing fills yet are for several
daemons, budgets, undo and `why`, so that these need no rewrite of old rows.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from postroom.mail.envelope import Retry
from postroom.ports import DeliveryState, EffectState, MessageState
from postroom.store.columns import (
    CONSTRAINT_NAMES,
    content_hash,
    number,
    one_of,
    ownership,
    row_id,
    time,
    to,
    word,
)
from postroom.store.dialects import Instant, RowId, Words
from postroom.store.kinds import EffectKind, RunMode

metadata = MetaData(naming_convention=CONSTRAINT_NAMES)

meta = Table(
    "meta",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True),
    word("store_id"),
    number("schema_version"),
    time("created"),
)

# -- where mail is ---------------------------------------------------------------------

account = Table(
    "account",
    metadata,
    row_id(),
    Column("name", Words, unique=True),
    *ownership(),
    word("identity", optional=True),
)

mailbox = Table(
    "mailbox",
    metadata,
    row_id(),
    to("account"),
    word("name"),
    number("uidvalidity", optional=True),
    number("uid", optional=True),
    time("checked", optional=True),
    UniqueConstraint("account_id", "name"),
)

watch = Table(
    "watch",
    metadata,
    Column("mailbox_id", RowId, ForeignKey("mailbox.id"), primary_key=True),
    word("state"),
    word("detail"),
    time("since"),
    time("retry_at", optional=True),
)

relay = Table(
    "relay",
    metadata,
    Column("name", Words, primary_key=True),
    word("error"),
    time("retry_at", optional=True),
)

# -- octets ----------------------------------------------------------------------------

content = Table(
    "content",
    metadata,
    Column("hash", String(64), primary_key=True),
    number("size"),
    time("created"),
)

content_chunk = Table(
    "content_chunk",
    metadata,
    Column("hash", String(64), ForeignKey("content.hash"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("octets", LargeBinary, nullable=False),
)

# -- rules and runs --------------------------------------------------------------------

ruleset = Table(
    "ruleset",
    metadata,
    row_id(),
    Column("hash", String(64), unique=True, nullable=False),
    time("created"),
)

ruleset_file = Table(
    "ruleset_file",
    metadata,
    Column("ruleset_id", RowId, ForeignKey("ruleset.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    word("name"),
    word("text"),
)

run = Table(
    "run",
    metadata,
    row_id(),
    word("mode"),
    to("ruleset"),
    word("version"),
    time("started"),
    time("ended", optional=True),
    one_of("mode", RunMode),
)

# -- the ledger ------------------------------------------------------------------------

message = Table(
    "message",
    metadata,
    row_id(),
    to("mailbox"),
    number("uidvalidity"),
    number("uid"),
    word("message_id"),
    number("size"),
    time("received"),
    word("object_id", optional=True),
    content_hash("content_hash", optional=True),
    word("state"),
    number("attempts"),
    Column("reason", Words, nullable=False, default=""),
    time("first_seen"),
    time("updated"),
    Column("held", Words, nullable=False, server_default=""),
    UniqueConstraint("mailbox_id", "uidvalidity", "uid"),
    one_of("state", MessageState),
    Index(None, "message_id", "size", "received"),
    Index(None, "mailbox_id", "state"),
    Index(None, "updated"),
)

# Each message with its mailbox and account.
located_message = message.join(mailbox).join(account)

plan = Table(
    "plan",
    metadata,
    row_id(),
    Column("message", RowId, ForeignKey("message.id"), nullable=False, index=True),
    to("run"),
    to("ruleset"),
    word("trace"),
    time("decided"),
)

effect = Table(
    "effect",
    metadata,
    row_id(),
    to("plan"),
    Column("message", RowId, ForeignKey("message.id"), nullable=False, index=True),
    to("account"),
    Column("key", Words, nullable=False, unique=True),
    word("kind"),
    word("rule"),
    number("ordinal"),
    word("arguments"),
    word("state"),
    Column("attempted", Boolean, nullable=False, default=False),
    Column("source_mailbox", RowId, ForeignKey("mailbox.id"), nullable=False),
    number("source_uidvalidity"),
    number("source_uid"),
    word("flags_before"),
    word("target_mailbox", optional=True),
    number("target_uidvalidity", optional=True),
    number("target_uid", optional=True),
    number("claimed_uidvalidity", optional=True),
    number("claimed_uid", optional=True),
    Column("detail", Words, nullable=False, default=""),
    time("updated"),
    one_of("kind", EffectKind),
    one_of("state", EffectState),
    Index(None, "state", "source_mailbox", "source_uidvalidity"),
    Index(None, "account_id", "target_mailbox", "target_uid"),
)

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
