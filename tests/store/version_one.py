"""A store as the first postroom wrote it: its schema never changes any more."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = """
CREATE TABLE account (
    id INTEGER NOT NULL,
    name TEXT,
    owner TEXT,
    lease BIGINT,
    fence BIGINT NOT NULL,
    CONSTRAINT pk_account PRIMARY KEY (id),
    CONSTRAINT uq_account_name UNIQUE (name)
);
CREATE TABLE attempt (
    id INTEGER NOT NULL,
    delivery_id INTEGER NOT NULL,
    outcome TEXT,
    charged BOOLEAN NOT NULL,
    code INTEGER NOT NULL,
    reply TEXT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT,
    CONSTRAINT pk_attempt PRIMARY KEY (id),
    CONSTRAINT ck_attempt_outcome CHECK (outcome IN ('queued', 'sending', 'delivered',
        'delayed', 'failed', 'held', 'unknown', 'bounced', 'withdrawn')),
    CONSTRAINT fk_attempt_delivery_id FOREIGN KEY(delivery_id) REFERENCES delivery
        (id)
);
CREATE TABLE content (
    hash VARCHAR(64) NOT NULL,
    size BIGINT NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_content PRIMARY KEY (hash)
);
CREATE TABLE content_chunk (
    hash VARCHAR(64) NOT NULL,
    ordinal INTEGER NOT NULL,
    octets BLOB NOT NULL,
    CONSTRAINT pk_content_chunk PRIMARY KEY (hash, ordinal),
    CONSTRAINT fk_content_chunk_hash FOREIGN KEY(hash) REFERENCES content (hash)
);
CREATE TABLE counter (
    scope TEXT NOT NULL,
    period BIGINT NOT NULL,
    used BIGINT NOT NULL,
    CONSTRAINT pk_counter PRIMARY KEY (scope, period)
);
CREATE TABLE delivery (
    id INTEGER NOT NULL,
    outgoing_id INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt BIGINT,
    code INTEGER NOT NULL,
    reply TEXT NOT NULL,
    owner TEXT,
    lease BIGINT,
    fence BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    CONSTRAINT pk_delivery PRIMARY KEY (id),
    CONSTRAINT uq_delivery_outgoing_id_recipient UNIQUE (outgoing_id, recipient),
    CONSTRAINT ck_delivery_state CHECK (state IN ('queued', 'sending', 'delivered',
        'delayed', 'failed', 'held', 'unknown', 'bounced', 'withdrawn')),
    CONSTRAINT fk_delivery_outgoing_id FOREIGN KEY(outgoing_id) REFERENCES outgoing
        (id)
);
CREATE TABLE effect (
    id INTEGER NOT NULL,
    plan_id INTEGER NOT NULL,
    message INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    rule TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL,
    attempted BOOLEAN NOT NULL,
    source_mailbox INTEGER NOT NULL,
    source_uidvalidity BIGINT NOT NULL,
    source_uid BIGINT NOT NULL,
    flags_before TEXT NOT NULL,
    target_mailbox TEXT,
    target_uidvalidity BIGINT,
    target_uid BIGINT,
    claimed_uidvalidity BIGINT,
    claimed_uid BIGINT,
    detail TEXT NOT NULL,
    updated BIGINT NOT NULL,
    CONSTRAINT pk_effect PRIMARY KEY (id),
    CONSTRAINT ck_effect_kind CHECK (kind IN ('flags', 'copy', 'send', 'perform',
        'move', 'trash', 'expunge')),
    CONSTRAINT ck_effect_state CHECK (state IN ('planned', 'doing', 'done', 'failed',
        'held')),
    CONSTRAINT fk_effect_plan_id FOREIGN KEY(plan_id) REFERENCES plan (id),
    CONSTRAINT fk_effect_message FOREIGN KEY(message) REFERENCES message (id),
    CONSTRAINT fk_effect_account_id FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT uq_effect_key UNIQUE (key),
    CONSTRAINT fk_effect_source_mailbox FOREIGN KEY(source_mailbox) REFERENCES mailbox
        (id)
);
CREATE TABLE mailbox (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    uidvalidity BIGINT,
    uid BIGINT,
    checked BIGINT,
    CONSTRAINT pk_mailbox PRIMARY KEY (id),
    CONSTRAINT uq_mailbox_account_id_name UNIQUE (account_id, name),
    CONSTRAINT fk_mailbox_account_id FOREIGN KEY(account_id) REFERENCES account (id)
);
CREATE TABLE message (
    id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    uidvalidity BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    message_id TEXT NOT NULL,
    size BIGINT NOT NULL,
    received BIGINT NOT NULL,
    object_id TEXT,
    content_hash VARCHAR(64),
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    reason TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    CONSTRAINT pk_message PRIMARY KEY (id),
    CONSTRAINT uq_message_mailbox_id_uidvalidity_uid UNIQUE (mailbox_id, uidvalidity,
        uid),
    CONSTRAINT ck_message_state CHECK (state IN ('seen', 'decided', 'settled',
        'acknowledged', 'quarantined', 'gone')),
    CONSTRAINT fk_message_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id),
    CONSTRAINT fk_message_content_hash FOREIGN KEY(content_hash) REFERENCES content
        (hash)
);
CREATE TABLE meta (
    id INTEGER NOT NULL CONSTRAINT ck_meta_single CHECK (id = 1),
    store_id TEXT NOT NULL,
    schema_version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_meta PRIMARY KEY (id)
);
CREATE TABLE outgoing (
    id INTEGER NOT NULL,
    effect_id INTEGER NOT NULL,
    relay TEXT NOT NULL,
    sender TEXT,
    message_id TEXT NOT NULL,
    retry TEXT NOT NULL,
    content_hash VARCHAR(64) NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_outgoing PRIMARY KEY (id),
    CONSTRAINT ck_outgoing_retry CHECK (retry IN ('at-least-once', 'at-most-once')),
    CONSTRAINT uq_outgoing_effect_id UNIQUE (effect_id),
    CONSTRAINT fk_outgoing_effect_id FOREIGN KEY(effect_id) REFERENCES effect (id),
    CONSTRAINT fk_outgoing_content_hash FOREIGN KEY(content_hash) REFERENCES content
        (hash)
);
CREATE TABLE plan (
    id INTEGER NOT NULL,
    message INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    ruleset_id INTEGER NOT NULL,
    trace TEXT NOT NULL,
    decided BIGINT NOT NULL,
    CONSTRAINT pk_plan PRIMARY KEY (id),
    CONSTRAINT fk_plan_message FOREIGN KEY(message) REFERENCES message (id),
    CONSTRAINT fk_plan_run_id FOREIGN KEY(run_id) REFERENCES run (id),
    CONSTRAINT fk_plan_ruleset_id FOREIGN KEY(ruleset_id) REFERENCES ruleset (id)
);
CREATE TABLE relay (
    name TEXT NOT NULL,
    error TEXT NOT NULL,
    retry_at BIGINT,
    CONSTRAINT pk_relay PRIMARY KEY (name)
);
CREATE TABLE reply_window (
    account_id INTEGER NOT NULL,
    handle TEXT NOT NULL,
    address TEXT NOT NULL,
    replied BIGINT NOT NULL,
    CONSTRAINT pk_reply_window PRIMARY KEY (account_id, handle, address),
    CONSTRAINT fk_reply_window_account_id FOREIGN KEY(account_id) REFERENCES account
        (id)
);
CREATE TABLE ruleset (
    id INTEGER NOT NULL,
    hash VARCHAR(64) NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_ruleset PRIMARY KEY (id),
    CONSTRAINT uq_ruleset_hash UNIQUE (hash)
);
CREATE TABLE ruleset_file (
    ruleset_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    CONSTRAINT pk_ruleset_file PRIMARY KEY (ruleset_id, ordinal),
    CONSTRAINT fk_ruleset_file_ruleset_id FOREIGN KEY(ruleset_id) REFERENCES ruleset
        (id)
);
CREATE TABLE run (
    id INTEGER NOT NULL,
    mode TEXT NOT NULL,
    ruleset_id INTEGER NOT NULL,
    version TEXT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT,
    CONSTRAINT pk_run PRIMARY KEY (id),
    CONSTRAINT ck_run_mode CHECK (mode IN ('live', 'sweep', 'undo')),
    CONSTRAINT fk_run_ruleset_id FOREIGN KEY(ruleset_id) REFERENCES ruleset (id)
);
CREATE TABLE watch (
    mailbox_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    since BIGINT NOT NULL,
    retry_at BIGINT,
    CONSTRAINT pk_watch PRIMARY KEY (mailbox_id),
    CONSTRAINT fk_watch_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id)
);
CREATE INDEX ix_message_message_id_size_received
    ON message (message_id, size, received);
