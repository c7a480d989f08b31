"""A store of schema version 2: the first one, taken one version further."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from postroom.store.dialects import writing_engine
from postroom.store.migrations import MIGRATIONS, migrate
from tests.store.samples import NOON
from tests.store.version_one import write_version_one

# A perform that was held, as none was carried out yet, and an expunge that waits for
# it; and a message of which nothing may go out.
_ROWS = r"""
INSERT INTO message VALUES (4, 1, 7, 4, '<4@example.org>', 1000, 1772366400123456, NULL,
    NULL, 'settled', 1, '', 1772366400123456, 1772366400123456, '');
INSERT INTO message VALUES (5, 1, 7, 5, '<5@example.org>', 1000, 1772366400123456, NULL,
    NULL, 'seen', 0, '', 1772366400123456, 1772366400123456, '60 are unknown');
INSERT INTO plan VALUES (3, 4, 1, 1, '[{"rule":"Hook","matched":true,"conditions":[],
    "effects":["perform"],"note":""}]', 1772366400123456);
INSERT INTO effect VALUES (4, 3, 4, 1, '4:c/0', 'perform', 'Hook', 0,
    '{"action":"webhook","payload":"{}","needs_bytes":false}', 'held', 0, 1, 7, 4, '[]',
    NULL, NULL, NULL, NULL, NULL, 'not available yet', 1772366400123456);
INSERT INTO effect VALUES (5, 3, 4, 1, '4:c/1', 'expunge', 'Tidy', 1, '{}', 'held', 0,
    1, 7, 4, '[]', NULL, NULL, NULL, NULL, NULL,
    'kept: perform of rule ''Hook'' is held', 1772366400123456);
"""


def write_version_two(path: Path) -> None:
    """Make such a store at `path`."""
    write_version_one(path)
    engine = writing_engine(path)
    with engine.connect() as older, older.begin():
        migrate(older, NOON, MIGRATIONS[:1])
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.executescript(_ROWS)
