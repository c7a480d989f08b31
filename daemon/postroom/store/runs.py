"""Which rules ran, when, why, and by which postroom."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from postroom.errors import StoreError
from postroom.ports import Ruleset
from postroom.store.kinds import RunMode
from postroom.store.schema import ruleset, ruleset_file, run


@dataclass(frozen=True)
class Run:
    """A run, the rules it has, and the occasion of what it decides: all that decide
    what arrives are one, and each other is one of its own."""

    id: int
    ruleset: int
    mode: str

    @property
    def occasion(self) -> str:
        """What tells it from other occasions to decide about the same message."""
        return self.mode if self.mode == RunMode.LIVE else f"{self.mode} {self.id}"


def run_of(connection: Connection, run_id: int) -> Run:
    """The run of this number; `StoreError` if there is none."""
    query = select(run.c.ruleset_id, run.c.mode).where(run.c.id == run_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise StoreError(f"there is no run {run_id}")
    return Run(run_id, row.ruleset_id, row.mode)


def begin_run(
    connection: Connection, mode: str, rules: Ruleset, version: str, now: datetime
) -> int:
    """Note a run under these rules, whose text is kept once; the run's number."""
    row = {
        "mode": mode,
        "ruleset_id": _ruleset_id(connection, rules, now),
        "version": version,
        "started": now,
    }
    made = connection.execute(insert(run).returning(run.c.id), row)
    number: int = made.scalar_one()
    return number


def end_runs(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Note that these runs came to their end."""
    connection.execute(update(run).where(run.c.id.in_(ids)).values(ended=now))


def _ruleset_id(connection: Connection, rules: Ruleset, now: datetime) -> int:
    name = hashlib.sha256(json.dumps(rules.files).encode()).hexdigest()
    found = connection.execute(select(ruleset.c.id).where(ruleset.c.hash == name))
    known = found.scalar()
    return _keep(connection, name, rules, now) if known is None else known


def _keep(connection: Connection, name: str, rules: Ruleset, now: datetime) -> int:
    row = insert(ruleset).values(hash=name, created=now).returning(ruleset.c.id)
    number: int = connection.execute(row).scalar_one()
    files = [
        {"ruleset_id": number, "ordinal": ordinal, "name": file, "text": text}
        for ordinal, (file, text) in enumerate(rules.files)
    ]
    if files:
        connection.execute(insert(ruleset_file), files)
    return number