CREATE INDEX ix_message_updated ON message (updated);
CREATE INDEX ix_message_mailbox_id_state ON message (mailbox_id, state);
CREATE INDEX ix_plan_message ON plan (message);
CREATE INDEX ix_effect_state_source_mailbox_source_uidvalidity
    ON effect (state, source_mailbox, source_uidvalidity);
CREATE INDEX ix_effect_message ON effect (message);
CREATE INDEX ix_effect_account_id_target_mailbox_target_uid
    ON effect (account_id, target_mailbox, target_uid);
CREATE INDEX ix_outgoing_message_id ON outgoing (message_id);
CREATE INDEX ix_delivery_state_next_attempt ON delivery (state, next_attempt);
CREATE INDEX ix_attempt_delivery_id ON attempt (delivery_id);
"""

# A row in each table at least. One message was moved, one is to be moved and sent on,
# and one is not decided. Another account is in no settings any more.
ROWS = r"""
INSERT INTO meta VALUES (1, '44fd9129-00c6-47b6-9401-0ef5125247c8', 1,
    1772366400123456);
INSERT INTO account (id, name, fence) VALUES (1, 'home', 0), (2, 'old', 0);
INSERT INTO mailbox VALUES (1, 1, 'INBOX', 7, 3, 1772366400123456);
INSERT INTO watch VALUES (1, 'watching', '', 1772366400123456, NULL);
INSERT INTO relay VALUES ('home', 'down', 1772366400123456);
INSERT INTO content VALUES (
    '94aa02c65e3473d1c7d53430c4fd2b49d6b8cbc875139d1b4b248e6a8243bf38',
    20, 1772366400123456);
