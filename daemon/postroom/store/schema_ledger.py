"""The tables of what is known: mailboxes, octets, rules, messages and their effects."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from postroom.ports import EffectState, MessageState
from postroom.store.columns import (
    added_count,
    added_word,
    content_hash,
    metadata,
    number,
    one_of,
    ownership,
    row_id,
    time,
    to,
    word,
)
from postroom.store.dialects import RowId
from postroom.store.kinds import EffectKind, RunMode
from postroom.store.values import Words

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
    added_word("held"),
    added_word("waits_for"),
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
    Column("message", RowId, ForeignKey("message.id"), nullable=False),
    to("run"),
    to("ruleset"),
    word("trace"),
    time("decided"),
    added_word("occasion", "live"),
    Index(None, "message", "occasion", unique=True),
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
    added_count("attempts"),
    time("next_attempt", optional=True),
    content_hash("content_hash", optional=True),
    number("before_uidvalidity", optional=True),
    number("before_uidnext", optional=True),
    added_count("begun"),
    one_of("kind", EffectKind),
    one_of("state", EffectState),
    Index(None, "state", "source_mailbox", "source_uidvalidity"),
    Index(None, "account_id", "target_mailbox", "target_uid"),
    Index(None, "kind", "state", "next_attempt"),
)
