"""A store of schema version 3: one of version 2, taken one version further."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from postroom.store.dialects import writing_engine
from postroom.store.migrations import MIGRATIONS, migrate
from tests.store.samples import NOON
from tests.store.version_two import write_version_two

# A row in each table that this version brought, a message that waits for a rule, and a
# perform that is to be tried again with the octets that were kept for it.
_ROWS = r"""
INSERT INTO hold VALUES ('rule', 'Others', 'it hangs', 1772366400123456);
INSERT INTO memory VALUES ('away', 'ann', 'told', 1872366400123456);
INSERT INTO notice VALUES ('rules', 'a file is not read', 1772366400123456);
INSERT INTO vocabulary VALUES ('webhook', 'postroom_webhook');
INSERT INTO message VALUES (6, 1, 7, 6, '<6@example.org>', 1000, 1772366400123456, NULL,
    NULL, 'seen', 0, 'it hangs', 1772366400123456, 1772366400123456, '', 'Others');
INSERT INTO message VALUES (7, 1, 7, 7, '<7@example.org>', 1000, 1772366400123456, NULL,
    NULL, 'decided', 1, '', 1772366400123456, 1772366400123456, '', '');
INSERT INTO plan VALUES (4, 7, 1, 1, '{"rules":[],"passed_over":2}', 1772366400123456);
INSERT INTO effect SELECT 6, 4, 7, 1, '7:d/0', 'perform', 'Hook', 0,
    '{"action":"webhook","payload":"{}","needs_bytes":true,"options":""}', 'planned', 1,
    1, 7, 7, '[]', NULL, NULL, NULL, NULL, NULL, 'refused', 1772366400123456, 2,
    1772366460123456, hash FROM content;
"""


def write_version_three(path: Path) -> None:
    """Make such a store at `path`."""
    write_version_two(path)
    engine = writing_engine(path)
    with engine.connect() as older, older.begin():
        migrate(older, NOON, MIGRATIONS[:2])
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.executescript(_ROWS)
