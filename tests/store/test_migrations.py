"""The schema's versions: refused, left alone, or brought up to date as one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from postroom.errors import StoreError
from postroom.ports import MessageState
from postroom.rules.effects import FileInto
from postroom.store.dialects import writing_engine
from postroom.store.migrations import MIGRATIONS, Migration, current_version, migrate
from postroom.store.schema import metadata
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    cursor,
    decide,
    finish,
    message,
    plan,
    with_store,
)
from tests.store.version_one import TABLES, write_version_one


async def nothing(store: SqlStore) -> None:
    """Only open and close it."""


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Have the database itself do this."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def add_colour(connection: Connection) -> None:
    """A migration of a postroom to come."""
    connection.exec_driver_sql("ALTER TABLE mailbox ADD COLUMN colour TEXT")


def fail(connection: Connection) -> None:
    """A migration that does not work."""
    connection.exec_driver_sql("ALTER TABLE nothing ADD COLUMN colour TEXT")


def take_to(engine: Engine, *migrations: Migration) -> None:
    """Do what opening does, as a postroom that knows these migrations."""
    with engine.connect() as connection, connection.begin():
        migrate(connection, NOON, migrations)
    engine.dispose()


def test_a_new_store_has_an_id_of_its_own_and_the_current_version(
    path: Path, tmp_path: Path
) -> None:
    query = "SELECT store_id, schema_version FROM meta"
    other = tmp_path / "other" / "postroom.db"
    with_store(path, nothing)
    with_store(other, nothing)
    (first,), (second,) = execute(path, query), execute(other, query)
    assert first[1] == second[1] == current_version()
    assert first[0] != second[0]


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_store_is_refused_and_left_as_it_is(
    path: Path, read_only: bool
) -> None:
    with_store(path, nothing)
    execute(path, "UPDATE meta SET schema_version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"version 99.*up to 7\. .* install that"):
        with_store(path, nothing, read_only=read_only)
    assert path.read_bytes() == before


def test_a_newer_store_is_refused_before_anything_could_write(path: Path) -> None:
    with_store(path, nothing)
    execute(path, "UPDATE meta SET schema_version = 2")
    with pytest.raises(StoreError, match="knows versions up to 1"):
        take_to(writing_engine(path))
    assert execute(path, "SELECT schema_version FROM meta") == [(2,)]


def test_a_store_of_the_current_version_is_opened_untouched(path: Path) -> None:
    with_store(path, nothing)
    before = path.read_bytes()
    with_store(path, nothing)
    assert path.read_bytes() == before


def test_an_older_store_is_brought_up_to_date(path: Path) -> None:
    with_store(path, nothing)
    take_to(writing_engine(path), *MIGRATIONS, add_colour)
    assert execute(path, "SELECT schema_version FROM meta") == [
        (current_version() + 1,)
    ]
    assert execute(path, "SELECT colour FROM mailbox") == []
    take_to(writing_engine(path), *MIGRATIONS, add_colour)


def test_a_migration_that_fails_leaves_the_old_store_whole(path: Path) -> None:
    with_store(path, nothing)
    with pytest.raises(SQLAlchemyError):
        take_to(writing_engine(path), *MIGRATIONS, add_colour, fail)
    assert execute(path, "SELECT schema_version FROM meta") == [(current_version(),)]
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        execute(path, "SELECT colour FROM mailbox")
    with_store(path, nothing)


def test_an_older_store_can_not_be_read_before_a_daemon_migrated_it(
    path: Path,
) -> None:
    with_store(path, nothing)
    execute(path, "UPDATE meta SET schema_version = 0")
    with pytest.raises(StoreError, match="starting the daemon once"):
        with_store(path, nothing, read_only=True)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_of_something_else_is_refused(path: Path, read_only: bool) -> None:
    path.parent.mkdir()
    execute(path, "CREATE TABLE diary (entry TEXT)")
    with pytest.raises(StoreError, match="not a store of postroom"):
        with_store(path, nothing, read_only=read_only)


# -- from version 1


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that the tables hold which the first store had, by their names."""
    return {name: execute(path, f"SELECT * FROM {name}") for name in TABLES}


def shape_of(path: Path) -> dict[str, list[set[tuple[object, ...]]]]:
    """The columns, references and indices of each table, as the database has them."""
    columns = "SELECT * FROM pragma_table_info('{}')"
    references = """SELECT "table", "from", "to" FROM pragma_foreign_key_list('{}')"""
    indices = """SELECT of.name, "unique", column.name, seqno
        FROM pragma_index_list('{}') AS of, pragma_index_info(of.name) AS column"""
    about = columns, references, indices
    return {
        name: [set(execute(path, what.format(name))) for what in about]
        for name in metadata.tables
    }