INSERT INTO content_chunk VALUES (
    '94aa02c65e3473d1c7d53430c4fd2b49d6b8cbc875139d1b4b248e6a8243bf38',
    0, x'5375626A6563743A20780D0A0D0A626F64790D0A');
INSERT INTO ruleset VALUES (1, '86a0', 1772366400123456);
INSERT INTO ruleset_file VALUES (1, 0, '10-first.toml', '');
INSERT INTO run VALUES (1, 'live', 1, '0.1', 1772366400123456, NULL);
INSERT INTO message VALUES
    (1, 1, 7, 1, '<1@example.org>', 1000, 1772366400123456, NULL, NULL,
        'acknowledged', 1, '', 1772366400123456, 1772366400123456),
    (2, 1, 7, 2, '<2@example.org>', 1000, 1772366400123456, NULL, NULL,
        'decided', 1, '', 1772366400123456, 1772366400123456),
    (3, 1, 7, 3, '<3@example.org>', 1000, 1772366400123456, NULL, NULL,
        'seen', 1, '', 1772366400123456, 1772366400123456);
INSERT INTO plan VALUES
    (1, 1, 1, 1, '[]', 1772366400123456), (2, 2, 1, 1, '[]', 1772366400123456);
INSERT INTO effect VALUES
    (1, 1, 1, 1, 'a/0', 'move', 'Invoices', 0, '{"mailbox":"News"}', 'done', 1,
        1, 7, 1, '[]', 'News', 30, 5, NULL, NULL, '', 1772366400123456),
    (2, 2, 2, 1, 'b/0', 'move', 'Invoices', 1, '{"mailbox":"News"}', 'planned', 0,
        1, 7, 2, '[]', 'News', NULL, NULL, NULL, NULL, '', 1772366400123456),
    (3, 2, 2, 1, 'b/1', 'send', 'Invoices', 0, '{"relay":"home"}', 'planned', 0,
        1, 7, 2, '[]', NULL, NULL, NULL, NULL, NULL, '', 1772366400123456);
INSERT INTO outgoing VALUES (1, 3, 'home', 'me@example.org',
    '<94aa02c65e3473d1@example.org>', 'at-least-once',
    '94aa02c65e3473d1c7d53430c4fd2b49d6b8cbc875139d1b4b248e6a8243bf38',
    1772366400123456);
INSERT INTO delivery VALUES (1, 1, 'ann@example.org', 'delayed', 1, 1772366400123456,
    451, 'busy', NULL, NULL, 0, 1772366400123456);
INSERT INTO attempt VALUES (1, 1, 'delayed', 1, 451, 'busy', 1772366400123456,
    1772366400123456);
INSERT INTO reply_window VALUES (1, 'away', 'ann@example.org', 1772366400123456);
INSERT INTO counter VALUES ('sent', 1772366400123456, 1);
"""

TABLES = re.findall(r"CREATE TABLE (\w+)", SCHEMA)


def write_version_one(path: Path) -> None:
    """Make such a store at `path`."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.executescript(SCHEMA + ROWS)
