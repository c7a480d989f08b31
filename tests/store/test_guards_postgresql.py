"""PostgreSQL refuses the same as SQLite: its schema and triggers, told by its psql."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from postroom.store.dialects import trigger
from postroom.store.guards import GUARDS
from postroom.store.schema import metadata
from tests.servers.programs import find_program, shared_folder
from tests.store.guarded import PARENTS, Change, edges, premises

DIALECT = PGDialect()  # type: ignore[no-untyped-call]  # it has no annotations

# True if the statement is refused by a trigger; whatever else goes wrong is raised.
REFUSES = """CREATE FUNCTION refuses(statement text) RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN EXECUTE statement; RETURN false;
EXCEPTION WHEN check_violation THEN RETURN true; END $$"""


def as_postgres(*command: str, given: str = "") -> str:
    """What the command tells, done by the server's own user: it refuses root."""
    run = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(run, input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def running_postgresql() -> Iterator[Path]:
    """The folder of its socket."""
    with shared_folder("postgresql") as folder:
        shutil.chown(folder, "postgres", "postgres")
        data = str(folder / "data")
        as_postgres("initdb", "--no-sync", "-A", "trust", "-D", data)
        settings = f"-k {folder} -c listen_addresses= -c fsync=off"
        # It stands beside the other, which may be found by a link.
        control = str(Path(find_program("initdb") or "").resolve().with_name("pg_ctl"))
        log = str(folder / "log")
        as_postgres(control, "-w", "-D", data, "-l", log, "-o", settings, "start")
        try:
            yield folder
        finally:
            as_postgres(control, "-w", "-D", data, "-m", "immediate", "stop")


def schema() -> Iterator[str]:
    """The statements that make the tables, their indices and their triggers."""
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=DIALECT))
        for index in table.indexes:
            yield str(CreateIndex(index).compile(dialect=DIALECT))
    for guard in GUARDS:
        yield from trigger(guard, "postgresql")


def asked(each: Change) -> Iterator[str]:
    """The statements that try this change, and undo all of it."""
    yield "BEGIN"
    yield from each.before
    quoted = each.statement.replace("'", "''")
    yield f"SELECT '{each.name}', refuses('{quoted}')"
    yield "ROLLBACK"


@pytest.mark.skipif(
    find_program("initdb") is None or find_program("runuser") is None,
    reason="PostgreSQL is not installed",
)
def test_postgresql_refuses_the_same() -> None:
    changes = [*edges(), *premises()]
    statements = [*schema(), REFUSES, *PARENTS]
    for each in changes:
        statements += asked(each)
    with running_postgresql() as folder:
        psql = "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", str(folder), "postgres"
        told = as_postgres(*psql, given=";\n".join(statements) + ";\n")
    assert told.splitlines() == [
        f"{each.name}|{'t' if each.refused else 'f'}" for each in changes
    ]