def test_from_version_1_everything_is_kept(path: Path) -> None:
    write_version_one(path)
    before = rows_of(path)
    assert all(before.values()), "a row in each table"
    with_store(path, nothing)
    after = rows_of(path)
    assert [row[:-1] for row in after.pop("account")] == before.pop("account")
    messages = after.pop("message")
    assert [row[:-2] for row in messages] == before.pop("message")
    assert {row[-2:] for row in messages} == {("", "")}, "none is held, none waits"
    ((_, _, version, _),) = after.pop("meta")
    assert (version, before.pop("meta")[0][2]) == (current_version(), 1)
    effects = after.pop("effect")
    assert [row[4] for row in effects] == ["1:a/0", "2:b/0", "2:b/1"]
    assert [row[:4] + row[5:-6] for row in effects] == [
        row[:4] + row[5:] for row in before.pop("effect")
    ]
    assert {row[-6:] for row in effects} == {(0, None, None, None, None, 0)}, (
        "none again"
    )
    deliveries = after.pop("delivery")
    assert [row[:-1] for row in deliveries] == before.pop("delivery")
    assert {row[-1] for row in deliveries} == {0}, "none is blamed"
    plans = after.pop("plan")
    assert [row[:-1] for row in plans] == before.pop("plan")
    assert {row[-1] for row in plans} == {"live"}, "made of what had arrived"
    assert after == before


def test_from_version_1_the_schema_becomes_that_of_a_new_store(
    path: Path, tmp_path: Path
) -> None:
    new = tmp_path / "other" / "postroom.db"
    write_version_one(path)
    with_store(new, nothing)
    assert shape_of(path) != shape_of(new)
    with_store(path, nothing)
    assert shape_of(path) == shape_of(new)


def test_from_version_1_the_work_goes_on(path: Path) -> None:
    write_version_one(path)

    async def steps(store: SqlStore) -> None:
        assert await store.recognise({"home": "me@example.org"}) == {}
        assert await store.cursor("home", "INBOX") == cursor(3)
        assert await store.undecided("home", "INBOX", 7) == [3]
        assert [each.recipient for each in await store.due(NOON, 9)] == [
            "ann@example.org"
        ]
        await finish(store)
        await decide(store, (message(3), plan("c", FileInto("News"))))
        assert len(await store.open_effects("home", "INBOX", 7)) == 1

    with_store(path, steps)


def test_from_version_1_mailboxes_get_the_spelling_in_which_they_are_compared(
    path: Path,
) -> None:
    write_version_one(path)
    decomposed, composed = "Cafe\u0301", "Caf\u00e9"
    for row in (
        f"(2, 1, '{decomposed}', 7, 4, 0)",
        "(3, 1, 'Inbox/a', 7, 5, 0)",
        "(4, 2, 'Inbox/a', 7, 6, 0)",
        "(5, 2, 'INBOX/a', 7, 7, 0)",
    ):
        execute(path, f"INSERT INTO mailbox VALUES {row}")
    execute(path, f"UPDATE effect SET target_mailbox = '{decomposed}' WHERE id = 1")
    with_store(path, nothing)
    names = execute(path, "SELECT name FROM mailbox ORDER BY id")
    assert [name for (name,) in names] == [
        "INBOX",
        composed,
        "INBOX/a",
        "Inbox/a",
        "INBOX/a",
    ]
    targets = execute(path, "SELECT target_mailbox FROM effect ORDER BY id")
    assert targets == [(composed,), ("News",), (None,)]


def test_from_version_1_two_spellings_of_one_mailbox_become_one(path: Path) -> None:
    """The second of them goes on in the first, which had seen the last of them too."""
    write_version_one(path)
    execute(path, "INSERT INTO mailbox VALUES (2, 1, 'Inbox', 7, 3, 0)")
    for name, column in (("message", "mailbox_id"), ("effect", "source_mailbox")):
        execute(path, f"UPDATE {name} SET {column} = 2")
    copied = "id + 10, 1, uidvalidity, uid, message_id, size, received, object_id"
    rest = "content_hash, state, attempts, reason, first_seen, updated"
    last = f"SELECT {copied}, {rest} FROM message WHERE id = 2"
    execute(path, f"INSERT INTO message {last}")

    async def steps(store: SqlStore) -> None:
        (move,) = await store.open_effects("home", "INBOX", 7)
        assert (move.message, move.effect) == (message(2).key, FileInto("News"))
        assert await store.undecided("home", "INBOX", 7) == [3]
        told = await store.see([message(1)], NOON)
        assert told[message(1).key].state is MessageState.ACKNOWLEDGED
        await finish(store)

    with_store(path, steps)
    query = "SELECT id, mailbox_id, state FROM message ORDER BY id"
    assert execute(path, query) == [
        (1, 1, "acknowledged"),
        (2, 2, "decided"),
        (3, 1, "seen"),
        (12, 1, "decided"),
    ]


def test_a_store_of_version_1_is_not_read_before_it_is_brought_up_to_date(
    path: Path,
) -> None:
    write_version_one(path)
    with pytest.raises(StoreError, match=r"schema version 1, .* reads version 7"):
        with_store(path, nothing, read_only=True)
